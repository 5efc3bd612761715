/// How much audio an Ogg Opus stream has had, told by the positions of its pages; nothing is decoded.
package struct OggOpusClock: Sendable {
  /// Seconds of audio in the pages so far, without the pre-skip.
  package private(set) var seconds = 0.0
  private var pages = OggPageReader()
  private var preSkip = 0

  package init() {}

  /// Takes bytes of the stream, cut anywhere.
  package mutating func push(_ bytes: UnsafeRawBufferPointer) {
    var position = 0
    while position < bytes.count {
      let piece = UnsafeRawBufferPointer(rebasing: bytes[position...])
      let taken = pages.push(RawSpan(_unsafeBytes: piece))
      position += taken
      while let page = pages.next() { read(page) }
      if taken == 0 { return }
    }
  }

  private mutating func read(_ page: OggPage) {
    if page.isFirst, let head = pages.withPage({ _, body in try? OpusHead(body) }) { preSkip = head.preSkip }
    // Beyond 2^62 no sum is safe.
    guard page.granulePosition > 0, page.granulePosition < 1 << 62 else { return }
    seconds = max(seconds, Double(max(0, Int(page.granulePosition) - preSkip)) / 48_000)
  }
}
