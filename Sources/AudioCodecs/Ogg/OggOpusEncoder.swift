internal import COpus

/// Encodes mono 16-bit audio, coming in pieces of any size, into an Ogg Opus stream (RFC 7845) that is sent while it comes into being.
///
///     encoder.begin(serial: 1)
///     encoder.encode(chunk, into: &bytes)      // whole pages: send them
///     …
///     encoder.finish(into: &bytes)             // the last page
///
/// The headers come with the first audio. Every call gives the whole packets of 20 ms there are by then, in pages of at most 80 ms
/// that wait for nothing; what is less than a packet waits for more. The decoded stream has exactly the length of what was encoded, and
/// every sample its place: the encoder's delay is the pre-skip, and the last page's position cuts off what fills up its last packet.
///
/// Nothing is allocated per call once the output has its size.
package struct OggOpusEncoder: ~Copyable, Sendable {
  /// Packets on a page, at most.
  private static let pagePackets = 4

  /// The rates it can encode from, in hertz.
  package static let rates = OpusPacketEncoder.rates

  package let rate: Int
  /// Frames taken since the stream began.
  package private(set) var frames = 0
  private var encoder: OpusPacketEncoder
  private var pages = OggPageWriter(serial: 0)
  private var hasBegun = false
  /// Samples that are less than a packet.
  private var rest: [Int16]
  private var restCount = 0
  private var packets: [UInt8]
  private var packetsLength = 0
  /// The packets on the page under way.
  private var lengths: [Int] = []
  /// Samples at 48 kHz in the packets so far.
  private var encoded: Int64 = 0

  /// - Parameter rate: one of `rates`.
  package init(rate: Int) throws(OpusError) {
    encoder = try OpusPacketEncoder(rate: rate)
    self.rate = rate
    rest = [Int16](repeating: 0, count: encoder.packetFrames)
    packets = [UInt8](repeating: 0, count: Self.pagePackets * OpusPacketEncoder.longestPacket)
    lengths.reserveCapacity(Self.pagePackets)
  }

  /// Samples at 48 kHz a decoder drops from the beginning.
  package var preSkip: Int { encoder.lookahead * (48_000 / rate) }

  /// Begins another stream, whose headers come with its first audio. What the one before holds is dropped.
  package mutating func begin(serial: UInt32) {
    pages = OggPageWriter(serial: serial)
    encoder.reset()
    hasBegun = false
    frames = 0
    restCount = 0
    packetsLength = 0
    lengths.removeAll(keepingCapacity: true)
    encoded = 0
  }

  /// Encodes samples, 16-bit in the machine's order of bytes, and appends the pages there are then.
  package mutating func encode(_ samples: UnsafeRawBufferPointer, into output: inout [UInt8]) {
    let count = samples.count / 2
    var position = 0
    while position < count {
      let taken = min(count - position, encoder.packetFrames - restCount)
      rest.withUnsafeMutableBytes {
        UnsafeMutableRawBufferPointer(rebasing: $0[(restCount * 2)...]).copyMemory(
          from: UnsafeRawBufferPointer(rebasing: samples[(position * 2)..<((position + taken) * 2)]))
      }
      position += taken
      took(taken, &output)
    }
    closePage(&output)
  }

  /// Encodes silence, and appends the pages there are then.
  package mutating func encodeSilence(frames count: Int, into output: inout [UInt8]) {
    var left = count
    while left > 0 {
      let taken = min(left, encoder.packetFrames - restCount)
      fillRest(taken)
      left -= taken
      took(taken, &output)
    }
    closePage(&output)
  }

  /// Appends what is left and the end of the stream; nothing, when nothing was encoded.
  package mutating func finish(into output: inout [UInt8]) {
    guard frames > 0 else { return }
    let end = Int64(preSkip) + Int64(frames) * Int64(48_000 / rate)
    while encoded < end {
      fillRest(encoder.packetFrames - restCount)
      encodePacket(&output, isLast: encoded + packetSamples >= end)
    }
    closePage(&output, granulePosition: end, flags: .last)
  }

  // MARK: - Steps

  private var packetSamples: Int64 { 48_000 / 50 }

  private mutating func fillRest(_ count: Int) {
    for index in restCount..<(restCount + count) { rest[index] = 0 }
  }

  private mutating func took(_ count: Int, _ output: inout [UInt8]) {
    frames += count
    restCount += count
    if restCount == encoder.packetFrames { encodePacket(&output, isLast: false) }
  }

  /// Encodes `rest`, which is full, and closes a page that is full, unless it is to be closed as the last.
  private mutating func encodePacket(_ output: inout [UInt8], isLast: Bool) {
    let length = rest.withUnsafeBufferPointer { samples in
      packets.withUnsafeMutableBufferPointer { packets in
        guard let samples = samples.baseAddress else { return 0 }
        return encoder.encode(samples, into: UnsafeMutableBufferPointer(rebasing: packets[packetsLength...]))
      }
    }
    packetsLength += length
    lengths.append(length)
    restCount = 0
    encoded += packetSamples
    if lengths.count == Self.pagePackets, !isLast { closePage(&output) }
  }

  private mutating func closePage(
    _ output: inout [UInt8], granulePosition: Int64? = nil, flags: OggPageWriter.Flags = []
  ) {
    guard !lengths.isEmpty else { return }
    if !hasBegun { writeHeaders(&output) }
    packets.withUnsafeBytes { packets in
      pages.append(
        UnsafeRawBufferPointer(rebasing: packets[..<packetsLength]), lengths: lengths,
        granulePosition: granulePosition ?? encoded, flags: flags, to: &output)
    }
    packetsLength = 0
    lengths.removeAll(keepingCapacity: true)
  }

  private mutating func writeHeaders(_ output: inout [UInt8]) {
    hasBegun = true
    let head = OpusHead(channels: 1, preSkip: preSkip, inputRate: rate)
    pages.append(head.packet, granulePosition: 0, flags: .first, to: &output)
    pages.append(Self.tags, granulePosition: 0, to: &output)
  }

  /// The comment header (RFC 7845 §5.2): who encoded it, and no comments.
  private static let tags: [UInt8] = {
    let vendor = Array(String(cString: opus_get_version_string()).utf8)
    let length = UInt32(vendor.count)
    return Array("OpusTags".utf8) + (0..<4).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) } + vendor
      + [0, 0, 0, 0]
  }()
}
