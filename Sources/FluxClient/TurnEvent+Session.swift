internal import FluxGraph
internal import FluxProtocol

extension TurnEvent {
  /// An event of the session as the rest of the graph sees it.
  init(_ event: SessionTurnEvent, stream: String?, session: String, time: WallTime) {
    self.init(
      kind: Kind(rawValue: event.kind.rawValue), stream: stream, session: session, turn: event.turn,
      isFinal: event.kind == .endOfTurn ? event.isFinal : nil,
      trigger: event.kind == .startOfTurn ? nil : event.trigger?.rawValue,
      start: event.start ?? 0, end: event.end ?? event.start ?? 0, time: time, transcript: event.transcript,
      words: event.words.map { word in
        Word(word: word.word, start: word.start, end: word.end, confidence: word.confidence ?? 0)
      },
      languages: event.info.languages ?? [])
    if let text = event.info.text { setService(fromMessage: text) }
    isReplayed = event.isReplayed
    isSynthesised = event.isSynthesized
  }
}
