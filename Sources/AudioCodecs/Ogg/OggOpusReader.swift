/// Reads the Opus packets of an Ogg stream and what the container says about their place in time (RFC 7845).
///
/// Of several logical streams side by side the first Opus one is read. Streams one after the other ("chained") are read one after
/// the other, each announced by its header. What is missing is found by comparing granule positions with the length of the packets
/// that are there, and given out as a gap of that length.
package struct OggOpusReader: Sendable {
  /// What comes next; lengths in samples at 48 kHz.
  package enum Element: Sendable, Equatable {
    /// A stream begins: decoder and pre-skip start anew.
    case head(OpusHead)
    /// Audio that should be here is missing.
    case gap(samples: Int)
    /// A packet, for `withPacket`, to be decoded to `samples`, of which the first `kept` belong to the signal.
    case packet(samples: Int, kept: Int)
  }

  /// What went wrong on the way, counted since the beginning.
  package struct Damage: Sendable, Equatable {
    /// Bytes passed over because they were not part of an intact page.
    package var skippedBytes = 0
    /// Bytes behind the last page that begin none.
    package var strayBytes = 0
    /// Pages of the stream that are missing by their numbers.
    package var lostPages = 0
    /// Times the granule position jumped ahead further than `longestGap`; nothing was put in its place.
    package var jumps = 0
    /// The input ended within a packet. Many programs mark no page as the last.
    package var isTruncated = false
    /// The codec of a stream behind it that is not Opus.
    package var followedBy: String?

    package init() {}
  }

  /// Samples at 48 kHz of the longest gap reported, ten minutes: a call on hold. A longer one is a clock that was set.
  package static let longestGap = 600 * 48000
  /// Bytes searched for the first page.
  package static let searchLimit = 1 << 16

  package private(set) var damage = Damage()

  private enum Phase { case searching, tags, audio, ended }

  private var pages = OggPageReader()
  private var packets = OggPacketQueue()
  private var phase = Phase.searching
  private var serial: UInt32 = 0
  private var nextSequence: UInt32 = 0
  /// Streams that begin together do so before any other page.
  private var isBeginning = true
  private var otherCodec: String?
  /// The codec of a stream that has begun behind ours.
  private var otherBehind: String?
  private var isAtEnd = false
  /// Whether the first element of the queue has been given out.
  private var isFirstGivenOut = false
  /// Position of the signal so far in the stream's granule positions, once known.
  private var position: Int?
  private var pendingGap = 0
  /// Samples of this page's packets that still belong to the signal; only the last page has fewer than it holds.
  private var keepable = Int.max
  /// Length of the last packet that made sense, 20 ms to begin with.
  private var lastDuration = 960
  private var pageEndsStream = false
  /// Where the packets of the page entered last begin in the stream's granule positions, once known.
  package private(set) var pageBegin: Int?
  /// Whether positions count something else than samples.
  private var scale = GranuleScale()
  /// The next page need not follow the one before.
  private var isResuming = false

  package init() {}

  /// Takes bytes, and says how many; take elements until there is none, then offer the rest.
  package mutating func push(_ bytes: RawSpan) -> Int { pages.push(bytes) }

  /// Says that no more bytes come.
  package mutating func finish() {
    isAtEnd = true
    pages.finish()
  }

  /// The next element, or `nil` when it needs more bytes or, after `finish()`, at the end.
  package mutating func next() throws(OggOpusError) -> Element? {
    while true {
      if isFirstGivenOut {
        packets.removeFirst()
        isFirstGivenOut = false
      }
      if pendingGap > 0 {
        defer { pendingGap = 0 }
        return .gap(samples: pendingGap)
      }
      if !packets.isEmpty {
        let samples = packets.withFirst(pages) { Self.duration($0, last: &lastDuration) }
        let kept = min(samples, keepable)
        keepable -= kept
        isFirstGivenOut = true
        return .packet(samples: samples, kept: kept)
      }
      if pageEndsStream {
        pageEndsStream = false
        phase = .ended
      }
      packets.leavePage(pages)
      guard let page = pages.next() else {
        try checkEnd()
        return nil
      }
      damage.skippedBytes += page.skipped
      if let head = try take(page) { return .head(head) }
    }
  }

  /// Goes on at any later page of the stream, whose header has been read: what was pushed before and not given out is forgotten.
  package mutating func resume() {
    pages = OggPageReader()
    packets.interrupt()
    isFirstGivenOut = false
    phase = .audio
    isBeginning = false
    position = nil
    pageBegin = nil
    pendingGap = 0
    keepable = Int.max
    pageEndsStream = false
    isResuming = true
  }

  /// Calls `body` with the bytes of the packet given out last.
  package func withPacket<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
    guard isFirstGivenOut else { return body(UnsafeRawBufferPointer(start: nil, count: 0)) }
    return packets.withFirst(pages, body)
  }

  // MARK: - Pages

  private mutating func checkEnd() throws(OggOpusError) {
    if phase == .searching, otherCodec == nil, isAtEnd || pages.pendingSkipped > Self.searchLimit {
      throw .notOgg
    }
    guard isAtEnd else { return }
    // What follows the last page and begins none is no loss of audio.
    let skipped = pages.takeSkipped()
    if pages.endsWithinPage { damage.skippedBytes += skipped } else { damage.strayBytes += skipped }
    switch phase {
    case .searching: throw .noOpusStream(codec: otherCodec)
    case .tags: throw .endsInHeader
    case .audio: damage.isTruncated = damage.isTruncated || packets.hasPart || pages.endsWithinPage
    case .ended: damage.isTruncated = damage.isTruncated || pages.endsWithinPage
    }
  }

  private mutating func take(_ page: OggPage) throws(OggOpusError) -> OpusHead? {
    if page.isFirst { return try takeFirst(page) }
    if phase == .searching { throw .noOpusStream(codec: otherCodec) }
    isBeginning = false
    if let otherBehind {
      damage.followedBy = damage.followedBy ?? otherBehind
      self.otherBehind = nil
    }
    guard page.serial == serial else { return nil }
    // What goes on behind the mark of the end is no less audio.
    if phase == .ended { phase = .audio }
    let follows = page.sequence == nextSequence || isResuming
    if !follows {
      // Numbers that go back are a muxer's mistake, not a loss of four thousand million pages.
      let lost = page.sequence &- nextSequence
      if lost < 1 << 31 { damage.lostPages += Int(lost) }
      packets.interrupt()
    }
    isResuming = false
    nextSequence = page.sequence &+ 1
    packets.enterPage(page, pages)
    pageEndsStream = page.isLast
    if phase == .tags { passTags(page) }
    if phase == .audio, !packets.isEmpty { place(page, follows: follows) }
    return nil
  }

  /// A page that begins a stream: ours, one beside it, or the next.
  private mutating func takeFirst(_ page: OggPage) throws(OggOpusError) -> OpusHead? {
    let isBeside = phase == .tags && isBeginning
    guard !isBeside else { return nil }
    let head: Result<OpusHead, OggOpusError>? = pages.withPage { _, body in
      guard OpusHead.matches(body) else { return nil }
      do throws(OggOpusError) { return .success(try OpusHead(body)) } catch { return .failure(error) }
    }
    guard let head else {
      let codec = pages.withPage { OggCodec.name($1) }
      if phase == .searching {
        otherCodec = otherCodec ?? codec
      } else {
        // One of Opus may begin beside it.
        otherBehind = codec ?? "another codec"
      }
      return nil
    }
    if phase == .audio, packets.hasPart { damage.isTruncated = true }
    otherBehind = nil
    packets.interrupt()
    phase = .tags
    isBeginning = true
    serial = page.serial
    nextSequence = page.sequence &+ 1
    position = nil
    scale = GranuleScale()
    keepable = Int.max
    lastDuration = 960
    return try head.get()
  }

  /// Drops the comment header, which may span pages, and begins the audio where it ends. Its bytes are never put together.
  private mutating func passTags(_ page: OggPage) {
    let begins = pages.withPage { $1.starts(with: "OpusTags".utf8) }
    guard page.isContinuation || begins else {
      // The page with the header was lost, or there never was one.
      phase = .audio
      return
    }
    guard pages.withPage({ lengths, _ in lengths.contains { $0 < 255 } }) else {
      packets.interrupt()
      return
    }
    phase = .audio
    if begins, !page.isContinuation { packets.removeFirst() }
  }

  /// Compares the position at the end of `page` with the packets on it.
  /// - Parameter follows: whether no page is missing before it.
  private mutating func place(_ page: OggPage, follows: Bool) {
    var samples = 0
    var last = lastDuration
    packets.forEach(pages) { samples += Self.duration($0, last: &last) }
    keepable = Int.max
    // Positions are never negative but for the one that says there is none. Beyond 2^62 no sum of ours is
    // safe.
    guard page.granulePosition >= 0, page.granulePosition < 1 << 62 else {
      pageBegin = position
      position? += samples
      return
    }
    let end = Int(page.granulePosition)
    let span = scale.span(to: end, samples: samples)
    let begin: Int
    if let position {
      let missing = scale.isWrong ? (follows ? 0 : span - samples) : end - samples - position
      if missing > Self.longestGap {
        damage.jumps += 1
        begin = end - samples
      } else {
        pendingGap = max(missing, 0)
        begin = position + pendingGap
      }
    } else {
      // The stream may have been joined while running: what was before is not missing.
      begin = max(end - samples, 0)
    }
    if page.isLast { keepable = min(max(end - begin, 0), samples) }
    pageBegin = begin
    position = begin + samples
  }

  /// Tells positions that count something else than samples at 48 kHz, such as bytes or samples of another rate: from the first
  /// page on each is the same multiple of what its packets hold. Gaps, of which recordings of calls may have many, are not alike.
  private struct GranuleScale {
    private var last = 0
    private var pages = 0
    private var factor = 1.0
    private(set) var isWrong = false

    /// Takes in the position at the end of a page, and returns how much the page, and what is missing before it, come to.
    mutating func span(to end: Int, samples: Int) -> Int {
      defer { last = end }
      let length = Double(end - last)
      guard samples > 0 else { return Int(length / factor) }
      pages += 1
      if pages == 1 { factor = max(1, length / Double(samples)) }
      if pages == 2 {
        isWrong = factor > 1.5 && abs(length / Double(samples) - factor) < 0.03 * factor
        if !isWrong { factor = 1 }
      }
      return Int(length / factor)
    }
  }

  /// A packet that makes no sense is taken to be as long as the one before: it is concealed.
  private static func duration(_ packet: UnsafeRawBufferPointer, last: inout Int) -> Int {
    if let samples = OpusPacketDecoder.duration(of: packet) { last = samples }
    return last
  }
}
