import FluxGraph

/// Turns for tests, from words with times: `turn(1, [("Hello,", 0.5, 0.9)])`.
func turn(
  _ number: Int, kind: TurnEvent.Kind = .endOfTurn, stream: String? = "me", session: String = "s",
  _ words: [(String, Double?, Double?)], start: Double? = nil, end: Double? = nil, confidence: Double = 0.95,
  glue: String = " "
) -> Event {
  .turn(
    TurnEvent(
      kind: kind, stream: stream, session: session, turn: number, isFinal: kind == .endOfTurn ? true : nil,
      trigger: kind == .endOfTurn ? "model" : nil, start: start ?? words.first?.1 ?? 0,
      end: end ?? words.last?.2 ?? 0, time: WallTime(seconds: 1_700_000_000),
      transcript: words.map(\.0).joined(separator: glue),
      words: words.map { .init(word: $0.0, start: $0.1, end: $0.2, confidence: confidence) }))
}

/// The first turn.
func turn(
  kind: TurnEvent.Kind = .endOfTurn, stream: String? = "me", session: String = "s",
  _ words: [(String, Double?, Double?)], confidence: Double = 0.95
) -> Event {
  turn(1, kind: kind, stream: stream, session: session, words, confidence: confidence)
}

/// Words spoken one after the other, each `length` seconds long, `gap` seconds apart.
func spoken(_ text: String, from start: Double = 0, length: Double = 0.3, gap: Double = 0.05) -> [(
  String, Double?, Double?
)] {
  text.split(separator: " ").enumerated().map { index, word in
    let begin = start + Double(index) * (length + gap)
    return (String(word), begin, begin + length)
  }
}

extension Event {
  var turnEvent: TurnEvent? {
    if case .turn(let turn) = self { turn } else { nil }
  }
}
