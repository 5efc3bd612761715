internal import FluxGraph
internal import FluxProtocol

/// Keeps turns that are mere noise from being told: a turn begins only once it has enough words, said clearly enough. What is
/// told keeps the promises turns make: a start, an end, and numbers without holes.
struct TurnFilter: Sendable {
  private enum Turn {
    /// None has begun.
    case none
    case withheld
    case told
  }

  /// The fewest words of a turn.
  private let minimumWords: Int
  /// The lowest mean confidence of a turn's words, from 0 to 1.
  private let minimumConfidence: Double
  private var turn = Turn.none
  private var withheldTurns = 0

  init(minimumWords: Int = 0, minimumConfidence: Double = 0) {
    self.minimumWords = minimumWords
    self.minimumConfidence = minimumConfidence
  }

  /// What is told of an event: nothing, the event, or the start of its turn before it.
  mutating func pass(_ event: SessionTurnEvent) -> [SessionTurnEvent] {
    if minimumWords <= 0 && minimumConfidence <= 0 { return [event] }
    var event = event
    event.turn -= withheldTurns
    let isEnd = event.kind == .endOfTurn
    if event.kind == .startOfTurn { turn = .withheld }
    defer { if isEnd { turn = .none } }
    guard turn == .withheld else { return [event] }
    guard isEnough(event) else {
      if isEnd { withheldTurns += 1 }
      return []
    }
    turn = .told
    if event.kind == .startOfTurn { return [event] }
    var start = event
    start.kind = .startOfTurn
    start.trigger = nil
    start.isFinal = false
    // What adds nothing to the start is left out.
    return event.kind == .update || event.kind == .turnResumed ? [start] : [start, event]
  }

  private func isEnough(_ event: SessionTurnEvent) -> Bool {
    guard event.words.count >= minimumWords else { return false }
    let known = event.words.compactMap(\.confidence)
    return known.isEmpty || known.reduce(0, +) / Double(known.count) >= minimumConfidence
  }
}
