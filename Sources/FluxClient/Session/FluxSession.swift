internal import AudioCodecs
internal import FluxGraph
internal import FluxProtocol

/// Carries out what a `FluxSessionMachine` decides: owns the WebSocket, the timer and the audio that may have to be sent again.
/// Everything happens on the context's loop.
final class FluxSession: @unchecked Sendable {
  // Unchecked: touched on the context's loop only.

  /// Bytes handed to the network and not taken by it yet, as seconds of audio. Beyond that audio waits here.
  private static let networkBuffer = Duration.seconds(2)
  /// How often the network's pulse is felt.
  private static let pulse = Duration.milliseconds(250)

  private let format: AudioFormat
  private let events: EventOutlet
  private let context: StageContext
  private let dialer: FluxDialer
  private let name: String?
  private let identifier: String
  private let blockedLimit: Duration
  /// Bytes the network may hold, of samples and of Ogg Opus.
  private let networkLimit: Int
  private static let compressedLimit = Int(networkBuffer.seconds) * compressedBytes
  /// Bytes of a second of Ogg Opus, with what stands around it; rather more.
  private static let compressedBytes = 4000
  /// There where Ogg Opus is or may be sent. It encodes here, on the loop: a third of a millisecond for a chunk, and only where the link
  /// or the user wants it.
  private var encoder: OggOpusEncoder?
  /// Whether the present connection is sent Ogg Opus.
  private var sendsOpus = false
  /// The pages being sent.
  private var pages: [UInt8] = []
  // Accesses are not checked: it calls nobody back, and checks were a tenth of what a chunk costs.
  @exclusivity(unchecked) private var machine: FluxSessionMachine
  private var backlog: AudioBacklog
  private var connection: (any WebSocketConnection)?
  /// Tells the events of the present connection from those of an earlier one.
  private var connectionNumber = 0
  private var timer: (any GraphTimer)?
  private var timerDue: Instant?
  private var finished: ((StageError?) -> Void)?
  /// The source's next frame.
  private var nextPosition: Int64 = 0
  /// Silence that stood in for audio since the source last gave some.
  private var insertedFrames: Int64 = 0
  private var pauses = StreamPauses()
  private var isPerforming = false
  /// Called when more or less audio may wait than before.
  var onBacklog: () -> Void = {}
  /// Called when audio is wanted again.
  var onWant: () -> Void = {}

  /// - Parameters:
  ///   - name: the name of the stream in events and notices.
  ///   - identifier: the session's, in events.
  /// - Throws: when libopus gives no encoder although one is needed.
  init(
    format: AudioFormat, events: EventOutlet, context: StageContext, dialer: FluxDialer,
    settings: FluxSessionSettings, name: String?, identifier: String
  ) throws(OpusError) {
    self.format = format
    self.events = events
    self.context = context
    self.dialer = dialer
    self.name = name
    self.identifier = identifier
    blockedLimit = settings.limits.blockedSend
    networkLimit = format.frames(in: Self.networkBuffer) * format.bytesPerFrame
    machine = FluxSessionMachine(settings)
    let chunk = Int(machine.audio.chunk)
    let limit = max(chunk, format.frames(in: settings.limits.buffer) / chunk * chunk)
    backlog = AudioBacklog(
      frameSize: format.bytesPerFrame, silence: format.sample.silence, limit: limit, step: chunk)
    encoder = settings.encoding == .samples ? nil : try OggOpusEncoder(rate: format.rate)
  }

  /// Begins. `finished` is called once, with the error the session ended with, if any.
  func start(_ finished: @escaping (StageError?) -> Void) {
    self.finished = finished
    perform(machine.start(now: now))
  }

  /// Ends at once.
  func cancel() { perform(machine.cancel()) }

  /// Whether more audio may come.
  var wantsAudio: Bool { machine.wantsAudio }

  /// Seconds of audio that wait to be sent.
  var waitingSeconds: Double { isOver ? 0 : machine.audio.seconds(machine.audio.waiting) }

  /// Whether the session has come to its end.
  var isOver: Bool { machine.state == .over }

  /// The time the session goes by. That in which the process did not run is none of it: nobody was silent then.
  private var now: Instant { context.clock.now().advanced(by: .zero - context.loop.absence) }

  /// Bytes of memory the kept audio takes.
  var allocatedBytes: Int { backlog.allocatedBytes }

  /// Carries out a command of the user's.
  func command(_ command: StageCommand) -> StageReply {
    let (reply, actions) = machine.command(command, now: now)
    perform(actions)
    return reply
  }

  // MARK: - Audio

  /// Takes audio of the source.
  /// - Parameter position: the number of the first frame, counted from the stream's first.
  func accept(_ bytes: UnsafeRawBufferPointer, frames: Int, position: Int64) {
    guard !isOver else { return }
    let now = self.now
    let gap = position - nextPosition - insertedFrames
    // A source that only paused goes on where it was.
    if gap < 0, insertedFrames > 0 {
      let excess = Double(min(insertedFrames, -gap)) / Double(format.rate)
      pauses.add(length: excess, endingAt: Double(backlog.end) / Double(format.rate))
    }
    nextPosition = position + Int64(frames)
    insertedFrames = 0
    if gap > 0 { fill(gap, now) }
    backlog.append(bytes)
    perform(machine.audioArrived(backlog.start..<backlog.end, now: now), now)
  }

  /// The source has ended.
  func endInput() {
    machine.inputEnded(now: now)
    perform([])
  }

  /// Keeps the clock right where the source's audio has a hole.
  private func fill(_ gap: Int64, _ now: Instant) {
    let isPassedOver = machine.passesOver(gap)
    let seconds = Double(gap) / Double(format.rate)
    let position = pauses.streamTime(Double(backlog.end) / Double(format.rate))
    notice(
      Notice(
        "gap",
        "\(fixedText(seconds, digits: 2)) s of audio were lost on the way to the service, at \(positionText(position)); "
          + (isPassedOver
            ? "another connection goes on behind them" : "silence of the same length takes their place"),
        severity: .warning, details: [("seconds", JSONValue(seconds)), ("from", JSONValue(position))],
        loss: .init(audio: seconds)))
    if isPassedOver {
      backlog.skip(gap)
      perform(machine.passedOver(to: backlog.end, now: now), now)
    } else {
      backlog.appendSilence(frames: gap)
    }
  }

  // MARK: - The network

  private func handle(_ event: WebSocketEvent) {
    let now = self.now
    log(event)
    switch event {
    case .opened(let headers):
      perform(machine.opened(requestID: headers["dg-request-id"], now: now))
    case .text(let text): perform(machine.received(text, now: now), now)
    case .binary: break
    case .drained: if machine.audio.waiting > 0 { perform([]) }
    case .closed(let code, let reason):
      connection = nil
      perform(machine.closed(code: code, reason: reason, now: now))
    case .refused(let status, let headers, let body):
      connection = nil
      let refusal = RefusedUpgrade(
        status: status, url: WebURL(dialer.base), header: { headers[$0] }, body: body)
      perform(machine.refused(refusal, now: now))
    case .failed(let failure):
      connection = nil
      perform(machine.failed(failure, now: now))
    }
  }

  /// Words are what was said, and have no place in a log.
  private func log(_ event: WebSocketEvent) {
    switch event {
    case .opened(let headers):
      context.log.info("connected, request \(headers["dg-request-id"] ?? "without an id")")
    case .text(let text): context.log.debug("received a message of \(text.count) bytes")
    case .binary(let bytes): context.log.debug("received \(bytes.count) bytes that are no text")
    case .drained: break
    case .closed(let code, _): context.log.info("closed with \(code.map { "code \($0)" } ?? "no code")")
    case .refused(let status, _, _): context.log.info("refused with status \(status)")
    case .failed(let failure): context.log.info("failed: \(failure.message)")
    }
  }

  private func dial(_ parameters: ListenParameters) {
    context.log.info("connecting, attempt \(connectionNumber + 1)")
    connection?.abort()
    connectionNumber += 1
    let number = connectionNumber
    // What is not declared is a container. Each connection has a stream of its own.
    sendsOpus = parameters.encoding == nil
    encoder?.begin(serial: UInt32(truncatingIfNeeded: number))
    connection = context.webSockets.connect(dialer.request(parameters)) { [self] event in
      if number == connectionNumber { handle(event) }
    }
  }

  // MARK: - Actions

  private func perform(_ actions: [FluxSessionMachine.Action]) { perform(actions, now) }

  /// Carries actions out, sends what can be sent, and sees to it that the machine is called in time.
  private func perform(_ actions: [FluxSessionMachine.Action], _ now: Instant) {
    for action in actions { perform(action) }
    // What an action leads to is pumped by the call that began.
    guard !isPerforming else { return }
    isPerforming = true
    var isWorthwhile = true
    while isWorthwhile, machine.state == .streaming {
      let sends = machine.pump(now: now, room: room)
      for action in sends { perform(action) }
      isWorthwhile = !sends.isEmpty && machine.audio.waiting > 0
    }
    isPerforming = false
    onBacklog()
    guard finished != nil else { return }
    arm(now)
    if machine.wantsAudio { onWant() }
  }

  private var room: Int64 {
    guard let connection else { return 0 }
    if sendsOpus {
      return Int64(
        max(0, Self.compressedLimit - connection.bufferedBytes) * format.rate / Self.compressedBytes)
    }
    return Int64(max(0, networkLimit - connection.bufferedBytes) / format.bytesPerFrame)
  }

  private func perform(_ action: FluxSessionMachine.Action) {
    switch action {
    case .dial(let parameters): dial(parameters)
    case .emit(var event):
      if !pauses.isEmpty { event = pauses.led(event) }
      events.emit(
        .turn(TurnEvent(event, stream: name, session: identifier, time: context.clock.wallTime())))
    case .notice(let notice): self.notice(notice)
    case .send(let text): connection?.send(text: text)
    case .sendAudio(let range) where sendsOpus:
      backlog.withBytes(range) { encoder?.encode($0, into: &pages) }
      sendPages()
    case .sendAudio(let range): backlog.withBytes(range) { connection?.send(binary: $0) }
    case .sendSilence(let frames) where sendsOpus:
      encoder?.encodeSilence(frames: Int(frames), into: &pages)
      sendPages()
    case .endAudio:
      encoder?.finish(into: &pages)
      sendPages()
    case .sendSilence(let frames):
      // Rare, and at most a chunk.
      let silence = [UInt8](repeating: format.sample.silence, count: Int(frames) * format.bytesPerFrame)
      silence.withUnsafeBytes { connection?.send(binary: $0) }
    case .insertSilence(let frames):
      insertedFrames += frames
      backlog.appendSilence(frames: frames)
      machine.silenceInserted(backlog.start..<backlog.end, now: now)
    case .forget(let position): backlog.discard(before: position)
    case .abort:
      connection?.abort()
      connection = nil
    case .finish(let error):
      timer?.cancel()
      timer = nil
      connection = nil
      let finished = finished
      self.finished = nil
      finished?(error)
    }
  }

  private func sendPages() {
    pages.withUnsafeBytes { if !$0.isEmpty { connection?.send(binary: $0) } }
    pages.removeAll(keepingCapacity: true)
  }

  private func notice(_ notice: Notice) {
    var notice = notice
    notice.stream = name ?? notice.stream
    notice.time = context.clock.wallTime()
    context.notice(notice)
  }

  // MARK: - Time

  /// Sets the timer to the machine's next deadline, or to the next feel of the network's pulse while something waits for it.
  private func arm(_ now: Instant) {
    let pulse = (connection?.bufferedBytes ?? 0) > 0 ? now.advanced(by: Self.pulse) : nil
    guard let due = earliest(machine.nextDeadline, pulse) else { return }
    // A timer that fires early does no harm; one for each message would cost more than it is worth.
    if let timerDue, timerDue <= due { return }
    timer?.cancel()
    timerDue = due
    timer = context.loop.schedule(at: due.advanced(by: context.loop.absence)) { [self] in
      timerDue = nil
      guard !isOver else { return }
      let now = self.now
      // By the clock's time, in which the network gives it.
      if let since = connection?.blockedSince, context.clock.now().duration(since: since) > blockedLimit {
        perform(machine.sendBlocked(now: now))
      }
      perform(machine.tick(now: now))
    }
  }
}
