/// The XOR mask of RFC 6455 §5.3, applied eight bytes at a time.
///
/// A key is written as a number whose most significant byte goes over the wire first.
enum WebSocketMask {
  /// Masks or unmasks `bytes` in place. `phase` is how many payload bytes of the frame came before.
  static func apply(_ key: UInt32, phase: Int, to bytes: UnsafeMutableRawBufferPointer) {
    // The key as it lies in memory from `phase` on, twice.
    let turned = key << UInt32(truncatingIfNeeded: (phase & 3) * 8) | rotatedTail(key, phase)
    let narrow = turned.bigEndian
    let wide = UInt64(narrow) | UInt64(narrow) << 32
    var index = 0
    while index + 8 <= bytes.count {
      let word = bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self)
      bytes.storeBytes(of: word ^ wide, toByteOffset: index, as: UInt64.self)
      index += 8
    }
    var rest = wide.littleEndian
    while index < bytes.count {
      bytes[index] ^= UInt8(truncatingIfNeeded: rest)
      rest >>= 8
      index += 1
    }
  }

  private static func rotatedTail(_ key: UInt32, _ phase: Int) -> UInt32 {
    phase & 3 == 0 ? 0 : key >> UInt32(32 - (phase & 3) * 8)
  }
}
