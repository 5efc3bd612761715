internal import FluxGraph
internal import FluxProtocol

/// The life of one session with Flux over all its connections, as a value: what has happened goes in, what to do about it comes
/// out. Time is an argument.
///
/// ```
/// waiting ─▶ connecting ─▶ greeting ─▶ streaming ─▶ forcing ─▶ closing ─▶ over
///    ▲                    (Connected)  (audio)  (ForceEndTurn) (CloseStream)
///    └──────────── the connection is lost ─────────────┘
/// ```
///
/// Not copyable: a copy costs a retain for each setting, and an accidental one is easily made of a value that a class holds.
struct FluxSessionMachine: ~Copyable, Sendable {
  /// What the session's owner has to do, in this order. What is rare and large stands elsewhere, so that the frequent ones are
  /// small.
  enum Action: Sendable {
    /// Open a connection with these settings.
    indirect case dial(ListenParameters)
    /// Hand an event to everything behind the stage.
    indirect case emit(SessionTurnEvent)
    indirect case notice(Notice)
    /// Send a text message.
    case send(String)
    /// Send these frames as one message.
    case sendAudio(Range<Int64>)
    /// Send this much silence as one message.
    case sendSilence(frames: Int64)
    /// No more audio is sent over this connection.
    case endAudio
    /// Append silence to the audio, because the source gives none.
    case insertSilence(frames: Int64)
    /// Audio before this frame will not be needed again.
    case forget(before: Int64)
    /// Drop the connection at once.
    case abort
    /// The session is over, in good order or with an error.
    indirect case finish(StageError?)
  }

  enum State: String, Equatable, Sendable {
    case waiting, connecting, greeting, streaming, forcing, closing, over
  }

  let settings: FluxSessionSettings
  var state = State.waiting
  var turns = TurnStateMachine()
  var filter: TurnFilter
  var audio: AudioCursor
  var configure: ConfigureExchange
  var watch = ServiceSilence()
  var sequence = SequenceTracker()
  var schedule: ReconnectSchedule
  /// When the present state has lasted too long, or when to dial again.
  var deadline: Instant?
  /// When the service has to have greeted.
  var greetingDue = Instant(nanoseconds: 0)
  var requestID: String?
  var inputHasEnded = false
  /// Connections that came about.
  var connections = 0
  /// Attempts in a row that led nowhere.
  var failures = 0
  var connectedAt: Instant?
  var lostAt: Instant?
  /// Where the next connection is to begin.
  var resumeAt: Int64 = 0
  /// Where the speech that is under way began; nil while there is none.
  var speechStart: Int64?
  /// The furthest the service has ever heard: progress starts the count of failures again.
  var furthestHeard: Int64 = 0
  /// How far the service had heard when the wait for the stream's end began, or went on.
  var heardAtWait: Int64 = 0
  /// When it was last seen to have heard more, in that wait.
  var progressAt: Instant?
  /// Whether the user has been told that the buffer is full, in this outage.
  var hasToldOverflow = false
  /// Whether the user has been told that audio waits, and not yet that it does no more.
  var hasToldBacklog = false
  /// Whether audio is sent as Ogg Opus, from the next connection on.
  var isCompressed: Bool
  /// Whether the service is known not to take that.
  var isCompressionRefused = false
  var uplink: UplinkWatch

  /// The frames taken from a finite source ahead of what has been sent.
  private let readAhead: Int64

  init(_ settings: FluxSessionSettings) {
    self.settings = settings
    let ahead = min(FluxSessionSettings.readAhead, settings.limits.buffer / 2)
    readAhead = max(1, Int64(ahead.seconds * Double(settings.rate)))
    filter = settings.filter
    audio = AudioCursor(rate: settings.rate, speed: settings.catchUp)
    configure = ConfigureExchange(settings.parameters)
    isCompressed = settings.encoding == .oggOpus
    uplink = UplinkWatch(bound: Self.suspicion(settings))
    schedule = ReconnectSchedule(last: settings.limits.retry, seed: settings.seed)
  }

  /// Begins to connect.
  mutating func start(now: Instant) -> [Action] { dial(now) }

  /// When `tick` has to be called at the latest.
  var nextDeadline: Instant? {
    let due = state == .streaming ? audio.due : nil
    return earliest(earliest(deadline, configure.deadline), earliest(due, silenceDeadline))
  }

  /// Whether more audio may be taken from the source. A live source is never kept waiting; a finite one is, so that nothing of it
  /// is lost however long the network is away.
  var wantsAudio: Bool {
    if state == .over || inputHasEnded { return false }
    if settings.liveness == .live { return true }
    // Before the first connection little is of use: what waits for it would have to be caught up.
    return audio.waiting < (connections == 0 ? min(audio.chunk * 2, readAhead) : readAhead)
  }

  // MARK: - What the service says

  /// A text message has come.
  mutating func received(_ text: [UInt8], now: Instant) -> [Action] {
    guard ![.over, .waiting, .connecting].contains(state) else { return [] }
    watch.heard(now)
    let message: ServerMessage
    do throws(ServerMessageError) {
      message = try ServerMessage(decoding: text)
    } catch {
      return [.notice(Notice("unreadable-message", "\(settings.host): \(error)", severity: .warning))]
    }
    var actions: [Action] = []
    if let gap = sequence.receive(message.sequenceID) {
      actions.append(.notice(Notice("messages-lost", "\(settings.host): \(gap)", severity: .warning)))
    }
    return actions + take(message, now)
  }

  private mutating func take(_ message: ServerMessage, _ now: Instant) -> [Action] {
    switch message {
    case .connected(let connected):
      requestID = connected.requestID ?? requestID
      return state == .greeting ? begin(now) : []
    case .turnInfo(let info): return take(info, now)
    case .configureSuccess(let success):
      let next = configure.accepted(now: now)
      return [
        .notice(Notice("configured", "\(settings.host) has taken over the new settings\(success.text)"))
      ]
        + send(next)
    case .configureFailure(let failure):
      let next = configure.refused(now: now)
      let words = [failure.code, failure.description].compactMap { $0 }.joined(separator: ": ")
      return [
        .notice(
          Notice(
            "configure-refused",
            "\(settings.host) refused the new settings\(words.isEmpty ? "" : ", " + words)\(request)",
            severity: .warning))
      ] + send(next)
    case .warning(let warning):
      if warning.code == ServerMessage.ServiceNotice.noActiveTurnCode {
        // The turn ended by itself before it was asked to, which the service may have said before this.
        if state == .forcing { return close(now) }
        if state == .closing { return [] }
      }
      return [.notice(Notice("service-warning", sentence("warning", warning), severity: .warning))]
    case .error(let error): return take(error, now)
    case .unknown(let type, _, let raw):
      return [
        .notice(
          Notice(
            "unknown-message",
            "\(settings.host) sent a message of an unknown type, \(type ?? "without a name")",
            details: [("raw", .string(String(raw.prefix(4096))))]))
      ]
    }
  }

  private mutating func take(_ info: TurnInfo, _ now: Instant) -> [Action] {
    if let end = info.audioWindowEnd { audio.report(end) }
    if audio.heard > furthestHeard {
      furthestHeard = audio.heard
      failures = 0
    }
    var actions = outputs(turns.receive(info))
    noteSpeech(info)
    actions.append(.forget(before: neededFrom))
    if state == .forcing, !turns.hasOpenTurn { actions += close(now) }
    return actions
  }

  private mutating func take(_ error: ServerMessage.ServiceNotice, _ now: Instant) -> [Action] {
    // An older server that does not know ForceEndTurn calls it unparsable, and closes: the turn is then ended here.
    if state == .forcing, error.code == ClientMessageError.code {
      return end(.inputEnded) + [.abort] + finish(nil)
    }
    let loss = Loss(sentence("error", error), isPermanent: !error.isRetryable, code: .internal)
    return loseByService(loss, now)
  }

  /// Notes where the speech under way began. The service's window of a turn begins at the end of the turn before, maybe minutes of
  /// silence earlier; its first word, and the moment the service spoke of it, tell more.
  private mutating func noteSpeech(_ info: TurnInfo) {
    guard let window = turns.replayStart else {
      speechStart = nil
      return
    }
    guard speechStart == nil else { return }
    var start = max(audio.frame(at: window) ?? 0, audio.heard - leadIn)
    if let word = info.words.first?.start.flatMap(audio.frame) {
      start = max(start, audio.origin + word - Int64(settings.rate / 2))
    }
    speechStart = max(audio.origin, min(start, audio.heard))
  }

  /// What is sent before the place the service has spoken of, when audio is sent again: speech is heard before it is told of.
  private var leadIn: Int64 { Int64(settings.rate) * 2 }

  /// The first frame that may have to be sent again.
  private var neededFrom: Int64 {
    guard settings.resume == .replay else { return audio.heard }
    // Replay begins with a whole piece.
    return min(audio.heard - leadIn, speechStart ?? audio.heard) / audio.chunk * audio.chunk
  }

  // MARK: - The end of the input

  /// All audio of the source is there.
  mutating func inputEnded(now: Instant) {
    inputHasEnded = true
  }

  /// A turn under way is asked to end before the stream is closed: after `CloseStream` the service gives no final text.
  mutating func endStream(_ now: Instant) -> [Action] {
    guard turns.hasOpenTurn || !turns.currentTranscript.isEmpty else { return close(now) }
    state = .forcing
    heardAtWait = audio.heard
    progressAt = now
    deadline = now.advanced(by: settings.limits.forcedEnd)
    return [.send(ClientMessage.forceEndTurn.encoded)]
  }

  mutating func close(_ now: Instant) -> [Action] {
    state = .closing
    heardAtWait = audio.heard
    progressAt = now
    deadline = now.advanced(by: settings.limits.closeStream)
    return (isCompressed ? [.endAudio] : []) + [.send(ClientMessage.closeStream.encoded)]
  }

  /// Ends at once; an open turn ends with what is known.
  mutating func cancel() -> [Action] {
    guard state != .over else { return [] }
    return missing + end(.inputEnded) + [.abort] + finish(nil)
  }

  // MARK: - Time

  /// Something may be due.
  mutating func tick(now: Instant) -> [Action] {
    var actions: [Action] = []
    if let deadline, deadline <= now {
      self.deadline = nil
      actions += overdue(now)
    }
    if let deadline = configure.deadline, deadline <= now, state != .over {
      let next = configure.expire(now: now)
      let limit = shortText(FluxGuards.configureAnswer.seconds)
      actions.append(
        .notice(
          Notice(
            "configure-unanswered",
            "\(settings.host) has not answered new settings for \(limit) s; the next connection asks for them",
            severity: .warning)))
      if state == .streaming { actions += send(next) }
    }
    return actions + watchSilence(now)
  }

  private mutating func overdue(_ now: Instant) -> [Action] {
    let limit = shortText(settings.limits.connect.seconds)
    switch state {
    case .waiting: return dial(now)
    case .connecting:
      return lose(Loss("\(settings.host) did not accept the connection within \(limit) s"), now)
    case .greeting:
      return lose(
        Loss("\(settings.host) accepted the connection and then said nothing for \(limit) s\(request)"), now)
    case .forcing where isAtWork(now), .closing where isAtWork(now):
      if audio.heard > heardAtWait { progressAt = now }
      heardAtWait = audio.heard
      deadline = now.advanced(by: endWait)
      return []
    case .forcing where losesTail, .closing where losesTail:
      let left = fixedText(audio.seconds(audio.unheard), digits: 1)
      return lose(
        Loss("\(settings.host) says nothing of the last \(left) s of audio it has got\(request)"), now)
    case .forcing:
      // The text is safe either way; a service that does not answer is left as politely as it allows.
      return end(.inputEnded) + close(now)
    case .closing:
      return end(.inputEnded) + tail + [
        .notice(
          Notice(
            "close-timeout",
            "\(settings.host) did not close the stream within \(shortText(settings.limits.closeStream.seconds)) s",
            severity: .warning)),
        .abort,
      ] + finish(nil)
    case .streaming, .over: return []
    }
  }

  /// How long the present step to the stream's end may take.
  private var endWait: Duration {
    state == .forcing ? settings.limits.forcedEnd : settings.limits.closeStream
  }

  /// Whether the service is still at work on the audio it has got: it has come further since the last look, or at least has
  /// said something, which a busy one does not for ever.
  private func isAtWork(_ now: Instant) -> Bool {
    guard leavesTail else { return false }
    if audio.heard > heardAtWait { return true }
    guard let last = watch.lastMessage, let progressAt else { return false }
    return now.duration(since: last) < endWait && now.duration(since: progressAt) < FluxGuards.busyService
  }

  // MARK: - Pieces

  /// Ends what is open here. Its audio is not sent again then: its words would be told twice.
  mutating func end(_ trigger: TurnEvent.Trigger) -> [Action] {
    speechStart = nil
    return outputs(turns.endLocally(trigger))
  }

  mutating func finish(_ error: StageError?) -> [Action] {
    state = .over
    deadline = nil
    return [.finish(error)]
  }

  mutating func outputs(_ outputs: [TurnStateMachine.Output]) -> [Action] {
    var actions: [Action] = []
    for output in outputs {
      switch output {
      case .event(let event): actions += filter.pass(event).map { .emit($0) }
      case .violation(let text):
        actions.append(.notice(Notice("protocol", "\(settings.host): \(text)", severity: .warning)))
      }
    }
    return actions
  }

  func send(_ text: String?) -> [Action] { text.map { [.send($0)] } ?? [] }

  var request: String { requestID.map { ", request \($0)" } ?? "" }

  private func sentence(_ kind: String, _ notice: ServerMessage.ServiceNotice) -> String {
    var text = "\(settings.host) sent the \(kind) \(notice.code ?? "without a code")"
    if let description = notice.description { text += ": \(description)" }
    return text + request
  }
}

extension ServerMessage.ConfigureSuccess {
  /// The settings in force, as far as the service says.
  fileprivate var text: String {
    let values: [(String, String?)] = [
      ("eot_threshold", endOfTurnThreshold.map(shortText)),
      ("eager_eot_threshold", eagerEndOfTurnThreshold.map(shortText)),
      ("eot_timeout", endOfTurnTimeout.map { shortText(Double($0) / 1000) + "s" }),
      ("keyterms", keyterms.map { "\($0.count)" }),
    ]
    let shown = values.compactMap { name, value in value.map { "\(name)=\($0)" } }
    return shown.isEmpty ? "" : ": " + shown.joined(separator: " ")
  }
}
