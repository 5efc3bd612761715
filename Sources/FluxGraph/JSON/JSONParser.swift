internal import Glibc

/// What a JSON text may cost. Checked while reading, before anything is built.
public struct JSONLimits: Sendable {
  /// Bytes of text.
  public var maximumSize: Int
  /// Arrays and objects inside one another; bounds the parser's own recursion.
  public var maximumDepth: Int

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
    var value = JSONValue.null
    try JSONParser.read(bytes, limits: limits) { parser throws(JSONError) in value = try parser.parseValue() }
    return value
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

/// Recursive descent over valid UTF-8. Lives only inside `read`, within the life of the buffer.
package struct JSONParser {
  let bytes: UnsafeBufferPointer<UInt8>
  let depthLimit: Int
  private var index = 0
  private var depth = 0

  private init(bytes: UnsafeBufferPointer<UInt8>, depthLimit: Int) {
    self.bytes = bytes
    self.depthLimit = depthLimit
  }

  /// Has `body` read the one value that fills the bytes.
  package static func read(
    _ bytes: Span<UInt8>, limits: JSONLimits = JSONLimits(),
    _ body: (inout JSONParser) throws(JSONError) -> Void
  ) throws(JSONError) {
    guard bytes.count <= limits.maximumSize else {
      throw JSONError(reason: .tooLarge, offset: limits.maximumSize)
    }
    do throws(UTF8.ValidationError) {
      _ = try UTF8Span(validating: bytes)
    } catch {
      throw JSONError(reason: .invalidUTF8, offset: error.byteOffsets.lowerBound)
    }
    let problem: JSONError? = bytes.withUnsafeBufferPointer { buffer in
      var parser = JSONParser(bytes: buffer, depthLimit: limits.maximumDepth)
      do throws(JSONError) {
        try body(&parser)
        parser.skipBlanks()
        if parser.index < buffer.count { throw parser.failure(.unexpectedCharacter) }
        return nil
      } catch {
        return error
      }
    }
    if let problem { throw problem }
  }

  private func failure(_ reason: JSONError.Reason) -> JSONError { JSONError(reason: reason, offset: index) }

  @inline(__always)
  private mutating func skipBlanks() {
    while index < bytes.count, bytes[index] <= 0x20 {
      switch bytes[index] {
      case 0x20, 0x0A, 0x0D, 0x09: index &+= 1
      default: return
      }
    }
  }

  /// The next byte that is not a blank, not yet used.
  @inline(__always)
  private mutating func peek() throws(JSONError) -> UInt8 {
    skipBlanks()
    guard index < bytes.count else { throw failure(.unexpectedEnd) }
    return bytes[index]
  }

  package mutating func parseValue() throws(JSONError) -> JSONValue {
    switch try peek() {
    case UInt8(ascii: "{"): return try parseObject()
    case UInt8(ascii: "["): return try parseArray()
    case UInt8(ascii: "\""): return .string(try parseString())
    case UInt8(ascii: "t"): return try parseWord("true", .bool(true))
    case UInt8(ascii: "f"): return try parseWord("false", .bool(false))
    case UInt8(ascii: "n"): return try parseWord("null", .null)
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return .number(number(try numberRange()))
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
    var elements: [JSONValue] = []
    _ = try readArray { parser throws(JSONError) in elements.append(try parser.parseValue()) }
    return .array(elements)
  }

  private mutating func parseObject() throws(JSONError) -> JSONValue {
    var members: [(String, JSONValue)] = []
    _ = try readObject { parser, name throws(JSONError) in
      members.append((name.text, try parser.parseValue()))
    }
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

  private mutating func numberRange() throws(JSONError) -> Range<Int> {
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
    return start..<index
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

  // MARK: - Reading without a tree

  /// Reads an object: `body` is given each name and reads the value. False, and the value passed over, when it is none.
  package mutating func readObject(
    _ body: (inout JSONParser, JSONName) throws(JSONError) -> Void
  ) throws(JSONError) -> Bool {
    guard try peek() == UInt8(ascii: "{") else {
      try skip()
      return false
    }
    try descend()
    if try peek() != UInt8(ascii: "}") {
      while true {
        guard try peek() == UInt8(ascii: "\"") else { throw failure(.unexpectedCharacter) }
        let name = try parseName()
        guard try peek() == UInt8(ascii: ":") else { throw failure(.unexpectedCharacter) }
        index += 1
        try body(&self, name)
        if try endOfList(UInt8(ascii: "}")) { break }
      }
    }
    index += 1
    depth -= 1
    return true
  }

  /// Reads an array: `body` reads each element. False, and the value passed over, when it is none.
  package mutating func readArray(
    _ body: (inout JSONParser) throws(JSONError) -> Void
  ) throws(JSONError) -> Bool {
    guard try peek() == UInt8(ascii: "[") else {
      try skip()
      return false
    }
    try descend()
    if try peek() != UInt8(ascii: "]") {
      while true {
        try body(&self)
        if try endOfList(UInt8(ascii: "]")) { break }
      }
    }
    index += 1
    depth -= 1
    return true
  }

  /// Reads a string; nil, and the value passed over, when it is none.
  package mutating func readString() throws(JSONError) -> String? {
    if try peek() == UInt8(ascii: "\"") { return try parseString() }
    try skip()
    return nil
  }

  /// Reads a number; nil, and the value passed over, when it is none or too large for a Double.
  package mutating func readDouble() throws(JSONError) -> Double? {
    guard try startsNumber() else {
      try skip()
      return nil
    }
    if let (value, end) = JSONNumber.shortDecimal(bytes, from: index) {
      index = end
      return value
    }
    return number(try numberRange()).doubleValue
  }

  /// Reads a whole number, however it is written; nil, and the value passed over, when it is none.
  package mutating func readInt() throws(JSONError) -> Int? {
    guard try startsNumber() else {
      try skip()
      return nil
    }
    if let (value, end) = JSONNumber.shortDecimal(bytes, from: index) {
      index = end
      return Int(exactly: value)
    }
    return number(try numberRange()).intValue
  }

  /// Passes over a value.
  package mutating func skip() throws(JSONError) {
    switch try peek() {
    case UInt8(ascii: "{"): _ = try readObject { parser, _ throws(JSONError) in try parser.skip() }
    case UInt8(ascii: "["): _ = try readArray { parser throws(JSONError) in try parser.skip() }
    default: _ = try parseValue()
    }
  }

  private mutating func startsNumber() throws(JSONError) -> Bool {
    let byte = try peek()
    return byte == UInt8(ascii: "-") || byte &- UInt8(ascii: "0") <= 9
  }

  private func number(_ range: Range<Int>) -> JSONNumber {
    JSONNumber(literal: String(decoding: slice(range), as: UTF8.self))
  }

  private mutating func parseName() throws(JSONError) -> JSONName {
    let start = index + 1
    var end = start
    while end < bytes.count {
      let byte = bytes[end]
      if byte == UInt8(ascii: "\"") {
        index = end + 1
        return JSONName(bytes: slice(start..<end), isEscaped: false)
      }
      if byte == UInt8(ascii: "\\") || byte < 0x20 {
        _ = try parseString()
        return JSONName(bytes: slice(start..<index), isEscaped: true)
      }
      end &+= 1
    }
    index = end
    throw failure(.unexpectedEnd)
  }

  /// A name that is written with escapes, and was read before.
  fileprivate static func unescaped(_ name: JSONName) -> String {
    var parser = JSONParser(bytes: name.bytes, depthLimit: 0)
    return (try? parser.parseEscapedString(from: 0)) ?? ""
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

/// The name of an object's member, compared without making a string of it. Valid while its parser reads.
package struct JSONName {
  /// As it is written between its quotes; with the closing one where it has escapes.
  fileprivate let bytes: UnsafeBufferPointer<UInt8>
  fileprivate let isEscaped: Bool

  fileprivate var text: String {
    isEscaped ? JSONParser.unescaped(self) : String(decoding: bytes, as: UTF8.self)
  }

  package static func ~= (pattern: StaticString, name: JSONName) -> Bool {
    if name.isEscaped { return name.text == pattern.description }
    let count = name.bytes.count
    guard count == pattern.utf8CodeUnitCount, let start = name.bytes.baseAddress else { return false }
    return memcmp(start, pattern.utf8Start, count) == 0
  }
}
