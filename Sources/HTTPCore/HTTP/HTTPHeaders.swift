/// A header of an HTTP message.
public struct HTTPHeader: Sendable, Hashable {
  /// The header's name; case makes no difference.
  public var name: String
  /// The header's value, without the blanks around it.
  public var value: String

  public init(_ name: String, _ value: String) {
    self.name = name
    self.value = value
  }

  /// Whether it can be written without breaking the message apart: a token for a name, and a value without control characters.
  package var isWellFormed: Bool {
    isToken(name) && value.utf8.allSatisfy(isValueByte)
  }
}

/// The headers of a message in their order, looked up without regard to case (RFC 9110 §5.1).
public struct HTTPHeaders: Sendable, Hashable, RandomAccessCollection, MutableCollection,
  RangeReplaceableCollection, ExpressibleByArrayLiteral
{
  private var fields: [HTTPHeader] = []

  public init() {}

  public init(_ fields: [HTTPHeader]) { self.fields = fields }

  public init(arrayLiteral fields: HTTPHeader...) { self.fields = fields }

  public var startIndex: Int { fields.startIndex }
  public var endIndex: Int { fields.endIndex }
  public subscript(position: Int) -> HTTPHeader {
    get { fields[position] }
    set { fields[position] = newValue }
  }
  public mutating func replaceSubrange(_ range: Range<Int>, with new: some Collection<HTTPHeader>) {
    fields.replaceSubrange(range, with: new)
  }

  /// One more header, as the last.
  public mutating func add(_ name: String, _ value: String) { fields.append(HTTPHeader(name, value)) }

  /// The first value of a header.
  public subscript(name: String) -> String? { fields.first { isSame($0.name, name) }?.value }

  /// All values of a header that came more than once.
  public func values(_ name: String) -> [String] {
    fields.lazy.filter { isSame($0.name, name) }.map(\.value)
  }

  /// Takes every header of this name away.
  package mutating func remove(_ name: String) { fields.removeAll { isSame($0.name, name) } }

  /// The members of a comma-separated list, over all headers of that name (RFC 9110 §5.6.1).
  package func list(_ name: String) -> [String] {
    values(name).flatMap { value in
      value.split(separator: ",").map { trimmed($0.utf8) }.filter { !$0.isEmpty }
    }
  }

  /// Whether a list contains a word, whatever its case.
  package func list(_ name: String, contains word: String) -> Bool {
    list(name).contains { isSame($0, word) }
  }
}

private func isSame(_ left: String, _ right: String) -> Bool {
  left.utf8.count == right.utf8.count && zip(left.utf8, right.utf8).allSatisfy { lowered($0) == lowered($1) }
}

private func lowered(_ byte: UInt8) -> UInt8 {
  byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z") ? byte | 0x20 : byte
}

/// Whether a text is a token (RFC 9110 §5.6.2): a method, the name of a header.
package func isToken(_ text: some StringProtocol) -> Bool {
  !text.isEmpty && text.utf8.allSatisfy(isTokenByte)
}

/// Whether a byte may stand in a token: `tchar` of RFC 9110 §5.6.2.
func isTokenByte(_ byte: UInt8) -> Bool {
  switch byte {
  case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
    UInt8(ascii: "a")...UInt8(ascii: "z"):
    true
  default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
  }
}

/// Whether a byte may stand in the value of a header: visible characters, blanks, tabs and bytes of other encodings (RFC 9110 §5.5).
package func isValueByte(_ byte: UInt8) -> Bool { byte == 0x09 || (byte >= 0x20 && byte != 0x7F) }

/// Text without blanks and tabs at its ends.
package func trimmed(_ bytes: some BidirectionalCollection<UInt8>) -> String {
  var rest = bytes[...]
  while let first = rest.first, first == 0x20 || first == 0x09 { rest.removeFirst() }
  while let last = rest.last, last == 0x20 || last == 0x09 { rest.removeLast() }
  return String(decoding: rest, as: UTF8.self)
}
