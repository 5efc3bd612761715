internal import FluxGraph

extension ServerMessage {
  /// The message as the service writes it: fields in the order of its live messages, `sequence_id` last, nothing for what is nil.
  package var encoded: String {
    var writer = FieldWriter()
    switch self {
    case .unknown(_, _, let raw): return raw
    case .connected(let message):
      writer.add("type", "Connected")
      writer.add("request_id", message.requestID)
    case .turnInfo(let message): writer.add(message)
    case .configureSuccess(let message): writer.add(message)
    case .configureFailure(let message):
      writer.add("type", "ConfigureFailure")
      writer.add("request_id", message.requestID)
      writer.add("code", message.code)
      writer.add("description", message.description)
    case .warning(let message): writer.add("Warning", message)
    case .error(let message): writer.add("Error", message)
    }
    writer.add("sequence_id", sequenceID.map { JSONValue($0) })
    return JSONValue.object(writer.members).serialized
  }
}

/// Collects the members that are there.
private struct FieldWriter {
  var members: [(String, JSONValue)] = []

  mutating func add(_ name: String, _ value: JSONValue?) {
    if let value { members.append((name, value)) }
  }

  mutating func add(_ name: String, _ value: String?) { add(name, value.map(JSONValue.string)) }

  mutating func add(_ name: String, _ value: Double?) { add(name, value.map { JSONValue($0) }) }

  mutating func add(_ name: String, _ value: [String]?) {
    add(name, value.map { .array($0.map(JSONValue.string)) })
  }

  mutating func add(_ type: String, _ notice: ServerMessage.ServiceNotice) {
    add("type", type)
    add("request_id", notice.requestID)
    add("code", notice.code)
    add("description", notice.description)
  }

  mutating func add(_ info: TurnInfo) {
    add("type", "TurnInfo")
    add("request_id", info.requestID)
    add("event", info.event.rawValue)
    add("turn_index", info.turnIndex.map { JSONValue($0) })
    add("audio_window_start", info.audioWindowStart)
    add("audio_window_end", info.audioWindowEnd)
    add("transcript", info.transcript)
    add("languages_hinted", info.languagesHinted)
    add("languages", info.languages)
    add("words", JSONValue.array(info.words.map(Self.word)))
    add("end_of_turn_confidence", info.endOfTurnConfidence)
    if info.event == .endOfTurn { add("trigger", info.trigger?.rawValue) }
  }

  private static func word(_ word: TurnEvent.Word) -> JSONValue {
    var writer = FieldWriter()
    writer.add("word", word.word)
    writer.add("confidence", word.confidence)
    writer.add("start", word.start)
    writer.add("end", word.end)
    return .object(writer.members)
  }

  mutating func add(_ message: ServerMessage.ConfigureSuccess) {
    var thresholds = FieldWriter()
    thresholds.add("eot_threshold", message.endOfTurnThreshold)
    thresholds.add("eager_eot_threshold", message.eagerEndOfTurnThreshold)
    thresholds.add("eot_timeout_ms", message.endOfTurnTimeout.map { JSONValue($0) })
    add("type", "ConfigureSuccess")
    add("request_id", message.requestID)
    add("thresholds", .object(thresholds.members))
    add("keyterms", message.keyterms)
    add("language_hints", message.languageHints)
    add("numerals", message.numerals.map { .bool($0) })
    add("profanity_filter", message.profanityFilter.map { .bool($0) })
  }
}
