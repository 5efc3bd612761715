package import FluxGraph

/// Turns the service's messages into the turns of a session.
///
/// ```
///             StartOfTurn               EagerEndOfTurn
///  initial ───────────────▶ turnOngoing ──────────────▶ awaitingEnd
///     ▲                        ▲   │                       │   │
///     │                        └───┼──── TurnResumed ──────┘   │
///     └──── EndOfTurn ◀────────────┘                           │
///     └──── EndOfTurn ◀────────────────────────────────────────┘
/// ```
///
/// `Update` changes no state, whatever its text. What users can rely on, even when the service breaks its
/// own rules, and over connections: every `StartOfTurn` is followed by exactly one `EndOfTurn` of the same
/// number, `TurnResumed` only follows `EagerEndOfTurn`, an `EagerEndOfTurn` is either confirmed by an
/// `EndOfTurn` of the same words or taken back by `TurnResumed` before other words come, numbers and times grow over connections, and an end without text keeps the
/// last text of its turn. Violations come out as values and are never fatal.
package struct TurnStateMachine: Sendable {
  package enum State: Equatable, Sendable {
    case initial
    case turnOngoing
    case awaitingEnd
  }

  package enum Output: Equatable, Sendable {
    case event(SessionTurnEvent)
    /// What the service did against its documentation, in one sentence.
    case violation(String)
  }

  /// What is known of the turn under way, or of the speech before its start.
  private struct Turn: Sendable {
    /// The service's index; nil as long as it has not said.
    var index: Int?
    /// The latest message, and the latest one with text.
    var latest: TurnInfo
    var spoken: TurnInfo?
    /// The text of the `EagerEndOfTurn` that stands.
    var eagerTranscript: String?
    /// What earlier connections said of it, with times in stream time.
    var earlier: TurnInfo?
  }

  package private(set) var state = State.initial
  /// Turns that have ended.
  package private(set) var endedTurns = 0
  /// Stream time of the connection's first sample, in seconds.
  private var offset = 0.0
  /// Starts as the speech before the turn; becomes the open turn.
  private var turn: Turn?
  private var lastEndedIndex: Int?
  /// A turn of a lost connection whose audio is being sent again: its latest message with times in stream time,
  /// and the text of the `EagerEndOfTurn` that stands.
  private var replayed: (info: TurnInfo, eager: String?)?
  private var isReplaying = false

  package init() {}

  /// Whether a turn has started and not ended, on this connection or on one that is being replayed.
  package var hasOpenTurn: Bool { state != .initial || replayed != nil }

  /// Where the audio of the open turn, or of speech before its start, began, in seconds of stream time:
  /// replay starts here. Nil when nothing would be lost.
  package var replayStart: Double? {
    if state != .initial || turn?.spoken != nil {
      return turn?.latest.audioWindowStart.map { $0 + offset }
    }
    return replayed?.info.audioWindowStart
  }

  /// The latest text of the turn under way, started or not.
  package var currentTranscript: String { turn?.spoken?.transcript ?? replayed?.info.transcript ?? "" }

  /// A new connection: the service counts from zero again. Its first sample is at `offset` seconds of stream
  /// time. What is open and was not suspended ends as disconnected.
  package mutating func beginConnection(at offset: Double) -> [Output] {
    let isLost = state != .initial || turn?.spoken != nil
    let outputs = isLost ? endLocally(.disconnected) : []
    self.offset = offset
    turn = nil
    lastEndedIndex = nil
    return outputs
  }

  /// The connection is lost and the audio from `replayStart` on will be sent again: the open turn stays open,
  /// and what starts next continues it.
  package mutating func suspendForReplay() {
    if state != .initial, let turn {
      replayed = (turn.spoken.map(shifted) ?? turn.earlier ?? shifted(turn.latest), turn.eagerTranscript)
    }
    state = .initial
    turn = nil
    isReplaying = false
  }

  /// Ends what is open, because the service will not: the last text, not final. Speech for which the service
  /// had not yet sent a `StartOfTurn` gets a start and an end, so that its text is not lost.
  package mutating func endLocally(_ trigger: TurnEvent.Trigger) -> [Output] {
    var outputs: [Output] = []
    if state == .initial, let info = turn?.spoken {
      start(info, isSynthesised: true, &outputs)
    }
    if state != .initial {
      end(nil, trigger: trigger, &outputs)
    } else if let replayed {
      // Nothing of it came back: it ends with what the earlier connection said.
      let current = offset
      offset = 0
      turn = Turn(latest: replayed.info, spoken: replayed.info, eagerTranscript: replayed.eager)
      isReplaying = true
      self.replayed = nil
      end(nil, trigger: trigger, &outputs)
      offset = current
    }
    turn = nil
    return outputs
  }

  /// A message of the service.
  package mutating func receive(_ info: TurnInfo) -> [Output] {
    var outputs: [Output] = []
    supersede(info, &outputs)
    guard !isLate(info, &outputs) else { return outputs }
    note(info)
    takeBackEager(before: info, &outputs)
    switch info.event {
    case .startOfTurn: receiveStart(info, &outputs)
    case .eagerEndOfTurn: receiveEager(info, &outputs)
    case .turnResumed: receiveResumed(info, &outputs)
    case .endOfTurn: receiveEnd(info, &outputs)
    default: outputs.append(.event(event(info.event, info)))
    }
    return outputs
  }

  /// Another index while a turn is open: its end was lost.
  private mutating func supersede(_ info: TurnInfo, _ outputs: inout [Output]) {
    guard let index = info.turnIndex, let known = turn?.index, index != known else { return }
    if state == .initial {
      turn = nil
    } else {
      outputs.append(.violation("turn_index went from \(known) to \(index) without an EndOfTurn"))
      end(nil, trigger: .superseded, &outputs)
    }
  }

  /// Whether the message belongs to a turn that has ended. Speech is never thrown away: only a `StartOfTurn` reopens an index.
  private func isLate(_ info: TurnInfo, _ outputs: inout [Output]) -> Bool {
    guard state == .initial, let index = info.turnIndex, let lastEndedIndex, index <= lastEndedIndex else {
      return false
    }
    outputs.append(.violation("\(info.event) for turn_index \(index), which has ended"))
    return info.event != .startOfTurn
  }

  private mutating func note(_ info: TurnInfo) {
    // In its place: a copy counts references to everything in two messages.
    if turn == nil { turn = Turn(latest: info) } else { turn?.latest = info }
    if let index = info.turnIndex { turn?.index = index }
    if !info.transcript.isEmpty { turn?.spoken = info }
  }

  /// Takes an `EagerEndOfTurn` back whose words are no longer the turn's, unless the message does so itself.
  private mutating func takeBackEager(before info: TurnInfo, _ outputs: inout [Output]) {
    guard let eager = turn?.eagerTranscript ?? replayed?.eager, !info.transcript.isEmpty,
      info.transcript != eager, info.event != .turnResumed || state == .initial
    else { return }
    // Audio that is heard again begins with fewer words, and an end that was asked for may come in between.
    let isForced = info.event == .endOfTurn && info.trigger != nil && info.trigger != .model
    if !isForced, !isReplaying, replayed == nil {
      outputs.append(.violation("\(info.event) has other words than its EagerEndOfTurn, without TurnResumed"))
    }
    takeBackEager(info, &outputs)
  }

  private mutating func takeBackEager(_ info: TurnInfo, _ outputs: inout [Output]) {
    turn?.eagerTranscript = nil
    replayed?.eager = nil
    if state == .awaitingEnd { state = .turnOngoing }
    outputs.append(.event(event(.turnResumed, info, isSynthesised: true)))
  }

  private mutating func receiveStart(_ info: TurnInfo, _ outputs: inout [Output]) {
    guard state == .initial else {
      outputs.append(.violation("StartOfTurn inside a turn"))
      outputs.append(.event(event(.update, info)))
      return
    }
    start(info, isSynthesised: false, &outputs)
  }

  private mutating func receiveEager(_ info: TurnInfo, _ outputs: inout [Output]) {
    startIfMissing(info, &outputs)
    guard !info.transcript.isEmpty else {
      outputs.append(.violation("EagerEndOfTurn without text"))
      outputs.append(.event(event(.update, info)))
      return
    }
    guard state != .awaitingEnd else {
      // The same words: others have taken it back. Audio that is heard again may well end in the same way.
      if !isReplaying { outputs.append(.violation("EagerEndOfTurn twice without TurnResumed")) }
      outputs.append(.event(event(.update, info)))
      return
    }
    state = .awaitingEnd
    turn?.eagerTranscript = info.transcript
    outputs.append(.event(event(.eagerEndOfTurn, info)))
  }

  private mutating func receiveResumed(_ info: TurnInfo, _ outputs: inout [Output]) {
    startIfMissing(info, &outputs)
    guard state == .awaitingEnd else {
      outputs.append(.violation("TurnResumed without EagerEndOfTurn"))
      outputs.append(.event(event(.update, info)))
      return
    }
    state = .turnOngoing
    turn?.eagerTranscript = nil
    outputs.append(.event(event(.turnResumed, info)))
  }

  private mutating func receiveEnd(_ info: TurnInfo, _ outputs: inout [Output]) {
    if state == .initial, turn?.spoken == nil {
      outputs.append(.violation("EndOfTurn without StartOfTurn and without text"))
      lastEndedIndex = info.turnIndex
      turn = nil
      return
    }
    startIfMissing(info, &outputs)
    end(info, trigger: info.trigger, &outputs)
  }

  private mutating func startIfMissing(_ info: TurnInfo, _ outputs: inout [Output]) {
    guard state == .initial else { return }
    outputs.append(.violation("\(info.event) without StartOfTurn"))
    start(turn?.spoken ?? info, isSynthesised: true, &outputs)
  }

  /// A turn begins; a replayed one goes on instead, and its second start is an update.
  private mutating func start(_ info: TurnInfo, isSynthesised: Bool, _ outputs: inout [Output]) {
    isReplaying = replayed != nil
    turn?.eagerTranscript = replayed?.eager
    turn?.earlier = replayed?.info
    state = turn?.eagerTranscript == nil ? .turnOngoing : .awaitingEnd
    replayed = nil
    let kind: TurnEvent.Kind = isReplaying ? .update : .startOfTurn
    outputs.append(.event(event(kind, info, isSynthesised: isSynthesised)))
  }

  /// `info` is the service's own end; nil when we end the turn.
  private mutating func end(_ info: TurnInfo?, trigger: TurnEvent.Trigger?, _ outputs: inout [Output]) {
    guard let turn else { return }
    var event = event(.endOfTurn, info ?? turn.latest, isSynthesised: info == nil)
    event.isFinal = info != nil
    event.trigger = trigger
    if event.transcript.isEmpty, let spoken = turn.spoken {
      event.transcript = spoken.transcript
      event.words = shifted(spoken).words
    } else if event.transcript.isEmpty, let earlier = turn.earlier {
      event.transcript = earlier.transcript
      event.words = earlier.words
    }
    outputs.append(.event(event))
    endedTurns += 1
    lastEndedIndex = turn.index ?? lastEndedIndex
    state = .initial
    isReplaying = false
    self.turn = nil
  }

  private func event(
    _ kind: TurnEvent.Kind, _ info: TurnInfo, isSynthesised: Bool = false
  ) -> SessionTurnEvent {
    let placed = shifted(info)
    return SessionTurnEvent(
      kind: kind, turn: endedTurns + 1, isFinal: false, trigger: info.trigger, transcript: info.transcript,
      words: placed.words, start: placed.audioWindowStart, end: placed.audioWindowEnd,
      isSynthesised: isSynthesised, isReplayed: isReplaying || replayed != nil, info: info)
  }

  /// With all times in stream time.
  private func shifted(_ info: TurnInfo) -> TurnInfo {
    guard offset != 0 else { return info }
    var placed = info
    placed.audioWindowStart = info.audioWindowStart.map { $0 + offset }
    placed.audioWindowEnd = info.audioWindowEnd.map { $0 + offset }
    placed.words = info.words.map { word in
      var word = word
      word.start = word.start.map { $0 + offset }
      word.end = word.end.map { $0 + offset }
      return word
    }
    return placed
  }
}
