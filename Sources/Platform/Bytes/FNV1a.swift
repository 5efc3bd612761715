/// FNV-1a of 64 bits: short, the same everywhere, and no match for anyone who looks for two texts with one hash.
package enum FNV1a {
  /// - Parameter seed: the usual one; another gives another hash of the same text.
  package static func hash(_ text: String, seed: UInt64 = 0xCBF2_9CE4_8422_2325) -> UInt64 {
    text.utf8.reduce(seed) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
  }
}
