/// A WAVE file while it is being written: where samples go, and what its header says at any time.
///
///     "RIFF" size "WAVE"  "JUNK" 28 ×0        fmt …  [fact …]  "data" size   samples
///     "RF64" -1   "WAVE"  "ds64" 64-bit sizes fmt …  [fact …]  "data" -1     samples   beyond 4 GiB
///
/// The header keeps its length from the first byte to the last, so that the one that fits can be put over it at any time; after
/// EBU Tech 3306, the room for 64-bit sizes is there from the start. As long as no samples are announced, readers take
/// everything that follows; later they take at least what was announced. A value without I/O.
package struct WAVRecording: Sendable {
  package let rate: Int
  package let channels: Int
  package let samples: WAVHeader.Samples
  /// Bytes of samples written so far.
  package private(set) var dataLength = 0

  package init(rate: Int, channels: Int, samples: WAVHeader.Samples) {
    precondition(1...WAVReader.rateLimit ~= rate, "rate out of range")
    precondition(1...WAVReader.channelLimit ~= channels, "channels out of range")
    self.rate = rate
    self.channels = channels
    self.samples = samples
  }

  /// Bytes of one frame.
  package var frameSize: Int { channels * (samples == .s16 ? 2 : 4) }

  /// Bytes before the samples.
  package var headerLength: Int { 12 + 36 + (samples == .s16 ? 24 : 26 + 12) + 8 }

  /// Where in the file the next samples go.
  package var end: Int { headerLength + dataLength }

  /// Says that bytes of samples were written at `end`; only whole frames count.
  package mutating func append(_ count: Int) {
    dataLength += count / frameSize * frameSize
  }

  /// The header for what has been written so far, for the beginning of the file.
  package var header: [UInt8] {
    let isLarge = end - 8 >= 0xFFFF_FFFF
    var bytes: [UInt8] = []
    bytes.reserveCapacity(headerLength)
    func put(_ value: Int, _ size: Int) {
      for byte in 0..<size { bytes.append(UInt8(truncatingIfNeeded: value >> (8 * byte))) }
    }
    func name(_ name: String) { bytes.append(contentsOf: name.utf8) }
    name(isLarge ? "RF64" : "RIFF")
    put(isLarge ? 0xFFFF_FFFF : end - 8, 4)
    name("WAVE")
    name(isLarge ? "ds64" : "JUNK")
    put(28, 4)
    put(isLarge ? end - 8 : 0, 8)
    put(isLarge ? dataLength : 0, 8)
    put(isLarge ? dataLength / frameSize : 0, 8)
    put(0, 4)
    name("fmt ")
    put(samples == .s16 ? 16 : 18, 4)
    put(samples == .s16 ? 1 : 3, 2)
    put(channels, 2)
    put(rate, 4)
    put(rate * frameSize, 4)
    put(frameSize, 2)
    put(samples == .s16 ? 16 : 32, 2)
    if samples == .f32 {
      put(0, 2)
      name("fact")
      put(4, 4)
      put(isLarge ? 0xFFFF_FFFF : dataLength / frameSize, 4)
    }
    name("data")
    put(isLarge ? 0xFFFF_FFFF : dataLength, 4)
    return bytes
  }
}
