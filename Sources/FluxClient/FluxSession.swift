internal import FluxGraph
internal import FluxProtocol
internal import Synchronization

/// Carries out what a `FluxSessionMachine` decides: owns the WebSocket, the timer and the way audio takes from the inlet to the
/// network. Everything happens on the context's loop.
final class FluxSession: @unchecked Sendable {
  // Unchecked: all mutable state is touched on the context's loop only; `pumpScheduled` is atomic.

  /// Audio handed to the network and not taken by it yet: 2 s. Beyond that the inlet waits.
  private static let bufferLimit = 64_000

  private let audio: AudioInlet
  private let events: EventOutlet
  private let context: StageContext
  private let request: WebSocketRequest
  private let name: String?
  private let session = sessionIdentifier()
  private var machine: FluxSessionMachine
  private var connection: (any WebSocketConnection)?
  private var timer: (any GraphTimer)?
  private var finished: CheckedContinuation<Void, any Error>?
  /// The number of the frame to be sent next, counted from the stream's first.
  private var nextPosition: Int64 = 0
  private var isCancelled = false
  private let pumpScheduled = Atomic<Bool>(false)

  init(
    audio: AudioInlet, events: EventOutlet, context: StageContext, request: WebSocketRequest, host: String,
    name: String?
  ) {
    self.audio = audio
    self.events = events
    self.context = context
    self.request = request
    self.name = name
    machine = FluxSessionMachine(host: host)
  }

  /// Runs the session to its end.
  /// - Throws: `StageError` when it fails for good.
  func run() async throws {
    audio.onChange { [self] in schedulePump() }
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        context.loop.execute { [self] in start(continuation) }
      }
    } onCancel: {
      context.loop.execute { [self] in
        isCancelled = true
        perform(machine.cancel())
      }
    }
  }

  private func start(_ continuation: CheckedContinuation<Void, any Error>) {
    finished = continuation
    if isCancelled {
      perform([.finish(nil)])
      return
    }
    connection = context.webSockets.connect(request) { [self] event in handle(event) }
    watch()
  }

  // MARK: - The network

  private func handle(_ event: WebSocketEvent) {
    let now = context.clock.now()
    switch event {
    case .opened(let headers):
      perform(machine.opened(requestID: headers.value(of: "dg-request-id"), offset: 0, now: now))
    case .text(let text): perform(machine.received(text, now: now))
    case .binary: break
    case .drained: pump()
    case .closed(let code, let reason): perform(machine.closed(code: code, reason: reason, now: now))
    case .refused(let status, let headers, let body):
      perform(machine.refused(RefusedUpgrade(status: status, header: { headers.value(of: $0) }, body: body)))
    case .failed(let failure): perform(machine.failed(failure))
    }
  }

  private func perform(_ actions: [FluxSessionMachine.Action]) {
    for action in actions {
      switch action {
      case .emit(let event):
        events.emit(.turn(TurnEvent(event, stream: name, session: session, time: context.clock.wallTime())))
      case .notice(var notice):
        notice.stream = name ?? notice.stream
        context.notice(notice)
      case .send(let text): connection?.send(text: text)
      case .startAudio: pump()
      case .abort: connection?.abort()
      case .finish(let error):
        timer?.cancel()
        connection = nil
        if let error { finished?.resume(throwing: error) } else { finished?.resume() }
        finished = nil
      }
    }
  }

  // MARK: - Audio

  /// Called on an audio thread for every chunk; many chunks make one turn of the loop.
  private func schedulePump() {
    guard !pumpScheduled.exchange(true, ordering: .acquiringAndReleasing) else { return }
    context.loop.execute { [self] in pump() }
  }

  private func pump() {
    pumpScheduled.store(false, ordering: .sequentiallyConsistent)
    while machine.takesAudio, let connection, connection.bufferedBytes < Self.bufferLimit {
      let result = audio.read { bytes, frames, position, _ in
        if position > nextPosition { sendSilence(position - nextPosition) }
        nextPosition = position + Int64(frames)
        if !bytes.isEmpty { connection.send(binary: bytes) }
      }
      switch result {
      case .block: continue
      case .empty: return
      case .ended:
        perform(machine.inputEnded(now: context.clock.now()))
        return
      }
    }
  }

  /// Keeps the service's clock right where the audio has a hole.
  private func sendSilence(_ frames: Int64) {
    context.notice(
      Notice(
        "gap",
        "\(fixedText(Double(frames) / Double(audio.format.rate), digits: 2)) s of audio were lost on the way to "
          + "the service; silence of the same length was sent", severity: .warning, stream: name))
    let chunk = [UInt8](
      repeating: 0, count: audio.format.frames(in: .milliseconds(80)) * audio.format.bytesPerFrame)
    var left = Int(frames) * audio.format.bytesPerFrame
    while left > 0 {
      let count = min(left, chunk.count)
      chunk.withUnsafeBytes { connection?.send(binary: UnsafeRawBufferPointer(rebasing: $0[..<count])) }
      left -= count
    }
  }

  // MARK: - Time

  /// Looks after the machine's deadline and the network's pulse, a few times a second: no wait of the session is so short that
  /// this would matter, and a timer for each would cost more.
  private func watch() {
    timer = context.loop.schedule(at: context.clock.now().advanced(by: .milliseconds(250))) { [self] in
      guard machine.state != .over else { return }
      let now = context.clock.now()
      perform(machine.timeout(now: now))
      if let since = connection?.blockedSince, now.duration(since: since) > FluxGuards.send {
        perform(machine.sendBlocked())
      }
      if machine.state != .over { watch() }
    }
  }
}

extension [HTTPHeader] {
  /// The first header of that name, whatever its case.
  func value(of name: String) -> String? {
    first { $0.name.lowercased() == name.lowercased() }?.value
  }
}

/// A new identifier for a session: 128 random bits as hexadecimal digits.
private func sessionIdentifier() -> String {
  var generator = SystemRandomNumberGenerator()
  return [generator.next() as UInt64, generator.next()].map { bits in
    let text = String(bits, radix: 16)
    return String(repeating: "0", count: 16 - text.count) + text
  }.joined()
}

extension TurnEvent {
  /// An event of the session as the rest of the graph sees it.
  init(_ event: SessionTurnEvent, stream: String?, session: String, time: WallTime) {
    self.init(
      kind: Kind(rawValue: event.kind.rawValue), stream: stream, session: session, turn: event.turn,
      isFinal: event.kind == .endOfTurn ? event.isFinal : nil, trigger: event.trigger?.rawValue,
      start: event.start ?? 0, end: event.end ?? event.start ?? 0, time: time, transcript: event.transcript,
      words: event.words.map { word in
        Word(word: word.word, start: word.start, end: word.end, confidence: word.confidence ?? 0)
      },
      languages: event.info.languages ?? [], service: serviceFields(event.info.raw))
    isReplayed = event.isReplayed
    isSynthesised = event.isSynthesized
  }
}

/// The service's own fields, as they came, without those that stand in the event itself.
private func serviceFields(_ raw: String) -> JSONValue? {
  guard let members = (try? JSONValue.parse(raw))?.members else { return nil }
  let shown: Set<String> = ["type", "event", "transcript", "words", "languages", "trigger"]
  return .object(members.filter { !shown.contains($0.0) })
}
