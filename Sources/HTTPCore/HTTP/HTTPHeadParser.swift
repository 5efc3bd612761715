/// The first part of an HTTP/1.1 message: start line and header fields.
package struct HTTPHead: Equatable, Sendable {
  package var startLine: String
  package var headers: HTTPHeaders
}

/// Reads a message's head from bytes cut anywhere (RFC 9112 §2 to §5), for requests and responses alike.
///
/// Strict where tolerance has been exploited: lines end in CR LF, names are tokens directly followed by the colon, no line folding,
/// no control characters in values. Empty lines before the start line are skipped (§2.2).
package struct HTTPHeadParser: Sendable {
  /// Larger heads are refused; servers in the field limit theirs to between 8 and 64 KiB.
  package static let defaultLimit = 64 << 10

  private let limit: Int
  private var size = 0
  private var line: [UInt8] = []
  private var startLine: String?
  private var headers = HTTPHeaders()

  package init(limit: Int = HTTPHeadParser.defaultLimit) { self.limit = limit }

  /// The head once its empty line is read; `position` is then at the first byte of the body. Nil when all
  /// input is used up. The parser is ready for the next message afterwards.
  package mutating func next(
    _ bytes: Span<UInt8>, from position: inout Int
  ) throws(HTTPError) -> HTTPHead? {
    while position < bytes.count {
      let byte = bytes[position]
      position += 1
      size += 1
      guard size <= limit else { throw .headTooLarge(limit: limit) }
      guard byte == UInt8(ascii: "\n") else {
        line.append(byte)
        continue
      }
      guard line.popLast() == UInt8(ascii: "\r") else { throw .lineWithoutCarriageReturn }
      if let head = try takeLine() { return head }
    }
    return nil
  }

  private mutating func takeLine() throws(HTTPError) -> HTTPHead? {
    defer { line.removeAll(keepingCapacity: true) }
    guard let startLine else {
      if !line.isEmpty { startLine = String(decoding: line, as: UTF8.self) }
      return nil
    }
    if line.isEmpty {
      let head = HTTPHead(startLine: startLine, headers: headers)
      self = HTTPHeadParser(limit: limit)
      return head
    }
    if line[0] == 0x20 || line[0] == 0x09 { throw .foldedHeader }
    guard let colon = line.firstIndex(of: UInt8(ascii: ":")), colon > 0,
      line[..<colon].allSatisfy(isTokenByte),
      line[(colon + 1)...].allSatisfy(isValueByte)
    else { throw .malformedHeader(printable(line)) }
    headers.add(String(decoding: line[..<colon], as: UTF8.self), trimmed(line[(colon + 1)...]))
    return nil
  }
}

/// A line for an error message: bounded, and without anything a terminal would act on.
func printable(_ line: some Sequence<UInt8>) -> String {
  let kept = line.prefix(80).map { $0 < 0x20 || $0 == 0x7F ? UInt8(ascii: "?") : $0 }
  return String(decoding: kept, as: UTF8.self)
}
