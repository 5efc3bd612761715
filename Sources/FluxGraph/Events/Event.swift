/// What flows on a link of type events: a turn event, or, on `.notices` ports, a notice.
public enum Event: Sendable {
  /// What a speaker's turn is doing.
  case turn(TurnEvent)
  /// Something the user should know.
  case notice(Notice)

  /// The value of a field by the name `EventField` gives it; nil when this event does not have it.
  public func value(of field: String) -> FieldValue? {
    switch self {
    case .turn(let event): event.value(of: field)
    case .notice(let notice): notice.value(of: field)
    }
  }

  /// The event in version 1 of the event format: one JSON object.
  public var json: JSONValue {
    switch self {
    case .turn(let event): event.json
    case .notice(let notice): notice.json
    }
  }
}

extension TurnEvent {
  func value(of field: String) -> FieldValue? {
    switch field {
    case "event": return .text(kind.rawValue)
    case "stream": return stream.map(FieldValue.text)
    case "session": return .text(session)
    case "turn": return .number(Double(turn))
    case "final": return isFinal.map(FieldValue.boolean)
    case "trigger": return trigger.map { .text($0.rawValue) }
    case "replayed": return .boolean(isReplayed)
    case "start": return .number(start)
    case "end": return .number(end)
    case "time": return .text(time.rfc3339)
    case "transcript": return .text(transcript)
    case "confidence": return confidence.map(FieldValue.number)
    case "languages": return .list(languages)
    case "words": return .list(words.map(\.word))
    case "date": return .text(time.local.date)
    case "clock": return .text(time.local.clock)
    case "position": return .text(positionText(start))
    default:
      guard field.hasPrefix("flux.") else { return nil }
      return service?[String(field.dropFirst(5))].flatMap(FieldValue.init)
    }
  }

  var json: JSONValue {
    var fields: [(String, JSONValue)] = [("v", JSONValue(1)), ("event", .string(kind.rawValue))]
    if let stream { fields.append(("stream", .string(stream))) }
    fields.append(("session", .string(session)))
    fields.append(("turn", JSONValue(turn)))
    if let isFinal { fields.append(("final", .bool(isFinal))) }
    if let trigger { fields.append(("trigger", .string(trigger.rawValue))) }
    if isReplayed { fields.append(("replayed", .bool(true))) }
    if isSynthesised { fields.append(("synthesised", .bool(true))) }
    fields.append(("start", JSONValue(start, digits: 3)))
    fields.append(("end", JSONValue(end, digits: 3)))
    fields.append(("time", .string(time.rfc3339)))
    fields.append(("transcript", .string(transcript)))
    if let confidence { fields.append(("confidence", JSONValue(confidence, digits: 4))) }
    if !languages.isEmpty { fields.append(("languages", .array(languages.map(JSONValue.string)))) }
    fields.append(("words", .array(words.map(\.json))))
    if let service { fields.append(("flux", service)) }
    guard let shownFields else { return .object(fields) }
    return .object(fields.compactMap { Self.restricted($0, to: shownFields) })
  }

  /// A field as far as it is to be shown: of an object, such as `flux`, members can be named one by one.
  private static func restricted(
    _ field: (String, JSONValue), to shown: [String]
  ) -> (String, JSONValue)? {
    if ["v", "event"].contains(field.0) || shown.contains(field.0) { return field }
    guard case .object(let members) = field.1 else { return nil }
    let kept = members.filter { shown.contains("\(field.0).\($0.0)") }
    return kept.isEmpty ? nil : (field.0, .object(kept))
  }
}

extension TurnEvent.Word {
  var json: JSONValue {
    var fields: [(String, JSONValue)] = [("word", .string(word))]
    if let start { fields.append(("start", JSONValue(start, digits: 3))) }
    if let end { fields.append(("end", JSONValue(end, digits: 3))) }
    fields.append(("confidence", JSONValue(confidence, digits: 4)))
    return .object(fields)
  }
}

extension Notice {
  func value(of field: String) -> FieldValue? {
    switch field {
    case "event": .text("Notice")
    case "notice": .text(notice)
    case "stream": stream.map(FieldValue.text)
    case "message": .text(message)
    case "time": .text(time.rfc3339)
    case "date": .text(time.local.date)
    case "clock": .text(time.local.clock)
    default: nil
    }
  }

  var json: JSONValue {
    var fields: [(String, JSONValue)] = [
      ("v", JSONValue(1)), ("event", .string("Notice")), ("notice", .string(notice)),
    ]
    if let stream { fields.append(("stream", .string(stream))) }
    fields.append(("time", .string(time.rfc3339)))
    fields.append(("severity", .string(severity.rawValue)))
    fields.append(("message", .string(message)))
    fields.append(contentsOf: details.map { ($0.name, $0.value) })
    return .object(fields)
  }
}

extension FieldValue {
  /// A JSON value as a field; nil for null and for objects.
  init?(_ json: JSONValue) {
    if let text = json.stringValue {
      self = .text(text)
    } else if let number = json.doubleValue {
      self = .number(number)
    } else if let value = json.boolValue {
      self = .boolean(value)
    } else if let items = json.arrayValue {
      self = .list(items.compactMap(\.stringValue))
    } else {
      return nil
    }
  }
}

/// `seconds` of stream time for people: `1:23.4`, `1:02:03.4`.
public func positionText(_ seconds: Double) -> String {
  // Times come from a service: whatever it says, the text stays within a thousand years.
  let tenths = Int((min(max(0, seconds), 3.2e10) * 10).rounded())
  let (minutes, rest) = (tenths / 600, tenths % 600)
  let tail = pad(rest / 10, 2) + "." + String(rest % 10)
  return minutes >= 60 ? "\(minutes / 60):\(pad(minutes % 60, 2)):\(tail)" : "\(minutes):\(tail)"
}
