/// One page of an Ogg stream; its bytes are with the `OggPageReader` that gave it until that is asked for the next.
package struct OggPage: Sendable, Equatable {
  /// The first packet on this page began on an earlier one.
  package var isContinuation: Bool
  /// First page of its logical stream.
  package var isFirst: Bool
  /// Last page of its logical stream.
  package var isLast: Bool
  /// Position at the end of the last packet completed here, in the codec's units; -1 when none is.
  package var granulePosition: Int64
  /// Which logical stream it belongs to.
  package var serial: UInt32
  /// Counts the pages of that stream.
  package var sequence: UInt32
  /// Bytes that were passed over to find it: garbage or damaged pages.
  package var skipped: Int

  /// Segments in the lacing table, and bytes in the body.
  let segments: Int
  let bodyLength: Int

  /// Bytes of the whole page.
  package var length: Int { 27 + segments + bodyLength }
}

/// Finds the pages of an Ogg stream in bytes that come in pieces of any size (RFC 3533 §6).
///
///      0        4    5     6          14      18        22     26        27           27+n
///     "OggS" version flags granule:8  serial  sequence  crc:4  segments  lengths[n]   body
///                      │                                                 0…255 each; below 255 a packet ends
///                      └ 1 continued · 2 first page · 4 last page
///
/// A page counts only when its checksum is right, so that damage costs the page it is in and no more: the
/// search goes on one byte later. At most 128 KiB are held.
package struct OggPageReader: Sendable {
  /// Holds bytes `start ..< filled`; grows to `limit` with the size of what is pushed.
  private var buffer = [UInt8](repeating: 0, count: 1 << 14)
  private static let limit = 1 << 17
  private var start = 0
  private var filled = 0
  /// Length of the page given out last, which stands at `start` until the next is asked for.
  private var current = 0
  private var skipped = 0
  private var isAtEnd = false
  /// Whether the input ended within a page.
  private(set) var endsWithinPage = false
  private let checksum = OggChecksum()

  package init() {}

  /// Bytes passed over since the last page.
  package var pendingSkipped: Int { skipped }

  /// Takes bytes, and says how many. Takes all of them, or as many as there is room for: ask for pages until
  /// there is none, then offer the rest. The page given out last stays valid.
  package mutating func push(_ bytes: RawSpan) -> Int {
    let wanted = bytes.byteCount
    if buffer.count - filled < wanted, start > 0 {
      buffer.withUnsafeMutableBytes { buffer in
        guard let base = buffer.baseAddress else { return }
        base.copyMemory(from: base + start, byteCount: filled - start)
      }
      filled -= start
      start = 0
    }
    while buffer.count - filled < wanted, buffer.count < Self.limit {
      buffer.append(contentsOf: repeatElement(0, count: buffer.count))
    }
    let taken = min(wanted, buffer.count - filled)
    bytes.withUnsafeBytes { bytes in
      buffer.withUnsafeMutableBytes { buffer in
        guard taken > 0, let source = bytes.baseAddress, let base = buffer.baseAddress else { return }
        (base + filled).copyMemory(from: source, byteCount: taken)
      }
    }
    filled += taken
    return taken
  }

  /// Says that no more bytes come: a page that is not whole by now is damaged.
  package mutating func finish() {
    isAtEnd = true
  }

  /// The next page, or `nil` when it needs more bytes.
  package mutating func next() -> OggPage? {
    start += current
    current = 0
    while filled - start >= 27 {
      switch examine() {
      case .page(let page):
        current = page.length
        skipped = 0
        return page
      case .needsMore where !isAtEnd:
        return nil
      case .needsMore:
        endsWithinPage = true
        skip()
      case .none:
        skip()
      }
    }
    if isAtEnd {
      if filled - start >= 4, buffer[start..<(start + 4)].elementsEqual("OggS".utf8) { endsWithinPage = true }
      skipped += filled - start
      start = filled
    }
    return nil
  }

  /// Bytes passed over since the last page, which count as seen from here on.
  mutating func takeSkipped() -> Int {
    defer { skipped = 0 }
    return skipped
  }

  /// Calls `body` with the lacing table and the body of the page given out last.
  func withPage<Result>(
    _ body: (_ lengths: UnsafeRawBufferPointer, _ body: UnsafeRawBufferPointer) -> Result
  ) -> Result {
    buffer.withUnsafeBytes { buffer in
      let page = UnsafeRawBufferPointer(rebasing: buffer[start..<(start + current)])
      let segments = current == 0 ? 0 : Int(page[26])
      return body(
        UnsafeRawBufferPointer(rebasing: page[min(27, current)..<min(27 + segments, current)]),
        UnsafeRawBufferPointer(rebasing: page[min(27 + segments, current)...]))
    }
  }

  private enum Finding {
    case page(OggPage)
    case needsMore
    case none
  }

  /// What stands at `start`, where at least 27 bytes are.
  private func examine() -> Finding {
    buffer.withUnsafeBytes { buffer in
      let bytes = UnsafeRawBufferPointer(rebasing: buffer[start..<filled])
      // "OggS" and version 0.
      guard bytes.loadUnaligned(as: UInt32.self) == 0x5367_674F, bytes[4] == 0 else { return .none }
      let segments = Int(bytes[26])
      guard bytes.count >= 27 + segments else { return .needsMore }
      let bodyLength = bytes[27..<(27 + segments)].reduce(0) { $0 &+ Int($1) }
      let length = 27 + segments + bodyLength
      guard bytes.count >= length else { return .needsMore }
      guard checksum.isRight(UnsafeRawBufferPointer(rebasing: bytes[..<length])) else { return .none }
      let flags = bytes[5]
      return .page(
        OggPage(
          isContinuation: flags & 1 != 0, isFirst: flags & 2 != 0, isLast: flags & 4 != 0,
          granulePosition: bytes.loadUnaligned(fromByteOffset: 6, as: Int64.self),
          serial: bytes.loadUnaligned(fromByteOffset: 14, as: UInt32.self),
          sequence: bytes.loadUnaligned(fromByteOffset: 18, as: UInt32.self), skipped: skipped,
          segments: segments,
          bodyLength: bodyLength))
    }
  }

  /// Passes over the byte at `start` and what follows up to the next that can begin a page.
  private mutating func skip() {
    let next = buffer.withUnsafeBytes { buffer in
      var next = start + 1
      while next < filled, buffer[next] != 0x4F { next &+= 1 }
      return next
    }
    skipped += next - start
    start = next
  }
}
