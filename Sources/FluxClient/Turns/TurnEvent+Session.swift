internal import FluxGraph
internal import FluxProtocol

extension TurnEvent {
  /// An event of the session as the rest of the graph sees it.
  init(_ event: SessionTurnEvent, stream: String?, session: String, time: WallTime) {
    self.init(
      kind: event.kind, stream: stream, session: session, turn: event.turn,
      isFinal: event.kind == .endOfTurn ? event.isFinal : nil,
      trigger: event.kind == .startOfTurn ? nil : event.trigger,
      start: event.start ?? 0, end: event.end ?? event.start ?? 0, time: time, transcript: event.transcript,
      words: event.words, languages: event.info.languages ?? [])
    if let text = event.info.text { setService(fromMessage: text) }
    isReplayed = event.isReplayed
    isSynthesised = event.isSynthesised
  }
}
