public indirect enum JSONValue: Sendable, Hashable {
  case null, boolean(Bool), number(String), string(String), array([JSONValue]), object([Member])
  public struct Member: Sendable, Hashable { public var name: String; public var value: JSONValue }
  static func object(_ fields: [(String, JSONValue)]) -> JSONValue {
    .object(fields.map { Member(name: $0.0, value: $0.1) })
  }
  static func integer(_ v: Int) -> JSONValue { .number(String(v)) }
  static func decimal(_ v: Double, digits: Int) -> JSONValue { .number(fixedText(v, digits: digits)) }
  subscript(name: String) -> JSONValue? {
    if case .object(let m) = self { m.last { $0.name == name }?.value } else { nil }
  }
  var stringValue: String? { if case .string(let s) = self { s } else { nil } }
  var doubleValue: Double? { if case .number(let s) = self { Double(s) } else { nil } }
  var boolValue: Bool? { if case .boolean(let s) = self { s } else { nil } }
  var arrayValue: [JSONValue]? { if case .array(let s) = self { s } else { nil } }
}
