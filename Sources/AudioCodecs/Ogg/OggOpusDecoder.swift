/// Decodes an Ogg Opus stream, coming in pieces of any size, to interleaved samples at a rate and channel
/// count of choice.
///
///     var decoder = OggOpusDecoder<Int16>(rate: 16000, channels: 1)
///     while !bytes.isEmpty {
///       bytes.removeFirst(decoder.push(bytes))
///       while case let frames = try decoder.read(into: &output), frames > 0 { … }
///     }
///     decoder.finish()                       // then read until 0 again
///
/// Pre-skip and the end of the last page are cut off at the asked rate; positions are counted at 48 kHz and
/// scaled, so that a stream has exactly its length, rounded. A stream that follows another goes on where that
/// ended. What is missing or damaged is concealed by libopus for up to two seconds, then silent, for as long
/// as the granule positions say.
///
/// Nothing is allocated per packet; at most 130 KiB of input and one packet of output are held.
package struct OggOpusDecoder<Sample: OpusSample>: ~Copyable, Sendable {
  package let rate: Int
  package let channels: Int
  /// Frames given out so far.
  package private(set) var position = 0
  /// Header of the stream being decoded, once known.
  package private(set) var head: OpusHead?
  /// Streams begun so far.
  package private(set) var links = 0
  /// Frames made up in place of missing or damaged audio.
  package private(set) var concealedFrames = 0
  /// Packets libopus could not decode.
  package private(set) var damagedPackets = 0

  private var reader = OggOpusReader()
  private var decoder: OpusPacketDecoder?
  /// Decoded frames, of which `held` have not been given out.
  private var frames: [Sample]
  private var held = 0..<0
  /// In this stream: samples at 48 kHz and frames decoded or made up, and frames of pre-skip still to drop.
  private var samplesDecoded = 0
  private var framesDecoded = 0
  private var framesToSkip = 0
  /// Frames still to make up for a gap, and how many of them libopus may.
  private var gapFrames = 0
  private var concealable = 0
  /// The frame to go on with, and where the stream began, until the first packet tells where it stands.
  private var resumption: (frame: Int, origin: Int)?

  /// - Parameters:
  ///   - rate: One of `OpusPacketDecoder.rates`.
  ///   - channels: 1 or 2, or as many as the stream has.
  package init(rate: Int, channels: Int) {
    precondition(OpusPacketDecoder.rates.contains(rate), "Opus cannot be decoded at this rate")
    precondition(1...OpusHead.mostChannels ~= channels, "Opus has no such channel layout")
    self.rate = rate
    self.channels = channels
    frames = [Sample](repeating: .silence, count: rate * OpusPacketDecoder.longestPacket / 1000 * channels)
  }

  /// What was wrong with the container so far.
  package var damage: OggOpusReader.Damage { reader.damage }

  /// Takes bytes, and says how many; read until nothing comes, then offer the rest.
  package mutating func push(_ bytes: RawSpan) -> Int { reader.push(bytes) }

  /// Says that no more bytes come.
  package mutating func finish() { reader.finish() }

  /// Writes as many whole frames as there are and as fit, and says how many. 0 means that more bytes are
  /// needed or, after `finish()`, that it was all.
  package mutating func read(into output: inout MutableSpan<Sample>) throws(OggOpusError) -> Int {
    let room = output.count / channels
    var written = 0
    while written < room {
      if held.isEmpty {
        guard try refill() else { break }
        continue
      }
      let count = min(held.count, room - written)
      copyOut(count, to: &output, at: written)
      written += count
    }
    position += written
    return written
  }

  /// Takes in what was pushed as far as the first audio.
  package mutating func readHeaders() throws(OggOpusError) {
    while held.isEmpty, try refill() {}
  }

  /// Goes on at a later page of the stream whose header was pushed, so that the first frame given is the one that would have been
  /// the `frame`-th from the front. Bytes from that page on are pushed next; it must lie early enough for the decoder to find
  /// its way, 80 ms before the frame (RFC 7845 §4.6).
  /// - Parameter origin: where in the stream's granule positions its first packet begins.
  package mutating func resume(at frame: Int, origin: Int) throws(OggOpusError) {
    try readHeaders()
    held = 0..<0
    gapFrames = 0
    reader.resume()
    resumption = (frame, origin)
  }

  // MARK: - Steps

  private mutating func copyOut(_ count: Int, to output: inout MutableSpan<Sample>, at frame: Int) {
    let stride = MemoryLayout<Sample>.stride * channels
    let from = held.lowerBound * stride
    output.withUnsafeMutableBytes { output in
      frames.withUnsafeBytes { frames in
        guard let source = frames.baseAddress, let target = output.baseAddress else { return }
        (target + frame * stride).copyMemory(from: source + from, byteCount: count * stride)
      }
    }
    held = (held.lowerBound + count)..<held.upperBound
  }

  /// Takes one step that may leave frames in `held`; `false` when there is nothing to be done.
  private mutating func refill() throws(OggOpusError) -> Bool {
    if gapFrames > 0 {
      fillGap()
      return true
    }
    switch try reader.next() {
    case nil:
      return false
    case .head(let head):
      try begin(head)
    case .gap(let samples):
      samplesDecoded += samples
      gapFrames = max(frameCount(samplesDecoded) - framesDecoded, 0)
      concealable = 2 * rate
    case .packet(let samples, let kept):
      decodePacket(samples: samples, kept: kept)
    }
    return true
  }

  private mutating func begin(_ head: OpusHead) throws(OggOpusError) {
    // What several coded streams hold is given as it is, or not at all.
    let isLayered = !head.isPlain || channels > 2
    if isLayered && head.channels != channels { throw .tooManyChannels(head.channels) }
    do throws(OpusError) {
      if isLayered {
        decoder = try OpusPacketDecoder(rate: rate, layout: head, gain: head.gain)
      } else {
        decoder = try OpusPacketDecoder(rate: rate, channels: channels, gain: head.gain)
      }
    } catch {
      throw .decoder(error)
    }
    self.head = head
    links += 1
    samplesDecoded = 0
    framesDecoded = 0
    framesToSkip = frameCount(head.preSkip)
  }

  private mutating func decodePacket(samples: Int, kept: Int) {
    if let resumption { takeUp(resumption.frame, origin: resumption.origin) }
    let expected = samples * rate / 48000
    let decoded = frames.withUnsafeMutableBufferPointer { frames in
      reader.withPacket { packet in decoder?.decode(packet, into: frames) ?? 0 }
    }
    if decoded != expected {
      damagedPackets += 1
      conceal(expected)
    }
    let end = frameCount(samplesDecoded + kept)
    hold(min(expected, max(end - framesDecoded, 0)))
    samplesDecoded += samples
    framesDecoded += expected
  }

  private mutating func takeUp(_ frame: Int, origin: Int) {
    resumption = nil
    samplesDecoded = max(0, (reader.pageBegin ?? origin) - origin)
    framesDecoded = frameCount(samplesDecoded)
    framesToSkip = max(0, frame + frameCount(head?.preSkip ?? 0) - framesDecoded)
  }

  private mutating func fillGap() {
    let count = min(gapFrames, rate / 50)
    if concealable > 0 {
      // libopus conceals multiples of 2.5 ms.
      let unit = rate / 400
      conceal((count + unit - 1) / unit * unit)
      concealable -= count
    } else {
      silence(count)
    }
    concealedFrames += count
    gapFrames -= count
    framesDecoded += count
    hold(count)
  }

  /// Makes up `count` frames at the beginning of `frames`, a multiple of 2.5 ms and at most the longest packet.
  private mutating func conceal(_ count: Int) {
    let given = frames.withUnsafeMutableBufferPointer { decoder?.conceal(count, into: $0) ?? 0 }
    if given != count { silence(count) }
  }

  private mutating func silence(_ count: Int) {
    frames.withUnsafeMutableBufferPointer { $0[..<(count * channels)].update(repeating: .silence) }
  }

  /// Makes the first `count` frames available but for what the pre-skip takes.
  private mutating func hold(_ count: Int) {
    let skipped = min(framesToSkip, count)
    framesToSkip -= skipped
    held = skipped..<count
  }

  /// Frames at our rate in `samples` at 48 kHz, rounded up.
  private func frameCount(_ samples: Int) -> Int {
    (samples * rate + 47999) / 48000
  }
}
