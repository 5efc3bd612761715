/// Base64 (RFC 4648 §4) of the few bytes a handshake has.
enum Base64 {
  private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

  static func encode(_ bytes: [UInt8]) -> String {
    var text: [UInt8] = []
    for start in stride(from: 0, to: bytes.count, by: 3) {
      let group = bytes[start..<min(start + 3, bytes.count)]
      var word = group.reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
      word <<= UInt32(8 * (3 - group.count))
      for index in 0..<4 {
        let digit = alphabet[Int(word >> UInt32(18 - 6 * index)) & 63]
        text.append(index <= group.count ? digit : UInt8(ascii: "="))
      }
    }
    return String(decoding: text, as: UTF8.self)
  }

  /// Whether `text` is the canonical form of exactly `count` bytes.
  static func isEncoding(_ text: String, ofByteCount count: Int) -> Bool {
    guard let bytes = decode(text) else { return false }
    return bytes.count == count && encode(bytes) == text
  }

  private static func decode(_ text: String) -> [UInt8]? {
    let digits = Array(text.utf8.prefix { $0 != UInt8(ascii: "=") })
    guard text.utf8.count % 4 == 0, text.utf8.count - digits.count <= 2 else { return nil }
    var bytes: [UInt8] = []
    var word: UInt32 = 0
    var bits: UInt32 = 0
    for digit in digits {
      guard let value = alphabet.firstIndex(of: digit) else { return nil }
      word = (word << 6 | UInt32(value)) & 0xFFFF
      bits += 6
      if bits >= 8 {
        bits -= 8
        bytes.append(UInt8(truncatingIfNeeded: word >> bits))
      }
    }
    return bytes
  }
}
