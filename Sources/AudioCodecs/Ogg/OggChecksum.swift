/// The checksum of Ogg pages: CRC-32 with the polynomial 0x04C11DB7, from the top bit down, beginning at 0
/// and not inverted, over the page with its checksum field 0 (RFC 3533 §6).
struct OggChecksum: Sendable {
  /// Eight tables of 256: table `k` holds the remainders of a byte followed by `k` zero bytes, so that eight
  /// bytes are taken at once.
  private static let tables: [UInt32] = {
    var tables = [UInt32](repeating: 0, count: 8 * 256)
    for byte in 0..<256 {
      var remainder = UInt32(byte) << 24
      for _ in 0..<8 {
        remainder = remainder & 0x8000_0000 != 0 ? remainder << 1 ^ 0x04C1_1DB7 : remainder << 1
      }
      tables[byte] = remainder
    }
    for index in 256..<tables.count {
      let before = tables[index - 256]
      tables[index] = before << 8 ^ tables[Int(before >> 24)]
    }
    return tables
  }()

  private let tables = Self.tables

  /// Whether the checksum in the page, which must have its 27 bytes of header, is that of the page.
  func isRight(_ page: UnsafeRawBufferPointer) -> Bool {
    value(of: page) == page.loadUnaligned(fromByteOffset: 22, as: UInt32.self)
  }

  /// The checksum of a page, which must have its 27 bytes of header, whatever its checksum field holds.
  func value(of page: UnsafeRawBufferPointer) -> UInt32 {
    var remainder = update(0, UnsafeRawBufferPointer(rebasing: page[..<22]))
    for _ in 0..<4 { remainder = update(remainder, byte: 0) }
    return update(remainder, UnsafeRawBufferPointer(rebasing: page[26...]))
  }

  private func update(_ remainder: UInt32, byte: UInt8) -> UInt32 {
    remainder << 8 ^ tables[Int(remainder >> 24 ^ UInt32(byte))]
  }

  private func update(_ start: UInt32, _ bytes: UnsafeRawBufferPointer) -> UInt32 {
    tables.withUnsafeBufferPointer { tables in
      guard let table = tables.baseAddress, let base = bytes.baseAddress else { return start }
      var remainder = start
      var index = 0
      while index &+ 8 <= bytes.count {
        let first = remainder ^ base.loadUnaligned(fromByteOffset: index, as: UInt32.self).byteSwapped
        let second = base.loadUnaligned(fromByteOffset: index &+ 4, as: UInt32.self).byteSwapped
        let high = table[1792 &+ Int(first >> 24)] ^ table[1536 &+ Int(first >> 16 & 0xFF)]
        let upper = table[1280 &+ Int(first >> 8 & 0xFF)] ^ table[1024 &+ Int(first & 0xFF)]
        let lower = table[768 &+ Int(second >> 24)] ^ table[512 &+ Int(second >> 16 & 0xFF)]
        let low = table[256 &+ Int(second >> 8 & 0xFF)] ^ table[Int(second & 0xFF)]
        remainder = high ^ upper ^ lower ^ low
        index &+= 8
      }
      while index < bytes.count {
        let byte = base.load(fromByteOffset: index, as: UInt8.self)
        remainder = remainder &<< 8 ^ table[Int(remainder &>> 24 ^ UInt32(byte))]
        index &+= 1
      }
      return remainder
    }
  }
}
