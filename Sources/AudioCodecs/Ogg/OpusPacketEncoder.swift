internal import COpus

/// Encodes mono speech into Opus packets of 20 ms, at 24 kbit/s. Nothing is allocated per packet.
package struct OpusPacketEncoder: ~Copyable, @unchecked Sendable {
  // Sendable: the state is reached through this value only, and the value cannot be copied.

  /// The rates it can encode from, in hertz.
  package static let rates = OpusPacketDecoder.rates
  /// Enough for wideband speech without loss to a recogniser, and a tenth of 16 kHz linear16.
  package static let bitRate = 24_000
  /// No packet is longer (RFC 6716 §3.2.1).
  package static let longestPacket = 1275
  /// Half of what there is: 0.33 ms of a 2.5 GHz core for 80 ms of 16 kHz audio; the full 10 takes twice as long and spares no bits.
  private static let complexity: Int32 = 5
  /// 20 ms of silence in SILK's wideband mode: a table of contents without a frame (RFC 6716 §3.1), which decoders conceal.
  private static let empty: UInt8 = 9 << 3

  package let rate: Int
  /// Frames of a packet.
  package let packetFrames: Int
  /// Frames by which the decoded signal comes later than what was encoded.
  package let lookahead: Int
  private let state: OpaquePointer

  /// - Parameter rate: one of `rates`.
  package init(rate: Int) throws(OpusError) {
    var status: Int32 = 0
    let made = opus_encoder_create(
      Int32(truncatingIfNeeded: rate), 1, OPUS_APPLICATION_VOIP, &status)
    guard let made, status == OPUS_OK else { throw OpusError(code: Int(status)) }
    var lookahead: Int32 = 0
    let answers = [
      COpus_encoder_set_bitrate(made, Int32(Self.bitRate)),
      COpus_encoder_set_complexity(made, Self.complexity),
      COpus_encoder_set_signal(made, OPUS_SIGNAL_VOICE), COpus_encoder_get_lookahead(made, &lookahead),
    ]
    if let answer = answers.first(where: { $0 != OPUS_OK }) {
      opus_encoder_destroy(made)
      throw OpusError(code: Int(answer))
    }
    state = made
    self.rate = rate
    packetFrames = rate / 50
    self.lookahead = Int(lookahead)
  }

  deinit { opus_encoder_destroy(state) }

  /// Begins anew, as if nothing had been encoded.
  package mutating func reset() { _ = COpus_encoder_reset(state) }

  /// Encodes `packetFrames` samples and gives the length of the packet.
  /// - Parameter packet: room for `longestPacket` bytes.
  package mutating func encode(
    _ samples: UnsafePointer<Int16>, into packet: UnsafeMutableBufferPointer<UInt8>
  ) -> Int {
    guard let target = packet.baseAddress, packet.count > 0 else { return 0 }
    let length = opus_encode(
      state, samples, Int32(packetFrames), target, Int32(min(packet.count, Self.longestPacket)))
    if length > 0 { return Int(length) }
    // Nothing known leads here. Whatever does, time goes on.
    target[0] = Self.empty
    return 1
  }
}
