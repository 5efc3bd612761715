/// Validates UTF-8 that arrives in pieces (RFC 3629; RFC 6455 §8.1), so that a bad text fails where it goes bad and not at its end.
struct UTF8Validator {
  /// Continuation bytes still due.
  private var pending: UInt8 = 0
  /// Allowed range of the next continuation byte: narrower than 80–BF after E0, ED, F0 and F4, which
  /// excludes overlong forms, surrogates and values above U+10FFFF.
  private var lower: UInt8 = 0x80
  private var upper: UInt8 = 0xBF

  /// Whether the text may end here.
  var isComplete: Bool { pending == 0 }

  /// Takes the next piece; false as soon as it cannot be UTF-8.
  mutating func accept(_ bytes: UnsafeRawBufferPointer) -> Bool {
    var index = 0
    while index < bytes.count {
      if pending == 0 {
        while index + 8 <= bytes.count {
          let word = bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self)
          if word & 0x8080_8080_8080_8080 != 0 { break }
          index += 8
        }
        if index == bytes.count { return true }
        guard begin(bytes[index]) else { return false }
      } else {
        let byte = bytes[index]
        guard byte >= lower, byte <= upper else { return false }
        pending -= 1
        lower = 0x80
        upper = 0xBF
      }
      index += 1
    }
    return true
  }

  private mutating func begin(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x00...0x7F: break
    case 0xC2...0xDF: pending = 1
    case 0xE0...0xEF:
      pending = 2
      if byte == 0xE0 { lower = 0xA0 }
      if byte == 0xED { upper = 0x9F }
    case 0xF0...0xF4:
      pending = 3
      if byte == 0xF0 { lower = 0x90 }
      if byte == 0xF4 { upper = 0x8F }
    default: return false
    }
    return true
  }
}
