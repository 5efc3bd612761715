import CCurl

/// Unpredictable numbers for the masks of frames (RFC 6455 §10.3), fetched from the kernel many at a time: one call for each frame
/// is a tenth of what the frame costs. Loop thread only.
final class MaskKeys: @unchecked Sendable {
  // Unchecked: touched on the loop thread only.

  private static let fetchedAtOnce = 64
  @exclusivity(unchecked) private var keys: [UInt32] = []

  /// The next one; none is given twice.
  func next() -> UInt32 {
    if keys.isEmpty {
      keys.append(contentsOf: repeatElement(0, count: Self.fetchedAtOnce))
      keys.withUnsafeMutableBytes { fill($0) }
    }
    return keys.removeLast()
  }

  private func fill(_ bytes: UnsafeMutableRawBufferPointer) {
    // So few bytes come whole or, before the kernel has gathered any randomness, not yet.
    while getrandom(bytes.baseAddress, bytes.count, 0) != bytes.count {}
  }
}
