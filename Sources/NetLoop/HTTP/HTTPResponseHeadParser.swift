import FluxGraph

/// Collects the header lines libcurl hands over one by one into the head of the last response: an earlier one was
/// an interim response (1xx) or a redirect that is followed.
struct HTTPResponseHeadParser {
  /// More than any honest server sends; libcurl 7.88 limits a line but not their sum.
  static let maximumSize = 131_072

  enum Outcome: Equatable {
    case more
    /// The blank line after the headers.
    case complete
    case tooLarge
  }

  private(set) var head = HTTPResponseHead(status: 0, headers: [])
  private var size = 0
  /// Whether the blank line has come that ends the head.
  private(set) var isComplete = false

  /// - Parameter line: One line with its line break, as the server sent it.
  mutating func add(_ line: UnsafeRawBufferPointer) -> Outcome {
    size += line.count
    if size > Self.maximumSize { return .tooLarge }
    var bytes = line[...]
    while let last = bytes.last, last == 0x0A || last == 0x0D { bytes.removeLast() }
    if bytes.isEmpty {
      isComplete = true
      return .complete
    }
    // libcurl lets "ICY " pass only where it was asked to.
    if bytes.starts(with: "HTTP/".utf8) || bytes.starts(with: "ICY ".utf8) {
      let status = bytes.drop { $0 != 0x20 }.dropFirst().prefix { $0 >= 0x30 && $0 <= 0x39 }.prefix(3)
      head = HTTPResponseHead(status: status.reduce(0) { $0 * 10 + Int($1 - 0x30) }, headers: [])
      isComplete = false
      return .more
    }
    // Lines after the blank one are trailers of a chunked body; nobody here wants them.
    guard !isComplete, let colon = bytes.firstIndex(of: 0x3A) else { return .more }
    let name = String(decoding: bytes[..<colon], as: UTF8.self)
    head.headers.add(name, trimmed(bytes[(colon + 1)...]))
    return .more
  }
}
