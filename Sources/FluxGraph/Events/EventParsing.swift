internal import Glibc

extension Event {
  /// Reads an event as `json` writes it: version 1 of the event format.
  /// - Throws: `EventFormatError`. Missing fields that have a sensible value are given it; one of the wrong type is an error.
  public init(json: JSONValue) throws(EventFormatError) {
    guard json.members != nil else { throw EventFormatError("is no JSON object") }
    let version = try json.field("v", \.intValue, "a whole number")
    guard version == nil || version == 1 else {
      throw EventFormatError("has version \(version ?? 0) of the event format, and 1 is known here")
    }
    guard let name = try json.field("event", \.stringValue, "a text") else {
      throw EventFormatError("has no field `event`")
    }
    if name == "Notice" {
      self = .notice(try Notice(json))
    } else {
      self = .turn(try TurnEvent(json, kind: TurnEvent.Kind(rawValue: name)))
    }
  }
}

/// Why a JSON object is not an event.
public struct EventFormatError: Error, Sendable, CustomStringConvertible {
  /// The end of a sentence that begins with what was read: "has no field `event`".
  public var description: String

  init(_ description: String) {
    self.description = description
  }
}

extension JSONValue {
  /// A member; nil when it is missing or null.
  fileprivate func field<Value>(
    _ name: String, _ read: (JSONValue) -> Value?, _ noun: String
  ) throws(EventFormatError) -> Value? {
    guard let member = self[name], !member.isNull else { return nil }
    guard let value = read(member) else {
      throw EventFormatError("has a field `\(name)` that is not \(noun)")
    }
    return value
  }
}

extension TurnEvent {
  fileprivate init(_ json: JSONValue, kind: Kind) throws(EventFormatError) {
    let start = try json.field("start", \.doubleValue, "a number") ?? 0
    var words: [Word] = []
    for item in try json.field("words", \.arrayValue, "a list") ?? [] {
      guard let word = item["word"]?.stringValue else {
        throw EventFormatError("has a word without a field `word`")
      }
      words.append(
        Word(
          word: word, start: item["start"]?.doubleValue, end: item["end"]?.doubleValue,
          confidence: item["confidence"]?.doubleValue ?? 0))
    }
    self.init(
      kind: kind, stream: try json.field("stream", \.stringValue, "a text"),
      session: try json.field("session", \.stringValue, "a text") ?? "",
      turn: try json.field("turn", \.intValue, "a whole number") ?? 1,
      isFinal: try json.field("final", \.boolValue, "true or false"),
      trigger: try json.field("trigger", \.stringValue, "a text").map(Trigger.init(rawValue:)), start: start,
      end: try json.field("end", \.doubleValue, "a number") ?? start,
      time: try json.field("time", \.stringValue, "a text").flatMap { WallTime(rfc3339: $0) }
        ?? WallTime(seconds: 0),
      transcript: try json.field("transcript", \.stringValue, "a text") ?? "", words: words,
      languages: (try json.field("languages", \.arrayValue, "a list") ?? []).compactMap(\.stringValue),
      service: json["flux"])
    isReplayed = try json.field("replayed", \.boolValue, "true or false") ?? false
    isSynthesised = try json.field("synthesised", \.boolValue, "true or false") ?? false
  }
}

extension Notice {
  fileprivate init(_ json: JSONValue) throws(EventFormatError) {
    let known: Set<String> = ["v", "event", "notice", "stream", "time", "severity", "message"]
    let severity = try json.field("severity", \.stringValue, "a text")
    self.init(
      try json.field("notice", \.stringValue, "a text") ?? "",
      try json.field("message", \.stringValue, "a text") ?? "",
      severity: severity.flatMap { Severity(rawValue: $0) } ?? .info,
      stream: try json.field("stream", \.stringValue, "a text"),
      time: try json.field("time", \.stringValue, "a text").flatMap { WallTime(rfc3339: $0) }
        ?? WallTime(seconds: 0),
      details: (json.members ?? []).filter { !known.contains($0.0) }.map { (name: $0.0, value: $0.1) })
  }
}

extension WallTime {
  /// The moment `rfc3339` writes; nil for anything else but other fractions of a second.
  init?(rfc3339 text: String) {
    let bytes = Array(text.utf8)
    guard bytes.count >= 20, bytes.count <= 40, bytes.last == UInt8(ascii: "Z") else { return nil }
    func number(_ range: Range<Int>) -> Int32? { Int32(String(decoding: bytes[range], as: UTF8.self)) }
    guard let year = number(0..<4), let month = number(5..<7), let day = number(8..<10),
      let hour = number(11..<13), let minute = number(14..<16), let second = number(17..<19)
    else { return nil }
    var parts = tm()
    parts.tm_year = year - 1900
    parts.tm_mon = month - 1
    parts.tm_mday = day
    parts.tm_hour = hour
    parts.tm_min = minute
    parts.tm_sec = second
    let fraction =
      bytes.count == 20 ? 0 : Double("0" + String(decoding: bytes[19..<(bytes.count - 1)], as: UTF8.self))
    guard let fraction else { return nil }
    self.init(seconds: Double(timegm(&parts)) + fraction)
  }
}
