internal import COpus

/// What libopus answered instead of samples.
package struct OpusError: Error, Equatable, CustomStringConvertible {
  /// One of libopus's negative codes.
  package var code: Int

  package var description: String {
    "The Opus decoder failed: \(String(cString: opus_strerror(Int32(truncatingIfNeeded: code))))."
  }
}

/// A kind of sample libopus can decode to.
package protocol OpusSample: BitwiseCopyable, Sendable {
  static var silence: Self { get }
  /// Has libopus decode; `packet` is `nil` for concealment. Gives frames or a negative code.
  /// - Parameter isLayered: whether the decoder is one of several streams.
  static func decode(
    _ decoder: OpaquePointer, _ packet: UnsafePointer<UInt8>?, _ length: Int32,
    _ output: UnsafeMutablePointer<Self>, _ frames: Int32, isLayered: Bool
  ) -> Int32
}

extension Int16: OpusSample {
  package static var silence: Int16 { 0 }
  package static func decode(
    _ decoder: OpaquePointer, _ packet: UnsafePointer<UInt8>?, _ length: Int32,
    _ output: UnsafeMutablePointer<Int16>, _ frames: Int32, isLayered: Bool
  ) -> Int32 {
    isLayered
      ? opus_multistream_decode(decoder, packet, length, output, frames, 0)
      : opus_decode(decoder, packet, length, output, frames, 0)
  }
}

extension Float: OpusSample {
  package static var silence: Float { 0 }
  package static func decode(
    _ decoder: OpaquePointer, _ packet: UnsafePointer<UInt8>?, _ length: Int32,
    _ output: UnsafeMutablePointer<Float>, _ frames: Int32, isLayered: Bool
  ) -> Int32 {
    isLayered
      ? opus_multistream_decode_float(decoder, packet, length, output, frames, 0)
      : opus_decode_float(decoder, packet, length, output, frames, 0)
  }
}

/// Decodes the packets of one Opus stream, mono or stereo, to any rate and channel count libopus gives by
/// itself, or those of several streams to the channels they make up.
///
/// Where it can it uses the single-stream interface: the multistream one asks the processor for its features at every
/// packet, which on a virtual machine costs more than the decoding.
package struct OpusPacketDecoder: ~Copyable, @unchecked Sendable {
  // Sendable: the state is reached through this value only, and the value cannot be copied.

  /// The rates it can decode to, in hertz.
  package static let rates = [8000, 12000, 16000, 24000, 48000]
  /// The longest packet, in milliseconds.
  package static let longestPacket = 120

  package let rate: Int
  package let channels: Int
  private let state: OpaquePointer
  private let isLayered: Bool

  /// - Parameters:
  ///   - rate: One of `rates`.
  ///   - channels: 1 or 2, whatever was encoded: libopus mixes down and doubles.
  ///   - gain: Gain on the output, in 1/256 dB, as an Ogg Opus header has it.
  package init(rate: Int, channels: Int, gain: Int = 0) throws(OpusError) {
    var status: Int32 = 0
    let made = opus_decoder_create(
      Int32(truncatingIfNeeded: rate), Int32(truncatingIfNeeded: channels), &status)
    guard let made, status == OPUS_OK else { throw OpusError(code: Int(status)) }
    let answer = COpus_decoder_set_gain(made, Int32(clamping: gain))
    guard answer == OPUS_OK else {
      opus_decoder_destroy(made)
      throw OpusError(code: Int(answer))
    }
    state = made
    isLayered = false
    self.rate = rate
    self.channels = channels
  }

  /// A decoder of all streams of a layout, to its channels in the order of WAVE files.
  init(rate: Int, layout: OpusHead, gain: Int) throws(OpusError) {
    var status: Int32 = 0
    let made = opus_multistream_decoder_create(
      Int32(truncatingIfNeeded: rate), Int32(layout.channels), Int32(layout.streams),
      Int32(layout.coupledStreams), layout.waveMapping, &status)
    guard let made, status == OPUS_OK else { throw OpusError(code: Int(status)) }
    let answer = COpus_multistream_decoder_set_gain(made, Int32(clamping: gain))
    guard answer == OPUS_OK else {
      opus_multistream_decoder_destroy(made)
      throw OpusError(code: Int(answer))
    }
    state = made
    isLayered = true
    self.rate = rate
    channels = layout.channels
  }

  deinit {
    if isLayered { opus_multistream_decoder_destroy(state) } else { opus_decoder_destroy(state) }
  }

  /// Frames of the longest packet at this rate.
  package var largestFrameCount: Int { rate * Self.longestPacket / 1000 }

  /// Decodes `packet` and gives the frames written; `output` must have room for `largestFrameCount`, or for
  /// as many as the packet holds.
  package mutating func decode<Sample: OpusSample>(
    _ packet: RawSpan, into output: inout MutableSpan<Sample>
  ) throws(OpusError) -> Int {
    let frames = packet.withUnsafeBytes { packet in
      output.withUnsafeMutableBufferPointer { decode(packet, into: $0) }
    }
    guard frames >= 0 else { throw OpusError(code: frames) }
    return frames
  }

  /// Makes up `frames` frames for a lost packet; a multiple of 2.5 ms.
  package mutating func conceal<Sample: OpusSample>(
    _ frames: Int, into output: inout MutableSpan<Sample>
  ) throws(OpusError) -> Int {
    let given = output.withUnsafeMutableBufferPointer { conceal(frames, into: $0) }
    guard given >= 0 else { throw OpusError(code: given) }
    return given
  }

  /// Frames or a negative code.
  func decode<Sample: OpusSample>(
    _ packet: UnsafeRawBufferPointer, into output: UnsafeMutableBufferPointer<Sample>
  ) -> Int {
    guard !packet.isEmpty, let target = output.baseAddress else { return Int(OPUS_BAD_ARG) }
    let room = Int32(clamping: min(output.count / channels, largestFrameCount))
    let bytes = packet.bindMemory(to: UInt8.self).baseAddress
    let length = Int32(clamping: packet.count)
    return Int(Sample.decode(state, bytes, length, target, room, isLayered: isLayered))
  }

  /// Frames or a negative code.
  func conceal<Sample: OpusSample>(_ frames: Int, into output: UnsafeMutableBufferPointer<Sample>) -> Int {
    guard let target = output.baseAddress, 0...(output.count / channels) ~= frames else {
      return Int(OPUS_BAD_ARG)
    }
    let count = Int32(clamping: frames)
    return Int(Sample.decode(state, nil, 0, target, count, isLayered: isLayered))
  }

  /// The length of a packet in samples at 48 kHz, from its first bytes; `nil` when they make no sense (RFC 6716 §3.1).
  static func duration(of packet: UnsafeRawBufferPointer) -> Int? {
    guard let bytes = packet.bindMemory(to: UInt8.self).baseAddress, !packet.isEmpty else { return nil }
    let samples = opus_packet_get_nb_samples(bytes, Int32(clamping: packet.count), 48000)
    return samples > 0 ? Int(samples) : nil
  }
}
