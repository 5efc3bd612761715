package import FluxGraph

/// A turn event of a session: numbered and timed over all its connections.
package struct SessionTurnEvent: Equatable, Sendable {
  package var kind: TurnEvent.Kind
  /// From 1 over the session. Before a turn has started: the number it will have.
  package var turn: Int
  /// True for an `EndOfTurn` of the service: the transcript will not change any more.
  package var isFinal: Bool
  package var trigger: TurnEvent.Trigger?
  package var transcript: String
  /// With times in stream time.
  package var words: [TurnEvent.Word]
  /// The turn so far, in seconds of stream time.
  package var start: Double?
  package var end: Double?
  /// Made here: a start the service left out, an end it did not send.
  package var isSynthesised: Bool
  /// The turn began on an earlier connection and its audio was sent again.
  package var isReplayed: Bool
  /// The service's message; the latest one of the turn when the event was made here.
  package var info: TurnInfo
}
