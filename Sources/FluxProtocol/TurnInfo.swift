package import FluxGraph

/// What happened to a turn. An open set: the service may add events.
package struct TurnEventKind: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
  package let rawValue: String

  package init(rawValue: String) { self.rawValue = rawValue }

  package static let update = Self(rawValue: "Update")
  package static let startOfTurn = Self(rawValue: "StartOfTurn")
  package static let eagerEndOfTurn = Self(rawValue: "EagerEndOfTurn")
  package static let turnResumed = Self(rawValue: "TurnResumed")
  package static let endOfTurn = Self(rawValue: "EndOfTurn")

  package var description: String { rawValue }
}

/// What ended a turn. An open set.
package struct TurnTrigger: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
  package let rawValue: String

  package init(rawValue: String) { self.rawValue = rawValue }

  package static let model = Self(rawValue: "model")
  package static let manual = Self(rawValue: "manual")
  package static let timeout = Self(rawValue: "timeout")

  package var description: String { rawValue }
}

/// A word of a transcript.
package struct TurnWord: Equatable, Sendable {
  /// Punctuated and cased.
  package var word: String
  package var confidence: Double?
  /// Seconds on the same clock as the audio window; absent on older servers.
  package var start: Double?
  package var end: Double?

  package init(word: String, confidence: Double? = nil, start: Double? = nil, end: Double? = nil) {
    self.word = word
    self.confidence = confidence
    self.start = start
    self.end = end
  }
}

/// The state of a turn, as the service reports it about four times a second of audio. Everything but the
/// event may be missing on some deployment.
package struct TurnInfo: Equatable, Sendable {
  package var event: TurnEventKind
  package var requestID: String?
  package var sequenceID: Int?
  /// From 0 on each connection.
  package var turnIndex: Int?
  /// Seconds of audio since the connection's first sample.
  package var audioWindowStart: Double?
  package var audioWindowEnd: Double?
  /// The whole turn so far: replaces what came before.
  package var transcript: String
  package var words: [TurnWord]
  package var endOfTurnConfidence: Double?
  package var trigger: TurnTrigger?
  package var languages: [String]?
  package var languagesHinted: [String]?
  /// The message as received, the text of an object; nil for one made here.
  package var text: [UInt8]?

  package init(
    event: TurnEventKind, requestID: String? = nil, sequenceID: Int? = nil, turnIndex: Int? = nil,
    audioWindowStart: Double? = nil, audioWindowEnd: Double? = nil, transcript: String = "",
    words: [TurnWord] = [], endOfTurnConfidence: Double? = nil, trigger: TurnTrigger? = nil,
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
