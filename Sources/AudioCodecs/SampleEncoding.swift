/// How a sample stands in a file or on the wire; little-endian where it has more than one byte.
package enum SampleEncoding: Sendable, Equatable, CaseIterable {
  /// Offset binary, 128 is silence.
  case u8
  case s16, s24, s32
  case f32, f64
  case muLaw, aLaw

  /// Bytes of one sample.
  package var size: Int {
    switch self {
    case .u8, .muLaw, .aLaw: 1
    case .s16: 2
    case .s24: 3
    case .s32, .f32: 4
    case .f64: 8
    }
  }

  /// Writes the samples in `bytes` with full scale -1 ..< 1, as many as there are whole and as fit, and says
  /// how many. Exact for all but `s32` and `f64`, which are rounded to the nearest float.
  package func decode(_ bytes: RawSpan, into output: inout MutableSpan<Float>) -> Int {
    bytes.withUnsafeBytes { bytes in
      output.withUnsafeMutableBufferPointer { decode(bytes, into: $0) }
    }
  }

  /// Writes the samples in `bytes` as 16-bit samples, as many as there are whole and as fit, and says how
  /// many. Exact for `u8`, `s16`, `muLaw` and `aLaw`; others are rounded to the nearest, ties to even, and
  /// clamped, with silence for what is not a number.
  package func decode(_ bytes: RawSpan, into output: inout MutableSpan<Int16>) -> Int {
    bytes.withUnsafeBytes { bytes in
      output.withUnsafeMutableBufferPointer { decode(bytes, into: $0) }
    }
  }

  func decode(_ bytes: UnsafeRawBufferPointer, into output: UnsafeMutableBufferPointer<Float>) -> Int {
    let count = min(bytes.count / size, output.count)
    guard count > 0, let source = bytes.baseAddress, let target = output.baseAddress else { return 0 }
    switch self {
    case .u8:
      for index in 0..<count {
        target[index] = Float(Int32(source.load(fromByteOffset: index, as: UInt8.self)) &- 128) * (1 / 128)
      }
    case .s16:
      var index = 0
      while index &+ 8 <= count {
        let samples = source.loadUnaligned(fromByteOffset: 2 &* index, as: SIMD8<Int16>.self)
        let scaled = SIMD8<Float>(samples) * (1 / 32768)
        UnsafeMutableRawPointer(target + index).storeBytes(of: scaled, as: SIMD8<Float>.self)
        index &+= 8
      }
      while index < count {
        target[index] = Float(source.loadUnaligned(fromByteOffset: 2 &* index, as: Int16.self)) * (1 / 32768)
        index &+= 1
      }
    case .s24:
      for index in 0..<count { target[index] = Float(Self.s24(source + 3 &* index)) * (1 / 2_147_483_648) }
    case .s32:
      for index in 0..<count {
        let sample = source.loadUnaligned(fromByteOffset: 4 &* index, as: Int32.self)
        target[index] = Float(sample) * (1 / 2_147_483_648)
      }
    case .f32:
      UnsafeMutableRawPointer(target).copyMemory(from: source, byteCount: 4 * count)
    case .f64:
      for index in 0..<count {
        target[index] = Float(source.loadUnaligned(fromByteOffset: 8 &* index, as: Double.self))
      }
    case .muLaw:
      G711.muLawSamples.withUnsafeBufferPointer { table in
        for index in 0..<count {
          target[index] = Float(table[Int(source.load(fromByteOffset: index, as: UInt8.self))]) * (1 / 32768)
        }
      }
    case .aLaw:
      G711.aLawSamples.withUnsafeBufferPointer { table in
        for index in 0..<count {
          target[index] = Float(table[Int(source.load(fromByteOffset: index, as: UInt8.self))]) * (1 / 32768)
        }
      }
    }
    return count
  }

  func decode(_ bytes: UnsafeRawBufferPointer, into output: UnsafeMutableBufferPointer<Int16>) -> Int {
    let count = min(bytes.count / size, output.count)
    guard count > 0, let source = bytes.baseAddress, let target = output.baseAddress else { return 0 }
    switch self {
    case .u8:
      for index in 0..<count {
        target[index] = (Int16(source.load(fromByteOffset: index, as: UInt8.self)) &- 128) &<< 8
      }
    case .s16:
      UnsafeMutableRawPointer(target).copyMemory(from: source, byteCount: 2 * count)
    case .s24:
      for index in 0..<count { target[index] = Self.rounded(Double(Self.s24(source + 3 &* index)) / 65536) }
    case .s32:
      for index in 0..<count {
        let sample = source.loadUnaligned(fromByteOffset: 4 &* index, as: Int32.self)
        target[index] = Self.rounded(Double(sample) / 65536)
      }
    case .f32:
      for index in 0..<count {
        let sample = source.loadUnaligned(fromByteOffset: 4 &* index, as: Float.self)
        target[index] = Self.rounded(Double(sample) * 32768)
      }
    case .f64:
      for index in 0..<count {
        target[index] = Self.rounded(
          source.loadUnaligned(fromByteOffset: 8 &* index, as: Double.self) * 32768)
      }
    case .muLaw:
      G711.muLawSamples.withUnsafeBufferPointer { table in
        for index in 0..<count {
          target[index] = table[Int(source.load(fromByteOffset: index, as: UInt8.self))]
        }
      }
    case .aLaw:
      G711.aLawSamples.withUnsafeBufferPointer { table in
        for index in 0..<count {
          target[index] = table[Int(source.load(fromByteOffset: index, as: UInt8.self))]
        }
      }
    }
    return count
  }

  /// The 24-bit sample at `bytes` in the upper three bytes of 32.
  @inline(__always)
  private static func s24(_ bytes: UnsafeRawPointer) -> Int32 {
    let low = UInt32(bytes.loadUnaligned(as: UInt16.self))
    let high = UInt32(bytes.load(fromByteOffset: 2, as: UInt8.self))
    return Int32(bitPattern: high << 24 | low << 8)
  }

  @inline(__always)
  private static func rounded(_ value: Double) -> Int16 {
    guard value == value else { return 0 }
    // 1.5 · 2^52: adding it rounds to an integer the way the processor rounds. `rounded()` would be a call
    // per sample on a baseline x86-64.
    let offset = 6_755_399_441_055_744.0
    return Int16(truncatingIfNeeded: Int(min(max(value, -32768), 32767) + offset - offset))
  }
}
