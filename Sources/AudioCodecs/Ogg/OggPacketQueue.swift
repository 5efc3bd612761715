/// Cuts the pages of one logical stream into packets (RFC 3533 §5), page by page, without copying those that lie within a page.
struct OggPacketQueue: Sendable {
  /// The largest packet put together: 48 frames of 1275 bytes and their lengths, the longest an Opus packet
  /// can be (RFC 7845 §6 names 61,440). Longer ones are dropped.
  static let largestPacket = 61_440

  private struct Entry {
    /// Where in the body of the page it stands; the assembled one when negative.
    var offset: Int
    var length: Int
  }

  private var entries: [Entry] = []
  private var cursor = 0
  /// A packet that began on an earlier page.
  private var assembly: [UInt8] = []
  private var isAssembling = false
  private var isTooLong = false
  /// The beginning of a packet at the end of this page, taken along when the page is left.
  private var tail = 0..<0

  init() {
    entries.reserveCapacity(256)
  }

  var isEmpty: Bool { cursor == entries.count }

  /// Whether a packet has begun and not ended.
  var hasPart: Bool { isAssembling || !tail.isEmpty }

  /// Forgets what was begun: the pages between were lost, or another stream begins.
  mutating func interrupt() {
    isAssembling = false
    isTooLong = false
    tail = 0..<0
    entries.removeAll(keepingCapacity: true)
    cursor = 0
  }

  /// Keeps what the page that is about to be left ends with.
  mutating func leavePage(_ pages: borrowing OggPageReader) {
    guard !tail.isEmpty else { return }
    assembly.removeAll(keepingCapacity: true)
    isTooLong = false
    isAssembling = true
    pages.withPage { _, body in append(UnsafeRawBufferPointer(rebasing: body[tail])) }
    tail = 0..<0
  }

  /// Finds the packets completed on `page`, the one `pages` gave out last.
  mutating func enterPage(_ page: OggPage, _ pages: borrowing OggPageReader) {
    entries.removeAll(keepingCapacity: true)
    cursor = 0
    if !page.isContinuation { isAssembling = false }
    pages.withPage { lengths, body in
      var continues = page.isContinuation
      var begin = 0
      var end = 0
      for length in lengths {
        end += Int(length)
        guard length < 255 else { continue }
        if continues {
          finishAssembly(UnsafeRawBufferPointer(rebasing: body[begin..<end]))
        } else {
          entries.append(Entry(offset: begin, length: end - begin))
        }
        continues = false
        begin = end
      }
      guard begin < end else { return }
      if continues {
        if isAssembling { append(UnsafeRawBufferPointer(rebasing: body[begin..<end])) }
      } else {
        tail = begin..<end
      }
    }
  }

  mutating func removeFirst() {
    cursor += 1
  }

  /// Calls `body` with each packet left on the page.
  func forEach(_ pages: borrowing OggPageReader, _ body: (UnsafeRawBufferPointer) -> Void) {
    for index in cursor..<entries.count { withPacket(index, pages, body) }
  }

  /// Calls `body` with the first packet left on the page; there must be one.
  func withFirst<Result>(_ pages: borrowing OggPageReader, _ body: (UnsafeRawBufferPointer) -> Result)
    -> Result
  {
    withPacket(cursor, pages, body)
  }

  private func withPacket<Result>(
    _ index: Int, _ pages: borrowing OggPageReader, _ body: (UnsafeRawBufferPointer) -> Result
  ) -> Result {
    let entry = entries[index]
    if entry.offset < 0 { return assembly.withUnsafeBytes(body) }
    return pages.withPage { _, bytes in
      body(UnsafeRawBufferPointer(rebasing: bytes[entry.offset..<(entry.offset + entry.length)]))
    }
  }

  private mutating func finishAssembly(_ bytes: UnsafeRawBufferPointer) {
    // The end of a packet whose beginning was lost is of no use.
    guard isAssembling else { return }
    append(bytes)
    isAssembling = false
    if !isTooLong { entries.append(Entry(offset: -1, length: assembly.count)) }
  }

  private mutating func append(_ bytes: UnsafeRawBufferPointer) {
    if assembly.count + bytes.count > Self.largestPacket {
      isTooLong = true
    } else if !isTooLong {
      assembly.append(contentsOf: bytes)
    }
  }
}
