/// Finds the page of an Ogg Opus stream to begin at for a time, by bisection on granule positions (RFC 7845 §4.6).
package struct OggOpusSeeker<Failure: Error> {
  /// Where to begin.
  package struct Point: Sendable, Equatable {
    /// Bytes of the headers, to be read first.
    package var headerLength: Int
    /// The page to go on with.
    package var offset: Int
    /// Where in the stream's granule positions its first packet begins.
    package var origin: Int
  }

  /// Samples at 48 kHz a decoder is given to find its way. 80 ms are prescribed; speech coded with long-term prediction is within
  /// rounding of the course it would have taken only after much of a second.
  private static var preRoll: Int { 48_000 }
  private static var step: Int { 1 << 16 }

  private let length: Int
  private let read: (_ offset: Int, _ count: Int) throws(Failure) -> [UInt8]
  private var serial: UInt32 = 0

  /// - Parameters:
  ///   - length: bytes in all.
  ///   - read: gives the bytes from an offset on, as many as there are up to a count.
  package init(
    length: Int, read: @escaping (_ offset: Int, _ count: Int) throws(Failure) -> [UInt8]
  ) {
    self.length = length
    self.read = read
  }

  /// The place to begin at for the sample at 48 kHz that is `start` after the first one given out; nil when it is best found from
  /// the front: near the beginning, and where streams follow each other.
  package mutating func point(for start: Int) throws(Failure) -> Point? {
    guard let (headerLength, head) = try header(), let origin = try origin() else { return nil }
    guard try isSingle() else { return nil }
    let target = origin + head.preSkip + start - Self.preRoll
    guard target > origin else { return nil }
    var (low, high) = (headerLength, length)
    while high - low > Self.step {
      let middle = low + (high - low) / 2
      if let page = try page(from: middle, before: high), page.granule <= target {
        low = page.offset
      } else {
        high = middle
      }
    }
    var best: Int?
    try walk(from: low, before: length) { page, at, _ in
      guard isPlace(page) else { return true }
      guard page.granulePosition <= target else { return false }
      best = at
      return true
    }
    return best.map { Point(headerLength: headerLength, offset: $0, origin: origin) }
  }

  /// The samples at 48 kHz that a player gives out in all, and the channels; nil where streams follow each other, and where the end is
  /// damaged.
  package mutating func total() throws(Failure) -> (samples: Int, channels: Int)? {
    guard let (_, head) = try header(), let origin = try origin(), try isSingle() else { return nil }
    var last: Int?
    try walk(from: max(0, length - 4 * Self.step), before: length) { page, _, _ in
      if isPlace(page) { last = Int(page.granulePosition) }
      return true
    }
    return last.map { (max(0, $0 - origin - head.preSkip), head.channels) }
  }

  private struct Page {
    var offset: Int
    var granule: Int
  }

  /// Whether a page of the stream tells its place in time.
  private func isPlace(_ page: OggPage) -> Bool {
    page.serial == serial && !page.isFirst && page.granulePosition >= 0 && page.granulePosition < 1 << 62
  }

  /// The first whole page of the stream at or after `offset` on which a packet ends.
  private func page(from offset: Int, before limit: Int) throws(Failure) -> Page? {
    var found: Page?
    try walk(from: offset, before: limit) { page, at, _ in
      guard isPlace(page) else { return true }
      found = Page(offset: at, granule: Int(page.granulePosition))
      return false
    }
    return found
  }

  /// Calls `body` for each page that begins in a range, until it returns false.
  private func walk(
    from offset: Int, before limit: Int, _ body: (OggPage, Int, borrowing OggPageReader) -> Bool
  ) throws(Failure) {
    var pages = OggPageReader()
    var (readOffset, at) = (offset, offset)
    while at < limit {
      let bytes = try read(readOffset, Self.step)
      if bytes.isEmpty { pages.finish() }
      readOffset += bytes.count
      var taken = 0
      while true {
        taken += pages.push(bytes.span.bytes.extracting(taken..<bytes.count))
        while let page = pages.next() {
          at += page.skipped
          guard at < limit, body(page, at, pages) else { return }
          at += page.length
        }
        if taken == bytes.count { break }
      }
      if bytes.isEmpty { return }
    }
  }

  /// The identification header, and where the comment header ends.
  private mutating func header() throws(Failure) -> (length: Int, head: OpusHead)? {
    var head: OpusHead?
    var found: UInt32?
    var end: Int?
    try walk(from: 0, before: min(length, 16 << 20)) { page, at, pages in
      if page.isFirst {
        if head == nil {
          head = pages.withPage { _, body in OpusHead.matches(body) ? try? OpusHead(body) : nil }
          if head != nil { found = page.serial }
        }
        return true
      }
      guard let found else { return false }
      guard page.serial == found else { return true }
      // The comment header ends with the page it ends on (RFC 7845 §3).
      let isWhole = pages.withPage { lengths, _ in lengths.contains { $0 < 255 } }
      if isWhole { end = at + page.length }
      return !isWhole
    }
    guard let head, let found, let end else { return nil }
    serial = found
    return (end, head)
  }

  /// Where the first packet begins.
  private func origin() throws(Failure) -> Int? {
    var reader = OggOpusReader()
    var offset = 0
    while offset < min(length, 16 << 20) {
      let bytes = try read(offset, Self.step)
      if bytes.isEmpty { return nil }
      offset += bytes.count
      var taken = 0
      while taken < bytes.count {
        taken += reader.push(bytes.span.bytes.extracting(taken..<bytes.count))
        while let element = try? reader.next() {
          if case .packet = element { return reader.pageBegin }
        }
      }
    }
    return nil
  }

  /// Whether the last page that begins a stream, or ends one, is not of another Opus stream that follows.
  private func isSingle() throws(Failure) -> Bool {
    var last: UInt32?
    var isFollowed = false
    // More than the largest page of another stream that may come last.
    try walk(from: max(0, length - 4 * Self.step), before: length) { page, at, pages in
      if page.isFirst, at > 0, page.serial != serial {
        isFollowed = isFollowed || (last != nil && pages.withPage { _, body in OpusHead.matches(body) })
      }
      if page.serial == serial { last = serial }
      return true
    }
    return last == serial && !isFollowed
  }
}
