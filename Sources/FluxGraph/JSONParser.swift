/// What a JSON text may cost. Checked while reading, before anything is built.
public struct JSONLimits: Sendable {
  /// Bytes of text.
  public var maximumSize: Int
  /// Arrays and objects inside one another; bounds the parser's own recursion.
  public var maximumDepth: Int

  /// Limits: bytes of text, and how deeply values may be nested.
  public init(maximumSize: Int = 16 << 20, maximumDepth: Int = 64) {
    self.maximumSize = maximumSize
    self.maximumDepth = maximumDepth
  }
}

extension JSONValue {
  /// Parses one JSON text (RFC 8259): UTF-8, any value at the top, blanks around it.
  ///
  /// Strict in grammar. A `\u` escape of half a surrogate pair, which no UTF-8 text can hold, becomes
  /// U+FFFD: one damaged character should not lose a message.
  public static func parse(
    _ bytes: Span<UInt8>, limits: JSONLimits = JSONLimits()
  ) throws(JSONError) -> JSONValue {
    guard bytes.count <= limits.maximumSize else {
      throw JSONError(reason: .tooLarge, offset: limits.maximumSize)
    }
    do throws(UTF8.ValidationError) {
      _ = try UTF8Span(validating: bytes)
    } catch {
      throw JSONError(reason: .invalidUTF8, offset: error.byteOffsets.lowerBound)
    }
    let result: Result<JSONValue, JSONError> = bytes.withUnsafeBufferPointer { buffer in
      var parser = JSONParser(bytes: buffer, depthLimit: limits.maximumDepth)
      do throws(JSONError) {
        return .success(try parser.parse())
      } catch {
        return .failure(error)
      }
    }
    return try result.get()
  }

  /// Reads one value that fills the text. Throws `JSONError`.
  public static func parse(
    _ bytes: [UInt8], limits: JSONLimits = JSONLimits()
  ) throws(JSONError) -> JSONValue {
    try parse(bytes.span, limits: limits)
  }

  /// Reads one value that fills the bytes, which are UTF-8. Throws `JSONError`.
  public static func parse(
    _ text: String, limits: JSONLimits = JSONLimits()
  ) throws(JSONError) -> JSONValue {
    let utf8 = text.utf8
    return try parse(utf8.span, limits: limits)
  }
}

/// Recursive descent over valid UTF-8. Lives only inside `JSONValue.parse`, within the life of the buffer.
private struct JSONParser {
  let bytes: UnsafeBufferPointer<UInt8>
  let depthLimit: Int
  private var index = 0
  private var depth = 0

  init(bytes: UnsafeBufferPointer<UInt8>, depthLimit: Int) {
    self.bytes = bytes
    self.depthLimit = depthLimit
  }

  mutating func parse() throws(JSONError) -> JSONValue {
    let value = try parseValue()
    skipBlanks()
    guard index == bytes.count else { throw failure(.unexpectedCharacter) }
    return value
  }

  private func failure(_ reason: JSONError.Reason) -> JSONError { JSONError(reason: reason, offset: index) }

  private mutating func skipBlanks() {
    while index < bytes.count {
      switch bytes[index] {
      case 0x20, 0x0A, 0x0D, 0x09: index += 1
      default: return
      }
    }
  }

  /// The next byte that is not a blank, not yet used.
  private mutating func peek() throws(JSONError) -> UInt8 {
    skipBlanks()
    guard index < bytes.count else { throw failure(.unexpectedEnd) }
    return bytes[index]
  }

  private mutating func parseValue() throws(JSONError) -> JSONValue {
    switch try peek() {
    case UInt8(ascii: "{"): return try parseObject()
    case UInt8(ascii: "["): return try parseArray()
    case UInt8(ascii: "\""): return .string(try parseString())
    case UInt8(ascii: "t"): return try parseWord("true", .bool(true))
    case UInt8(ascii: "f"): return try parseWord("false", .bool(false))
    case UInt8(ascii: "n"): return try parseWord("null", .null)
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return .number(try parseNumber())
    default: throw failure(.unexpectedCharacter)
    }
  }

  private mutating func parseWord(
    _ word: StaticString, _ value: JSONValue
  ) throws(JSONError) -> JSONValue {
    for offset in 0..<word.utf8CodeUnitCount {
      guard index < bytes.count else { throw failure(.unexpectedEnd) }
      guard bytes[index] == word.utf8Start[offset] else { throw failure(.unexpectedCharacter) }
      index += 1
    }
    return value
  }

  private mutating func descend() throws(JSONError) {
    depth += 1
    guard depth <= depthLimit else { throw failure(.tooDeep) }
    index += 1
  }

  private mutating func parseArray() throws(JSONError) -> JSONValue {
    try descend()
    var elements: [JSONValue] = []
    if try peek() != UInt8(ascii: "]") {
      while true {
        elements.append(try parseValue())
        if try endOfList(UInt8(ascii: "]")) { break }
      }
    }
    index += 1
    depth -= 1
    return .array(elements)
  }

  private mutating func parseObject() throws(JSONError) -> JSONValue {
    try descend()
    var members: [(String, JSONValue)] = []
    if try peek() != UInt8(ascii: "}") {
      members.reserveCapacity(4)
      while true {
        guard try peek() == UInt8(ascii: "\"") else { throw failure(.unexpectedCharacter) }
        let name = try parseString()
        guard try peek() == UInt8(ascii: ":") else { throw failure(.unexpectedCharacter) }
        index += 1
        members.append((name, try parseValue()))
        if try endOfList(UInt8(ascii: "}")) { break }
      }
    }
    index += 1
    depth -= 1
    return .object(members)
  }

  /// Whether the list closes here; otherwise its comma is used up.
  private mutating func endOfList(_ close: UInt8) throws(JSONError) -> Bool {
    let byte = try peek()
    if byte == close { return true }
    guard byte == UInt8(ascii: ",") else { throw failure(.unexpectedCharacter) }
    index += 1
    return false
  }

  private mutating func parseNumber() throws(JSONError) -> JSONNumber {
    let start = index
    if bytes[index] == UInt8(ascii: "-") { index += 1 }
    if index < bytes.count, bytes[index] == UInt8(ascii: "0") {
      index += 1
    } else {
      try skipDigits()
    }
    if index < bytes.count, bytes[index] == UInt8(ascii: ".") {
      index += 1
      try skipDigits()
    }
    if index < bytes.count, bytes[index] | 0x20 == UInt8(ascii: "e") {
      index += 1
      if index < bytes.count, bytes[index] == UInt8(ascii: "+") || bytes[index] == UInt8(ascii: "-") {
        index += 1
      }
      try skipDigits()
    }
    return JSONNumber(literal: String(decoding: slice(start..<index), as: UTF8.self))
  }

  /// At least one digit.
  private mutating func skipDigits() throws(JSONError) {
    let start = index
    while index < bytes.count, bytes[index] &- UInt8(ascii: "0") <= 9 { index += 1 }
    guard index > start else { throw failure(.invalidNumber) }
  }

  private mutating func parseString() throws(JSONError) -> String {
    index += 1
    let start = index
    while index < bytes.count {
      switch bytes[index] {
      case UInt8(ascii: "\""):
        let text = text(start..<index)
        index += 1
        return text
      case UInt8(ascii: "\\"): return try parseEscapedString(from: start)
      case ..<0x20: throw failure(.controlCharacter)
      default: index += 1
      }
    }
    throw failure(.unexpectedEnd)
  }

  /// Whole buffers take the fast ways into String, slices of them do not.
  private func slice(_ range: Range<Int>) -> UnsafeBufferPointer<UInt8> {
    UnsafeBufferPointer(rebasing: bytes[range])
  }

  private func text(_ range: Range<Int>) -> String { String(decoding: slice(range), as: UTF8.self) }

  private mutating func parseEscapedString(from start: Int) throws(JSONError) -> String {
    var text = text(start..<index)
    var plain = index
    while index < bytes.count {
      switch bytes[index] {
      case UInt8(ascii: "\""):
        text += self.text(plain..<index)
        index += 1
        return text
      case UInt8(ascii: "\\"):
        text += self.text(plain..<index)
        text.unicodeScalars.append(try parseEscape())
        plain = index
      case ..<0x20: throw failure(.controlCharacter)
      default: index += 1
      }
    }
    throw failure(.unexpectedEnd)
  }

  private mutating func parseEscape() throws(JSONError) -> Unicode.Scalar {
    guard index + 1 < bytes.count else { throw failure(.unexpectedEnd) }
    let letter = bytes[index + 1]
    index += 2
    switch letter {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(letter)
    case UInt8(ascii: "b"): return "\u{8}"
    case UInt8(ascii: "f"): return "\u{C}"
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "u"): return try parseUnicodeEscape()
    default: throw failure(.invalidEscape)
    }
  }

  private mutating func parseUnicodeEscape() throws(JSONError) -> Unicode.Scalar {
    let first = try parseHexadecimal()
    guard first & 0xF800 == 0xD800 else { return Unicode.Scalar(first) ?? "\u{FFFD}" }
    guard first < 0xDC00, index + 1 < bytes.count, bytes[index] == UInt8(ascii: "\\"),
      bytes[index + 1] == UInt8(ascii: "u")
    else { return "\u{FFFD}" }
    let mark = index
    index += 2
    let second = try parseHexadecimal()
    guard second & 0xFC00 == 0xDC00 else {
      index = mark
      return "\u{FFFD}"
    }
    return Unicode.Scalar(0x10000 + (first & 0x3FF) << 10 + second & 0x3FF) ?? "\u{FFFD}"
  }

  private mutating func parseHexadecimal() throws(JSONError) -> UInt32 {
    guard index + 4 <= bytes.count else { throw failure(.unexpectedEnd) }
    var value: UInt32 = 0
    for _ in 0..<4 {
      let digit: UInt8
      switch bytes[index] {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = bytes[index] - UInt8(ascii: "0")
      case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = bytes[index] - UInt8(ascii: "a") + 10
      case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = bytes[index] - UInt8(ascii: "A") + 10
      default: throw failure(.invalidEscape)
      }
      value = value << 4 | UInt32(digit)
      index += 1
    }
    return value
  }
}
