internal import Glibc

/// An IPv4 or IPv6 address. The IPv4-mapped form of IPv6 (RFC 4291 §2.5.5.2) is the IPv4 address it stands for.
package struct IPAddress: Sendable, Hashable {
  private static let mapped: UInt64 = 0xFFFF_0000_0000

  private let upper: UInt64
  private let lower: UInt64

  /// - Parameter text: in digits, as `inet_pton` reads them: without brackets, port and zone.
  package init?(_ text: some StringProtocol) {
    let text = String(text)
    var bytes = [UInt8](repeating: 0, count: 16)
    if inet_pton(AF_INET, text, &bytes) == 1 {
      upper = 0
      lower = Self.mapped | Self.number(bytes[0..<4])
    } else if inet_pton(AF_INET6, text, &bytes) == 1 {
      upper = Self.number(bytes[0..<8])
      lower = Self.number(bytes[8..<16])
    } else {
      return nil
    }
  }

  package var isIPv4: Bool { upper == 0 && lower >> 32 == 0xFFFF }

  /// 127.0.0.0/8 and ::1: only programs on this machine are there.
  package var isLoopback: Bool {
    isIPv4 ? (lower >> 24) & 0xFF == 127 : upper == 0 && lower == 1
  }

  /// 0.0.0.0 and ::, by which connections lead to this machine as well.
  package var isUnspecified: Bool { upper == 0 && (lower == 0 || lower == Self.mapped) }

  /// Whether the first `bits` bits are those of `network`; `bits` counts as the network's own kind does, from 0 to 32 or 128.
  package func isWithin(_ network: IPAddress, bits: Int) -> Bool {
    guard isIPv4 == network.isIPv4 else { return false }
    let bits = isIPv4 ? bits + 96 : bits
    return Self.isSame(upper, network.upper, bits) && Self.isSame(lower, network.lower, bits - 64)
  }

  private static func isSame(_ one: UInt64, _ other: UInt64, _ bits: Int) -> Bool {
    bits <= 0 || (one ^ other) >> UInt64(64 - min(bits, 64)) == 0
  }

  private static func number(_ bytes: ArraySlice<UInt8>) -> UInt64 {
    bytes.reduce(0) { $0 << 8 | UInt64($1) }
  }
}
