internal import FluxGraph
package import FluxProtocol

/// The service's side of one `/v2/listen` connection, from the accepted upgrade to its end, as a value.
///
/// Messages of the client, answers of the recogniser and time go in; what to do comes out in order. Text and
/// audio are dealt with strictly in the order they came.
package struct ServedSessionMachine: Sendable {
  package enum Action: Sendable, Equatable {
    /// A text message for the client.
    case send(String)
    case recognise(SpeechBlock)
    /// For ``WordStream/abandonSegment()``.
    case abandonSegment
    /// For whoever runs the server, one plain sentence.
    case notice(String)
    /// Close the WebSocket, without a status code as the service does; the reason is for whoever runs the server. The last action.
    case close(code: Int? = nil, reason: String)
    /// End the connection without a close frame, as a recorded one ended. The last action.
    case drop(reason: String)
  }

  /// How long a client may be silent; a ping counts as a sign of life.
  package static let idleLimit = Duration.seconds(60)
  /// Unanswered control messages a client may have.
  static let mostCommands = 64
  /// Audio waiting for the recogniser at which reading stops, and at which it goes on; in samples. Who is not read gets no pong,
  /// so that only a client much faster than real time is held back: 5 minutes are 10 MB.
  static let backlogLimit = 300 * AudioClock.rate
  static let backlogResumed = 295 * AudioClock.rate
  /// How long a client hears nothing while words are awaited; many take a silent service for a dead one.
  static let silenceLimit = Duration.seconds(2)

  private enum Command: Sendable {
    case forceEndTurn
    case configure(ConfigureRequest)
    case fail(code: String, description: String)
  }

  private enum Phase {
    case open
    /// The client wants to end, or made a mistake: nothing it sends counts any more.
    case ending
    case closed
  }

  package let requestID: String
  private var parameters: ListenParameters
  private var audio: ListenAudio
  private var pipeline: TurnPipeline
  private var commands: [Int: Command] = [:]
  private var commandNumber = 0
  private var sequence = 0
  private var phase = Phase.open
  private var lastSign: Duration
  private var lastReport: Duration
  private var isHoldingBack = false
  /// Turns that ended and seconds heard, for the line of the log.
  package private(set) var endedTurns = 0

  /// - Parameters:
  ///   - parameters: as the service accepted them.
  ///   - requestID: a UUID.
  ///   - judge: tells where speech is.
  ///   - wordLimit: how long the recogniser may give no answer, in wall time.
  ///   - now: time since any fixed moment, as in all calls.
  package init(
    parameters: ListenParameters, requestID: String, judge: any SpeechJudge, wordLimit: Duration,
    now: Duration
  ) {
    self.parameters = parameters
    self.requestID = requestID
    audio = ListenAudio(parameters)
    pipeline = TurnPipeline(thresholds: TurnThresholds(parameters), judge: judge, wordLimit: wordLimit)
    lastSign = now
    lastReport = now
  }

  /// Seconds of audio heard.
  package var seconds: Double { AudioClock.seconds(pipeline.heardSamples) }

  /// Whether the client should wait: more audio came than the recogniser can take.
  package mutating func holdsBack() -> Bool {
    isHoldingBack = pipeline.backlogSamples > (isHoldingBack ? Self.backlogResumed : Self.backlogLimit)
    return isHoldingBack
  }

  /// When to call ``tick(now:)`` next.
  package var deadline: Duration? {
    guard phase != .closed else { return nil }
    let idle = lastSign + Self.idleLimit
    guard let words = pipeline.deadline, let sign = signDue else { return idle }
    return min(words, idle, sign)
  }

  /// When the client should hear that its audio is being dealt with.
  private var signDue: Duration? {
    pipeline.waitingSince.map { max($0, lastReport) + Self.silenceLimit }
  }

  /// The connection was accepted.
  package mutating func start() -> [Action] {
    [message(.connected(ServerMessage.Connected(requestID: requestID, sequenceID: nil)))]
      + (parameters.keyterms.isEmpty ? [] : [Self.keytermNotice])
  }

  /// The vocabulary of the recogniser is fixed, and nothing says how likely its words are but its language model.
  private static let keytermNotice = Action.notice("keyterm has no effect on the local Flux.")

  /// Something came from the client, a ping for example.
  package mutating func noteSign(now: Duration) {
    lastSign = now
  }

  package mutating func receive(text: String, now: Duration) -> [Action] {
    guard phase == .open else { return [] }
    lastSign = now
    do throws(ClientMessageError) {
      switch try ClientMessage(decoding: text) {
      case .forceEndTurn: add(.forceEndTurn)
      case .configure(let request): add(.configure(request))
      case .closeStream: finish()
      }
    } catch {
      fail(code: ClientMessageError.code, description: error.description)
    }
    return run(now: now)
  }

  /// Audio as declared in the query, or the next piece of a container; an empty message means nothing.
  package mutating func receive(binary bytes: [UInt8], now: Duration) -> [Action] {
    guard phase == .open else { return [] }
    lastSign = now
    do throws(ListenAudioError) {
      pipeline.hear(try audio.decode(bytes.span.bytes))
    } catch {
      fail(code: "DATA-0000", description: error.description)
    }
    return run(now: now)
  }

  package mutating func take(_ answer: WordAnswer, now: Duration) -> [Action] {
    guard phase != .closed else { return [] }
    pipeline.take(answer, now: now)
    return run(now: now)
  }

  /// Time passed.
  package mutating func tick(now: Duration) -> [Action] {
    guard phase != .closed else { return [] }
    pipeline.expire(now: now)
    var actions = run(now: now)
    if let signDue, signDue <= now, phase != .closed {
      lastReport = now
      actions.append(message(pipeline.present))
    }
    // Whom we keep waiting we cannot hear, or he has said all he has to.
    if isHoldingBack || pipeline.waitingSince != nil { lastSign = now }
    if phase == .open, now >= lastSign + Self.idleLimit {
      phase = .closed
      actions.append(.close(reason: "the client sent nothing for \(Self.idleLimit)"))
    }
    return actions
  }

  private mutating func add(_ command: Command) {
    guard commands.count < Self.mostCommands else {
      return fail(code: "TOO_MANY_PENDING_MESSAGES", description: "Too many pending Configure messages.")
    }
    commands[commandNumber] = command
    pipeline.mark(commandNumber)
    commandNumber += 1
  }

  /// The client's mistake ends the connection once everything before it has been dealt with.
  private mutating func fail(code: String, description: String) {
    phase = .ending
    commands[commandNumber] = .fail(code: code, description: description)
    pipeline.mark(commandNumber)
    commandNumber += 1
  }

  private mutating func finish() {
    phase = .ending
    pipeline.hear(audio.finish())
    pipeline.finish()
  }

  private mutating func run(now: Duration) -> [Action] {
    var actions: [Action] = []
    while phase != .closed, let output = pipeline.next(now: now) {
      switch output {
      case .recognise(let block): actions.append(.recognise(block))
      case .abandonSegment: actions.append(.abandonSegment)
      case .notice(let notice): actions.append(.notice(notice))
      case .report(let report):
        lastReport = now
        actions.append(message(report))
      case .reached(let number):
        if let command = commands.removeValue(forKey: number) { perform(command, &actions) }
      case .finished:
        phase = .closed
        actions.append(.close(reason: "the client closed the stream"))
      }
    }
    return actions
  }

  private mutating func perform(_ command: Command, _ actions: inout [Action]) {
    switch command {
    case .forceEndTurn:
      if let report = pipeline.forceEndTurn() {
        actions.append(message(report))
      } else {
        let warning = ServerMessage.ServiceNotice(
          requestID: requestID, code: ServerMessage.ServiceNotice.noActiveTurnCode,
          description: "ForceEndTurn received with no active turn.")
        actions.append(message(.warning(warning)))
      }
    case .configure(let request):
      actions.append(message(configure(request)))
      if request.keyterms?.isEmpty == false { actions.append(Self.keytermNotice) }
    case .fail(let code, let description):
      phase = .closed
      actions.append(message(.error(ServerMessage.ServiceNotice(code: code, description: description))))
      actions.append(.close(reason: description))
    }
  }

  private mutating func configure(_ request: ConfigureRequest) -> ServerMessage {
    if let refusal = request.refusal(for: parameters) {
      return .configureFailure(
        ServerMessage.ConfigureFailure(
          requestID: requestID, code: refusal.code, description: refusal.description))
    }
    parameters.apply(request)
    pipeline.thresholds = TurnThresholds(parameters)
    var success = ServerMessage.ConfigureSuccess(requestID: requestID)
    success.endOfTurnThreshold = parameters.effectiveEndOfTurnThreshold
    success.eagerEndOfTurnThreshold = parameters.eagerEndOfTurnThreshold
    success.endOfTurnTimeout = parameters.effectiveEndOfTurnTimeout
    success.keyterms = parameters.keyterms
    if isMultilingual { success.languageHints = parameters.languageHints }
    success.numerals = parameters.numerals
    success.profanityFilter = parameters.profanityFilter ?? false
    return .configureSuccess(success)
  }

  private var isMultilingual: Bool { parameters.model == "flux-general-multi" }

  private mutating func message(_ report: TurnReport) -> Action {
    var info = TurnInfo(
      event: TurnEvent.Kind(report.kind), requestID: requestID, turnIndex: report.turn,
      audioWindowStart: AudioClock.seconds(report.windowStart),
      audioWindowEnd: AudioClock.seconds(report.windowEnd),
      transcript: report.transcript, words: report.words.map(TurnEvent.Word.init),
      endOfTurnConfidence: rounded(report.confidence))
    if case .endOfTurn(let trigger) = report.kind {
      info.trigger = TurnEvent.Trigger(rawValue: trigger.rawValue)
      endedTurns += 1
    }
    if isMultilingual {
      // All this server's recogniser knows is English.
      info.languages = report.words.isEmpty ? [] : ["en"]
      info.languagesHinted = parameters.languageHints
    }
    return message(.turnInfo(info))
  }

  private mutating func message(_ message: ServerMessage) -> Action {
    defer { sequence += 1 }
    return .send(message.numbered(sequence).encoded)
  }
}

/// Four decimals, as the service writes confidences.
private func rounded(_ value: Double) -> Double {
  (value * 10_000).rounded() / 10_000
}

extension TurnThresholds {
  init(_ parameters: ListenParameters) {
    self.init(
      endOfTurn: parameters.effectiveEndOfTurnThreshold, eager: parameters.eagerEndOfTurnThreshold,
      timeout: parameters.effectiveEndOfTurnTimeout)
  }
}

extension TurnEvent.Kind {
  init(_ kind: TurnReport.Kind) {
    switch kind {
    case .update: self = .update
    case .startOfTurn: self = .startOfTurn
    case .eagerEndOfTurn: self = .eagerEndOfTurn
    case .turnResumed: self = .turnResumed
    case .endOfTurn: self = .endOfTurn
    }
  }
}

extension TurnEvent.Word {
  init(_ word: RecognisedWord) {
    self.init(
      word: word.text, start: rounded(word.start), end: rounded(word.end),
      confidence: rounded(word.confidence))
  }
}

extension ServerMessage {
  /// The message with its place among all messages of the connection.
  fileprivate func numbered(_ number: Int) -> ServerMessage {
    switch self {
    case .connected(var message):
      message.sequenceID = number
      return .connected(message)
    case .turnInfo(var message):
      message.sequenceID = number
      return .turnInfo(message)
    case .configureSuccess(var message):
      message.sequenceID = number
      return .configureSuccess(message)
    case .configureFailure(var message):
      message.sequenceID = number
      return .configureFailure(message)
    case .warning(var message):
      message.sequenceID = number
      return .warning(message)
    case .error(var message):
      message.sequenceID = number
      return .error(message)
    case .unknown:
      return self
    }
  }
}
