/// Header fields in their order, looked up without regard to case (RFC 9110 §5.1).
package struct HTTPHeaders: Equatable, Sendable {
  package struct Field: Equatable, Sendable {
    package var name: String
    package var value: String

    package init(name: String, value: String) {
      self.name = name
      self.value = value
    }

    /// Whether the field can be written without breaking the message apart: a token for a name, and a value
    /// without control characters.
    package var isWellFormed: Bool {
      !name.isEmpty && name.utf8.allSatisfy(HTTPHeaders.isTokenByte)
        && value.utf8.allSatisfy(HTTPHeaders.isValueByte)
    }
  }

  package private(set) var fields: [Field]

  package init(_ fields: [Field] = []) { self.fields = fields }

  package mutating func add(_ name: String, _ value: String) {
    fields.append(Field(name: name, value: value))
  }

  /// The first value of a field.
  package subscript(name: String) -> String? {
    fields.first { Self.isSame($0.name, name) }?.value
  }

  /// All values of a field that came more than once.
  package func values(_ name: String) -> [String] {
    fields.lazy.filter { Self.isSame($0.name, name) }.map(\.value)
  }

  /// The members of a comma-separated list, over all fields of that name (RFC 9110 §5.6.1).
  package func list(_ name: String) -> [String] {
    values(name).flatMap { value in
      value.split(separator: ",").map { trimmed($0.utf8) }.filter { !$0.isEmpty }
    }
  }

  /// Whether a list contains a word, whatever its case.
  package func list(_ name: String, contains word: String) -> Bool {
    list(name).contains { Self.isSame($0, word) }
  }

  private static func isSame(_ left: String, _ right: String) -> Bool {
    left.utf8.count == right.utf8.count
      && zip(left.utf8, right.utf8).allSatisfy { lowered($0) == lowered($1) }
  }

  private static func lowered(_ byte: UInt8) -> UInt8 {
    byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z") ? byte | 0x20 : byte
  }

  /// `tchar` of RFC 9110 §5.6.2.
  static func isTokenByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "a")...UInt8(ascii: "z"):
      true
    default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
    }
  }

  /// Visible characters, blanks, tabs and bytes of other encodings (RFC 9110 §5.5).
  static func isValueByte(_ byte: UInt8) -> Bool { byte == 0x09 || (byte >= 0x20 && byte != 0x7F) }
}

/// Text without blanks and tabs at its ends.
func trimmed(_ bytes: some BidirectionalCollection<UInt8>) -> String {
  var rest = bytes[...]
  while let first = rest.first, first == 0x20 || first == 0x09 { rest.removeFirst() }
  while let last = rest.last, last == 0x20 || last == 0x09 { rest.removeLast() }
  return String(decoding: rest, as: UTF8.self)
}
