/// The header of a WAVE file of 16-bit or 32-bit float samples.
package struct WAVHeader: Sendable {
  package enum Samples: Sendable { case s16, f32 }

  /// The bytes to write before the samples.
  package let bytes: [UInt8]

  /// - Parameters:
  ///   - dataLength: Bytes of samples that follow, or `nil` when that is not known yet: the sizes are
  ///     0xFFFFFFFF then, which readers take for "until the end". The same is written for lengths that do not
  ///     fit in 32 bits.
  package init(rate: Int, channels: Int, samples: Samples, dataLength: Int?) {
    precondition(1...WAVReader.rateLimit ~= rate, "rate out of range")
    precondition(1...WAVReader.channelLimit ~= channels, "channels out of range")
    let size = samples == .s16 ? 2 : 4
    var format: [UInt8] = []
    func put(_ value: Int, _ size: Int) {
      for byte in 0..<size { format.append(UInt8(value >> (8 * byte) & 0xFF)) }
    }
    put(samples == .s16 ? 1 : 3, 2)
    put(channels, 2)
    put(rate, 4)
    put(rate * channels * size, 4)
    put(channels * size, 2)
    put(size * 8, 2)
    // Formats other than PCM need the extension's size and a fact chunk.
    if samples == .f32 { put(0, 2) }

    let headerSize = 12 + 8 + format.count + (samples == .f32 ? 12 : 0) + 8
    let known = dataLength.flatMap { 0...(0xFFFF_FFFE - headerSize) ~= $0 ? $0 : nil }
    let unknown = 0xFFFF_FFFF
    var bytes: [UInt8] = []
    func chunk(_ name: String, _ value: Int) {
      bytes += Array(name.utf8)
      for byte in 0..<4 { bytes.append(UInt8(value >> (8 * byte) & 0xFF)) }
    }
    chunk("RIFF", known.map { headerSize - 8 + $0 + $0 & 1 } ?? unknown)
    bytes += Array("WAVE".utf8)
    chunk("fmt ", format.count)
    bytes += format
    if samples == .f32 {
      chunk("fact", 4)
      let frames = known.map { $0 / (size * channels) } ?? unknown
      for byte in 0..<4 { bytes.append(UInt8(frames >> (8 * byte) & 0xFF)) }
    }
    chunk("data", known ?? unknown)
    self.bytes = bytes
  }
}
