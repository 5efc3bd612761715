import Glibc

/// Eight band-pass filters side by side, one a lane: the level of each band in each 10 ms frame.
///
/// Two second-order sections a band, after the audio EQ cookbook's band-pass of constant peak gain.
struct BandFilters: Sendable {
  /// The bands' edges in Hz.
  static let edges: [Float] = [100, 280, 520, 900, 1400, 2100, 3000, 4300, 6800]
  /// What is added to the mean square, so that silence has a level: -100 dB of full scale.
  private static let least = Float(1e-10)

  private static let sections: (gain: SIMD8<Float>, a1: SIMD8<Float>, a2: SIMD8<Float>) = {
    var gain = SIMD8<Float>()
    var a1 = SIMD8<Float>()
    var a2 = SIMD8<Float>()
    for band in 0..<8 {
      let low = edges[band]
      let high = edges[band + 1]
      let center = (low * high).squareRoot()
      let angle = 2 * Float.pi * center / Float(AudioClock.rate)
      // Two sections in a row are narrower than one.
      let alpha = sinf(angle) * (high - low) / center / 2 * 1.5
      gain[band] = alpha / (1 + alpha)
      a1[band] = -2 * cosf(angle) / (1 + alpha)
      a2[band] = (1 - alpha) / (1 + alpha)
    }
    return (gain, a1, a2)
  }()

  private var input1 = Float(0)
  private var input2 = Float(0)
  private var first1 = SIMD8<Float>()
  private var first2 = SIMD8<Float>()
  private var second1 = SIMD8<Float>()
  private var second2 = SIMD8<Float>()

  /// The bands' levels over a frame, dB of full scale, -100 and up.
  mutating func levels(of frame: Span<Int16>) -> SIMD8<Float> {
    let (gain, a1, a2) = Self.sections
    var (x1, x2) = (input1, input2)
    var (u1, u2, v1, v2) = (first1, first2, second1, second2)
    var energy = SIMD8<Float>()
    for index in frame.indices {
      let sample = Float(frame[index])
      let u = gain * (sample - x2) - a1 * u1 - a2 * u2
      let v = gain * (u - u2) - a1 * v1 - a2 * v2
      energy += v * v
      (x1, x2) = (sample, x1)
      (u1, u2) = (u, u1)
      (v1, v2) = (v, v1)
    }
    (input1, input2) = (x1, x2)
    (first1, first2, second1, second2) = (u1, u2, v1, v2)
    energy /= Float(max(frame.count, 1)) * 32_768 * 32_768
    energy += Self.least
    var levels = SIMD8<Float>()
    for band in 0..<8 { levels[band] = 10 * log10f(energy[band]) }
    return levels
  }
}
