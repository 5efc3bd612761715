internal import FluxGraph

extension ServerMessage {
  /// Reads a message of the service, tolerantly: unknown types, events, fields and values pass, missing or
  /// oddly typed fields are nil, numbers may be written as integers or not, a message without `type` that has
  /// an `event` is a `TurnInfo` (Cloudflare).
  package init(decoding text: String) throws(ServerMessageError) {
    let value: JSONValue
    do throws(JSONError) {
      value = try JSONValue.parse(text)
    } catch {
      throw .notJSON(error)
    }
    guard case .object(let members) = value else { throw .notAnObject }
    self = Self.decode(Fields(members), text)
  }

  private static func decode(_ fields: Fields, _ raw: String) -> ServerMessage {
    let type = fields.string("type")
    switch type {
    case "TurnInfo", nil:
      guard let event = fields.string("event"), type != nil || fields.looksLikeTurnInfo else { break }
      return .turnInfo(TurnInfo(fields, event))
    case "Connected":
      return .connected(
        Connected(requestID: fields.string("request_id"), sequenceID: fields.int("sequence_id")))
    case "ConfigureSuccess": return .configureSuccess(ConfigureSuccess(fields))
    case "ConfigureFailure":
      return .configureFailure(
        ConfigureFailure(
          requestID: fields.string("request_id"), sequenceID: fields.int("sequence_id"),
          code: fields.string("code"), description: fields.string("description")))
    case "Warning": return .warning(ServiceNotice(fields))
    case "Error", "FatalError": return .error(ServiceNotice(fields))
    default: break
    }
    return .unknown(type: type, sequenceID: fields.int("sequence_id"), raw: raw)
  }
}

/// The members of a message, by name. Messages have about a dozen members: a scan beats a table.
private struct Fields {
  let members: [(String, JSONValue)]

  init(_ members: [(String, JSONValue)]) { self.members = members }

  subscript(name: String) -> JSONValue? {
    // By index: a closure over the elements would copy, and count references to, each of them.
    for index in members.indices.reversed() where members[index].0 == name { return members[index].1 }
    return nil
  }

  func string(_ name: String) -> String? { self[name]?.stringValue }
  func int(_ name: String) -> Int? { self[name]?.intValue }
  func double(_ name: String) -> Double? { self[name]?.doubleValue }
  func bool(_ name: String) -> Bool? { self[name]?.boolValue }

  /// A list of strings, or a single one.
  func strings(_ name: String) -> [String]? {
    if let single = string(name) { return [single] }
    return self[name]?.arrayValue?.compactMap(\.stringValue)
  }

  /// Any object may have an `event`; a turn also has one of these.
  var looksLikeTurnInfo: Bool {
    members.contains { $0.0 == "turn_index" || $0.0 == "transcript" || $0.0 == "audio_window_end" }
  }
}

extension TurnInfo {
  fileprivate init(_ fields: Fields, _ event: String) {
    self.init(event: TurnEventKind(rawValue: event), message: .object(fields.members))
    requestID = fields.string("request_id")
    sequenceID = fields.int("sequence_id")
    turnIndex = fields.int("turn_index")
    audioWindowStart = fields.double("audio_window_start")
    audioWindowEnd = fields.double("audio_window_end")
    transcript = fields.string("transcript") ?? ""
    words = fields["words"]?.arrayValue?.compactMap(TurnWord.init) ?? []
    endOfTurnConfidence = fields.double("end_of_turn_confidence")
    trigger = fields.string("trigger").map(TurnTrigger.init)
    languages = fields.strings("languages")
    languagesHinted = fields.strings("languages_hinted")
  }
}

extension TurnWord {
  fileprivate init?(_ value: JSONValue) {
    guard case .object(let members) = value else { return nil }
    let fields = Fields(members)
    guard let word = fields.string("word") else { return nil }
    self.init(
      word: word, confidence: fields.double("confidence"), start: fields.double("start"),
      end: fields.double("end"))
  }
}

extension ServerMessage.ConfigureSuccess {
  fileprivate init(_ fields: Fields) {
    self.init(requestID: fields.string("request_id"), sequenceID: fields.int("sequence_id"))
    let thresholds = Fields(fields["thresholds"]?.members ?? [])
    endOfTurnThreshold = thresholds.double("eot_threshold")
    eagerEndOfTurnThreshold = thresholds.double("eager_eot_threshold")
    endOfTurnTimeout = thresholds.int("eot_timeout_ms")
    keyterms = fields.strings("keyterms")
    languageHints = fields.strings("language_hints")
    numerals = fields.bool("numerals")
    profanityFilter = fields.bool("profanity_filter")
  }
}

extension ServerMessage.ServiceNotice {
  fileprivate init(_ fields: Fields) {
    self.init(
      requestID: fields.string("request_id"), sequenceID: fields.int("sequence_id"),
      code: fields.string("code"), description: fields.string("description"))
  }
}
