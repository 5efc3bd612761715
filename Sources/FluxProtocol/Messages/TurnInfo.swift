package import FluxGraph

/// The state of a turn, as the service reports it about four times a second of audio. Everything but the
/// event may be missing on some deployment.
package struct TurnInfo: Equatable, Sendable {
  package var event: TurnEvent.Kind
  package var requestID: String?
  package var sequenceID: Int?
  /// From 0 on each connection.
  package var turnIndex: Int?
  /// Seconds of audio since the connection's first sample.
  package var audioWindowStart: Double?
  package var audioWindowEnd: Double?
  /// The whole turn so far: replaces what came before.
  package var transcript: String
  /// With times on the same clock as the audio window; without on older servers.
  package var words: [TurnEvent.Word]
  package var endOfTurnConfidence: Double?
  package var trigger: TurnEvent.Trigger?
  package var languages: [String]?
  package var languagesHinted: [String]?
  /// The message as received, the text of an object; nil for one made here.
  package var text: [UInt8]?

  package init(
    event: TurnEvent.Kind, requestID: String? = nil, sequenceID: Int? = nil, turnIndex: Int? = nil,
    audioWindowStart: Double? = nil, audioWindowEnd: Double? = nil, transcript: String = "",
    words: [TurnEvent.Word] = [], endOfTurnConfidence: Double? = nil, trigger: TurnEvent.Trigger? = nil,
    languages: [String]? = nil, languagesHinted: [String]? = nil, text: [UInt8]? = nil
  ) {
    self.event = event
    self.requestID = requestID
    self.sequenceID = sequenceID
    self.turnIndex = turnIndex
    self.audioWindowStart = audioWindowStart
    self.audioWindowEnd = audioWindowEnd
    self.transcript = transcript
    self.words = words
    self.endOfTurnConfidence = endOfTurnConfidence
    self.trigger = trigger
    self.languages = languages
    self.languagesHinted = languagesHinted
    self.text = text
  }

  /// The message as received, an object; nil for one made here.
  package var message: JSONValue? { text.flatMap { try? JSONValue.parse($0) } }
}
