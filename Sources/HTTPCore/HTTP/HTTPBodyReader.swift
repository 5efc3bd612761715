/// Reads a message body from bytes cut anywhere, up to a bound (RFC 9112 §6, §7).
package struct HTTPBodyReader: Sendable {
  /// What happens to a body above the limit.
  package enum Overflow: Sendable {
    /// Throws `bodyTooLarge`: a server refuses the request.
    case refuse
    /// Keeps the beginning and counts as complete: enough of an error page to show.
    case truncate
  }

  private enum Framing: Sendable {
    case length(remaining: Int)
    case chunkSize
    case chunkData(remaining: Int)
    /// The CR LF behind a chunk's data.
    case chunkEnd(seen: Int)
    case trailer(size: Int)
    case untilClose
    case complete
  }

  private let limit: Int
  private let overflow: Overflow
  private var framing: Framing
  /// The chunk-size or trailer line under way.
  private var line: [UInt8] = []
  /// What has been read so far.
  package private(set) var body: [UInt8] = []

  /// The longest chunk-size line, extensions included, and the most trailer bytes.
  private static let lineLimit = 4096

  /// The body of a request.
  package init(request headers: HTTPHeaders, limit: Int) throws(HTTPError) {
    self.limit = limit
    overflow = .refuse
    // Both lengths at once is how requests are smuggled past a proxy (RFC 9112 §6.1).
    if headers["Transfer-Encoding"] != nil, let length = headers["Content-Length"] {
      throw .malformedLength(length)
    }
    framing = try Self.framing(headers) ?? .complete
    if case .length(let remaining) = framing, remaining > limit { throw .bodyTooLarge(limit: limit) }
  }

  /// The body of a response to a GET. A nonsensical length counts as none: the body then ends with the connection.
  package init(response head: HTTPResponseHead, limit: Int) {
    self.limit = limit
    overflow = .truncate
    let isEmpty = head.status == 204 || head.status == 304
    let announced = isEmpty ? Framing.complete : try? Self.framing(head.headers)
    framing = announced ?? .untilClose
  }

  package var isComplete: Bool {
    if case .complete = framing { return true }
    return false
  }

  /// Takes what belongs to the body, `position` moves past it; whether the body is complete.
  package mutating func push(
    _ bytes: Span<UInt8>, from position: inout Int
  ) throws(HTTPError) -> Bool {
    while position < bytes.count, !isComplete { try step(bytes, &position) }
    return isComplete
  }

  /// The connection ended, which completes only a body without announced length.
  package mutating func finish() throws(HTTPError) {
    switch framing {
    case .complete, .untilClose: framing = .complete
    default: throw .endedInside
    }
  }

  private static func framing(_ headers: HTTPHeaders) throws(HTTPError) -> Framing? {
    if let coding = headers["Transfer-Encoding"] {
      let codings = headers.list("Transfer-Encoding")
      guard codings.count == 1, headers.list("Transfer-Encoding", contains: "chunked") else {
        throw .unsupportedTransferCoding(printable(coding.utf8))
      }
      return .chunkSize
    }
    let lengths = headers.list("Content-Length")
    guard let text = lengths.first else { return nil }
    guard lengths.allSatisfy({ $0 == text }), text.utf8.count <= 18,
      text.utf8.allSatisfy({ $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }), let length = Int(text)
    else { throw .malformedLength(printable(text.utf8)) }
    return length == 0 ? .complete : .length(remaining: length)
  }

  private mutating func step(_ bytes: Span<UInt8>, _ position: inout Int) throws(HTTPError) {
    switch framing {
    case .complete: break
    case .untilClose:
      try append(bytes, &position, bytes.count - position)
    case .length(let remaining):
      let count = min(remaining, bytes.count - position)
      framing = remaining == count ? .complete : .length(remaining: remaining - count)
      try append(bytes, &position, count)
    case .chunkData(let remaining):
      let count = min(remaining, bytes.count - position)
      framing = remaining == count ? .chunkEnd(seen: 0) : .chunkData(remaining: remaining - count)
      try append(bytes, &position, count)
    case .chunkEnd(let seen):
      guard bytes[position] == (seen == 0 ? 0x0D : 0x0A) else { throw .malformedChunk }
      position += 1
      framing = seen == 0 ? .chunkEnd(seen: 1) : .chunkSize
    case .chunkSize:
      if let line = try takeLine(bytes[position]) { framing = try Self.afterChunkSize(line) }
      position += 1
    case .trailer(let size):
      guard size < Self.lineLimit else { throw .malformedChunk }
      framing = .trailer(size: size + 1)
      if let line = try takeLine(bytes[position]), line.isEmpty { framing = .complete }
      position += 1
    }
  }

  /// The line that `byte` completes, without its CR LF.
  private mutating func takeLine(_ byte: UInt8) throws(HTTPError) -> [UInt8]? {
    guard byte == 0x0A else {
      guard line.count < Self.lineLimit else { throw .malformedChunk }
      line.append(byte)
      return nil
    }
    guard line.popLast() == 0x0D else { throw .malformedChunk }
    defer { line = [] }
    return line
  }

  private static func afterChunkSize(_ line: [UInt8]) throws(HTTPError) -> Framing {
    let digits = trimmed(line.prefix { $0 != UInt8(ascii: ";") })
    guard (1...15).contains(digits.utf8.count), digits.utf8.allSatisfy({ $0 != 0x2B && $0 != 0x2D }),
      let size = Int(digits, radix: 16)
    else { throw .malformedChunk }
    return size == 0 ? .trailer(size: 0) : .chunkData(remaining: size)
  }

  private mutating func append(
    _ bytes: Span<UInt8>, _ position: inout Int, _ count: Int
  ) throws(HTTPError) {
    let room = limit - body.count
    if count > room, overflow == .refuse { throw .bodyTooLarge(limit: limit) }
    let kept = min(count, room)
    bytes.extracting(position..<(position + kept)).withUnsafeBufferPointer { body.append(contentsOf: $0) }
    position += count
    if count > room { framing = .complete }
  }
}
