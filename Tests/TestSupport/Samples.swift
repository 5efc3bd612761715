/// The samples in little-endian `bytes`.
package func samples<Sample: BitwiseCopyable>(_ bytes: [UInt8], as type: Sample.Type) -> [Sample] {
  bytes.withUnsafeBytes { bytes in
    (0..<(bytes.count / MemoryLayout<Sample>.size)).map {
      bytes.loadUnaligned(fromByteOffset: $0 * MemoryLayout<Sample>.size, as: type)
    }
  }
}

/// `samples` in little-endian bytes.
package func bytes<Sample: BitwiseCopyable>(_ samples: [Sample]) -> [UInt8] {
  samples.withUnsafeBytes { [UInt8]($0) }
}
