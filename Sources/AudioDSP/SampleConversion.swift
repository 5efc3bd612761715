/// Between 16-bit samples and floats, full scale being -1 ..< 1.
package enum SampleConversion {
  /// Writes `samples / 32768` for as many samples as fit, and says how many. Exact.
  package static func convert(_ samples: Span<Int16>, into output: inout MutableSpan<Float>) -> Int {
    output.withUnsafeMutableBufferPointer { output in
      samples.withUnsafeBufferPointer { samples in
        let count = min(samples.count, output.count)
        guard count > 0, let source = samples.baseAddress, let target = output.baseAddress else { return 0 }
        var index = 0
        while index &+ 8 <= count {
          let wide = UnsafeRawPointer(source + index).loadUnaligned(as: SIMD8<Int16>.self)
          let scaled = SIMD8<Float>(wide) * (1 / 32768)
          UnsafeMutableRawPointer(target + index).storeBytes(of: scaled, as: SIMD8<Float>.self)
          index &+= 8
        }
        while index < count {
          target[index] = Float(source[index]) * (1 / 32768)
          index &+= 1
        }
        return count
      }
    }
  }

  /// Writes `samples · 32768` rounded to the nearest integer, ties to the even one, for as many samples as fit, and says how many.
  /// What exceeds full scale is clamped; a sample that is not a number becomes silence.
  package static func convert(_ samples: Span<Float>, into output: inout MutableSpan<Int16>) -> Int {
    output.withUnsafeMutableBufferPointer { output in
      samples.withUnsafeBufferPointer { samples in
        let count = min(samples.count, output.count)
        guard count > 0, let source = samples.baseAddress, let target = output.baseAddress else { return 0 }
        var index = 0
        while index &+ 8 <= count {
          let values = UnsafeRawPointer(source + index).loadUnaligned(as: SIMD8<Float>.self)
          UnsafeMutableRawPointer(target + index).storeBytes(of: rounded(values), as: SIMD8<Int16>.self)
          index &+= 8
        }
        while index < count {
          target[index] = rounded(SIMD8(repeating: source[index]))[0]
          index &+= 1
        }
        return count
      }
    }
  }

  @inline(__always)
  private static func rounded(_ values: SIMD8<Float>) -> SIMD8<Int16> {
    // 1.5 · 2^23: floats of this size have no fraction, so that adding it rounds to an integer the way the
    // processor rounds, and the integer stands in the low bits. `rounded()` would be a call per sample on a
    // baseline x86-64.
    let offset = SIMD8<Float>(repeating: 12_582_912)
    var scaled = values * 32768
    scaled.replace(with: 0, where: scaled .!= scaled)
    scaled.replace(with: -32768, where: scaled .< -32768)
    scaled.replace(with: 32767, where: scaled .> 32767)
    // Eight at once: four are packed one after the other.
    let integers =
      unsafeBitCast(scaled + offset, to: SIMD8<Int32>.self) &- unsafeBitCast(offset, to: SIMD8<Int32>.self)
    return SIMD8<Int16>(truncatingIfNeeded: integers)
  }
}
