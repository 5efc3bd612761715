internal import FluxGraph

/// The three text messages a client may send; any other kills the connection.
package enum ClientMessage: Equatable, Sendable {
  case configure(ConfigureRequest)
  case forceEndTurn
  case closeStream

  /// The message as JSON.
  package var encoded: String {
    switch self {
    case .forceEndTurn: #"{"type":"ForceEndTurn"}"#
    case .closeStream: #"{"type":"CloseStream"}"#
    case .configure(let request): Self.encode(request)
    }
  }

  private static func encode(_ request: ConfigureRequest) -> String {
    var members: [(String, JSONValue)] = [("type", "Configure")]
    var thresholds: [(String, JSONValue)] = []
    if let value = request.eagerEndOfTurnThreshold {
      thresholds.append(("eager_eot_threshold", JSONValue(value)))
    }
    if let value = request.endOfTurnThreshold { thresholds.append(("eot_threshold", JSONValue(value))) }
    if let value = request.endOfTurnTimeout { thresholds.append(("eot_timeout_ms", JSONValue(value))) }
    if !thresholds.isEmpty { members.append(("thresholds", .object(thresholds))) }
    if let value = request.keyterms { members.append(("keyterms", .array(value.map(JSONValue.string)))) }
    if let value = request.languageHints {
      members.append(("language_hints", .array(value.map(JSONValue.string))))
    }
    if let value = request.numerals { members.append(("numerals", .bool(value))) }
    return JSONValue.object(members).serialized
  }
}

/// A text message the service cannot parse: fatal, code `UNPARSABLE_CLIENT_MESSAGE`.
package struct ClientMessageError: Error, Equatable, Sendable, CustomStringConvertible {
  package let detail: String

  package static let code = "UNPARSABLE_CLIENT_MESSAGE"

  /// The `description` of the fatal error.
  package var description: String { "Could not deserialize last text message: \(detail)" }
}

extension ClientMessage {
  /// Reads a client's text message as strictly as the service.
  package init(decoding text: String) throws(ClientMessageError) {
    let value: JSONValue
    do throws(JSONError) {
      value = try JSONValue.parse(text, limits: JSONLimits(maximumSize: 1 << 20, maximumDepth: 16))
    } catch {
      throw ClientMessageError(detail: "\(error)")
    }
    guard let members = value.members else {
      throw ClientMessageError(detail: "invalid type, expected a message object")
    }
    guard let type = value["type"] else { throw ClientMessageError(detail: "missing field `type`") }
    guard let name = type.stringValue else {
      throw ClientMessageError(detail: "invalid type for `type`, expected a string")
    }
    switch name {
    case "Configure": self = .configure(try ConfigureRequest(members))
    case "ForceEndTurn", "CloseStream":
      try checkFields(members, ["type"])
      self = name == "ForceEndTurn" ? .forceEndTurn : .closeStream
    default:
      let expected = "expected one of `CloseStream`, `ForceEndTurn`, `Configure`"
      throw ClientMessageError(detail: "unknown variant `\(name)`, \(expected)")
    }
  }
}

/// Refuses unknown fields and repeated ones.
private func checkFields(
  _ members: [(String, JSONValue)], _ known: [String]
) throws(ClientMessageError) {
  var seen: Set<String> = []
  for (name, _) in members {
    guard known.contains(name) else {
      let list = known.map { "`\($0)`" }.joined(separator: ", ")
      throw ClientMessageError(detail: "unknown field `\(name)`, expected one of \(list)")
    }
    guard seen.insert(name).inserted else { throw ClientMessageError(detail: "duplicate field `\(name)`") }
  }
}

extension ConfigureRequest {
  fileprivate init(_ members: [(String, JSONValue)]) throws(ClientMessageError) {
    try checkFields(members, ["type", "thresholds", "keyterms", "language_hints", "numerals"])
    for (name, value) in members where !value.isNull {
      switch name {
      case "thresholds": try takeThresholds(value)
      case "keyterms":
        if let term = value.stringValue {
          keyterms = [term]
        } else {
          keyterms = try Self.strings(name, value)
        }
      case "language_hints": languageHints = try Self.strings(name, value)
      case "numerals":
        guard let flag = value.boolValue else { throw Self.wrongType(name, "a boolean") }
        numerals = flag
      default: break
      }
    }
  }

  private mutating func takeThresholds(_ value: JSONValue) throws(ClientMessageError) {
    guard let members = value.members else { throw Self.wrongType("thresholds", "an object") }
    try checkFields(members, ["eager_eot_threshold", "eot_threshold", "eot_timeout_ms"])
    for (name, value) in members where !value.isNull {
      switch name {
      case "eot_timeout_ms":
        guard let number = value.intValue else { throw Self.wrongType(name, "an integer") }
        endOfTurnTimeout = number
      default:
        guard let number = value.doubleValue else { throw Self.wrongType(name, "a number") }
        if name == "eot_threshold" { endOfTurnThreshold = number } else { eagerEndOfTurnThreshold = number }
      }
    }
  }

  private static func strings(_ name: String, _ value: JSONValue) throws(ClientMessageError) -> [String] {
    guard let elements = value.arrayValue else { throw wrongType(name, "a sequence") }
    var strings: [String] = []
    for element in elements {
      guard let string = element.stringValue else { throw wrongType(name, "a sequence of strings") }
      strings.append(string)
    }
    return strings
  }

  private static func wrongType(_ name: String, _ expected: String) -> ClientMessageError {
    ClientMessageError(detail: "invalid type for `\(name)`, expected \(expected)")
  }
}
