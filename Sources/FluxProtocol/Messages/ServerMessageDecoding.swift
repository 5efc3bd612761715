internal import FluxGraph

extension ServerMessage {
  /// Reads a message of the service, tolerantly: unknown types, events, fields and values pass, missing or oddly typed fields are
  /// nil, numbers may be written as integers or not, a message without `type` that has an `event` is a `TurnInfo` (Cloudflare).
  package init(decoding text: [UInt8]) throws(ServerMessageError) {
    let value: JSONValue
    do throws(JSONError) {
      if let info = try TurnInfo(reading: text) {
        self = .turnInfo(info)
        return
      }
      value = try JSONValue.parse(text)
    } catch {
      throw .notJSON(error)
    }
    guard case .object(let members) = value else { throw .notAnObject }
    self = Self.decode(Fields(members), text)
  }

  package init(decoding text: String) throws(ServerMessageError) { try self.init(decoding: Array(text.utf8)) }

  private static func decode(_ fields: Fields, _ raw: [UInt8]) -> ServerMessage {
    let type = fields.string("type")
    switch type {
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
    default:
      return .unknown(
        type: type, sequenceID: fields.int("sequence_id"), raw: String(decoding: raw, as: UTF8.self))
    }
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
}

extension TurnInfo {
  /// Reads a `TurnInfo`, the message there are most of: field by field, without a tree of what is in it. nil when the message is of
  /// another type.
  fileprivate init?(reading text: [UInt8]) throws(JSONError) {
    var info = TurnInfo(event: .update, text: text)
    var type: String?
    var event: String?
    // Any object may have an `event`; a turn also has one of three other fields.
    var looksLikeTurnInfo = false
    var isObject = false
    try JSONParser.read(text.span) { parser throws(JSONError) in
      isObject = try parser.readObject { parser, name throws(JSONError) in
        switch name {
        case "type": type = try parser.readString()
        case "event": event = try parser.readString()
        case "request_id": info.requestID = try parser.readString()
        case "sequence_id": info.sequenceID = try parser.readInt()
        case "turn_index":
          info.turnIndex = try parser.readInt()
          looksLikeTurnInfo = true
        case "audio_window_start": info.audioWindowStart = try parser.readDouble()
        case "audio_window_end":
          info.audioWindowEnd = try parser.readDouble()
          looksLikeTurnInfo = true
        case "transcript":
          info.transcript = try parser.readString() ?? ""
          looksLikeTurnInfo = true
        case "words": info.words = try parser.readWords()
        case "end_of_turn_confidence": info.endOfTurnConfidence = try parser.readDouble()
        case "trigger": info.trigger = try parser.readString().map(TurnEvent.Trigger.init(rawValue:))
        case "languages": info.languages = try parser.readStrings()
        case "languages_hinted": info.languagesHinted = try parser.readStrings()
        default: try parser.skip()
        }
      }
    }
    guard isObject, type.map({ $0 == "TurnInfo" }) ?? looksLikeTurnInfo, let event else { return nil }
    info.event = TurnEvent.Kind(rawValue: event)
    self = info
  }
}

extension JSONParser {
  /// A list of strings, or a single one.
  fileprivate mutating func readStrings() throws(JSONError) -> [String]? {
    let value = try parseValue()
    if let single = value.stringValue { return [single] }
    return value.arrayValue?.compactMap(\.stringValue)
  }

  /// The words of a transcript; what is none is left out.
  fileprivate mutating func readWords() throws(JSONError) -> [TurnEvent.Word] {
    var words: [TurnEvent.Word] = []
    _ = try readArray { parser throws(JSONError) in
      var text: String?
      var word = TurnEvent.Word(word: "")
      _ = try parser.readObject { parser, name throws(JSONError) in
        switch name {
        case "word": text = try parser.readString()
        case "confidence": word.confidence = try parser.readDouble() ?? 0
        case "start": word.start = try parser.readDouble()
        case "end": word.end = try parser.readDouble()
        default: try parser.skip()
        }
      }
      guard let text else { return }
      word.word = text
      words.append(word)
    }
    return words
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
