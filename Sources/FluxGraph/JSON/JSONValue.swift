// Conversions of floating-point numbers call libm, which this import links.
internal import Glibc

/// A JSON text as a tree (RFC 8259). Objects keep the order of their members, numbers the text they came as.
public enum JSONValue: Sendable {
  /// The value `null`.
  case null
  /// `true` or `false`.
  case bool(Bool)
  /// A number, with the digits it was written with.
  case number(JSONNumber)
  /// A string, with its escapes resolved.
  case string(String)
  /// An array.
  case array([JSONValue])
  /// May hold a name twice, as the text did; looking it up gives the last one.
  case object([(String, JSONValue)])

  /// A number; `null` for infinities and what is no number, which JSON does not know.
  public init(_ value: Double) { self = JSONNumber(value).map(JSONValue.number) ?? .null }

  public init(_ value: Int) { self = .number(JSONNumber(value)) }
}

extension JSONValue {
  /// The member of an object; nil for other values and missing names.
  public subscript(name: String) -> JSONValue? {
    guard case .object(let members) = self else { return nil }
    return members.last { $0.0 == name }?.1
  }

  /// The element of an array; nil for other values and beyond the ends.
  public subscript(index: Int) -> JSONValue? {
    guard case .array(let elements) = self, elements.indices.contains(index) else { return nil }
    return elements[index]
  }

  /// Whether it is `null`.
  public var isNull: Bool {
    if case .null = self { return true }
    return false
  }

  /// The text of a string; nil for anything else.
  public var stringValue: String? {
    if case .string(let value) = self { return value }
    return nil
  }

  /// The value of a Boolean; nil for anything else.
  public var boolValue: Bool? {
    if case .bool(let value) = self { return value }
    return nil
  }

  /// The value of a number; nil for anything else.
  public var doubleValue: Double? {
    if case .number(let value) = self { return value.doubleValue }
    return nil
  }

  /// The number when it is whole and fits, however it is written: `3`, `3.0`, `3e0`.
  public var intValue: Int? {
    if case .number(let value) = self { return value.intValue }
    return nil
  }

  /// The elements of an array; nil for anything else.
  public var arrayValue: [JSONValue]? {
    if case .array(let value) = self { return value }
    return nil
  }

  /// The members of an object, in their order; nil for anything else.
  public var members: [(String, JSONValue)]? {
    if case .object(let value) = self { return value }
    return nil
  }
}

/// Equal in structure, order of members and the text of numbers.
extension JSONValue: Equatable {
  public static func == (left: JSONValue, right: JSONValue) -> Bool {
    switch (left, right) {
    case (.null, .null): true
    case (.bool(let left), .bool(let right)): left == right
    case (.number(let left), .number(let right)): left == right
    case (.string(let left), .string(let right)): left == right
    case (.array(let left), .array(let right)): left == right
    case (.object(let left), .object(let right)): left.elementsEqual(right) { $0.0 == $1.0 && $0.1 == $1.1 }
    default: false
    }
  }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral,
  ExpressibleByBooleanLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
  public init(stringLiteral value: String) { self = .string(value) }
  public init(integerLiteral value: Int) { self.init(value) }
  public init(floatLiteral value: Double) { self.init(value) }
  public init(booleanLiteral value: Bool) { self = .bool(value) }
  public init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
  /// An object, from a literal; the order stays.
  public init(dictionaryLiteral elements: (String, JSONValue)...) { self = .object(elements) }
}

/// A number as its JSON text, so that what came as `0.0` or with twenty digits goes out the same way.
public struct JSONNumber: Hashable, Sendable {
  /// The number as it is written.
  public let literal: String

  /// Only for text that is known to be a JSON number.
  init(literal: String) { self.literal = literal }

  public init(_ value: Int) { literal = String(value) }

  /// The shortest text that reads back as the same number; nil for infinities and NaN, which JSON lacks.
  public init?(_ value: Double) {
    guard value.isFinite else { return nil }
    literal = value.description
  }

  /// Nil when it is too large for a Double.
  public var doubleValue: Double? {
    let short = literal.utf8.withContiguousStorageIfAvailable { Self.shortDecimal($0, from: 0) }
    if case (let value, literal.utf8.count)?? = short { return value }
    guard let value = Double(literal), value.isFinite else { return nil }
    return value
  }

  /// The value of a short plain decimal, and where it ends; nil for everything else. A whole number below 2^53 divided by a
  /// power of ten up to 10^22, both exact, gives the correctly rounded result (Clinger 1990) without the general algorithm.
  static func shortDecimal(
    _ bytes: UnsafeBufferPointer<UInt8>, from start: Int
  ) -> (value: Double, end: Int)? {
    let isNegative = start < bytes.count && bytes[start] == UInt8(ascii: "-")
    let first = isNegative ? start + 1 : start
    var digits: UInt64 = 0
    var point: Int?
    var end = first
    while end < bytes.count {
      let byte = bytes[end]
      if byte &- UInt8(ascii: "0") <= 9 {
        digits = digits &* 10 &+ UInt64(byte &- UInt8(ascii: "0"))
      } else if byte == UInt8(ascii: "."), point == nil {
        point = end
      } else if byte | 0x20 == UInt8(ascii: "e") {
        return nil
      } else {
        break
      }
      end &+= 1
    }
    let whole = (point ?? end) - first
    let fraction = point.map { end - $0 - 1 } ?? 0
    guard whole > 0, whole == 1 || bytes[first] != UInt8(ascii: "0"), whole + fraction <= 15,
      point == nil || fraction > 0
    else { return nil }
    let value = Double(digits) / Self.powersOfTen[fraction]
    return (isNegative ? -value : value, end)
  }

  private static let powersOfTen: [Double] = [
    1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
  ]

  /// The number as a whole one; nil when it has a fraction or is too large.
  public var intValue: Int? { Int(literal) ?? doubleValue.flatMap { Int(exactly: $0) } }
}

extension JSONValue {
  /// A number rounded to at most `digits` decimals: times to the millisecond do not need seventeen digits.
  public init(_ value: Double, digits: Int) {
    let scale = power(10, Double(digits))
    // A number so large that its product is infinite has no decimal places.
    let scaled = value * scale
    self.init(scaled.isFinite ? scaled.rounded() / scale : value)
  }
}
