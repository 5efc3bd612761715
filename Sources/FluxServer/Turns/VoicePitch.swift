/// How periodic the sound is and at what pitch: the normalised autocorrelation of the last 32 ms below 900 Hz, for
/// lags of 60 to 400 Hz.
struct VoicePitch: Sendable {
  /// Samples a second of what is correlated.
  private static let rate = Float(4000)
  private static let window = 128
  /// Lags of 10 to 73 samples: eight vectors of eight.
  private static let shortest = 10
  private static let lags = 64
  private static let history = window + shortest + lags

  /// 0 for noise, 1 for a steady tone.
  private(set) var periodicity = Float(0)
  /// Hz; of the last sound that was periodic.
  private(set) var pitch = Float(0)

  private var samples = InlineArray<202, Float>(repeating: 0)
  private var low1 = Float(0)
  private var low2 = Float(0)
  private var low3 = Float(0)

  /// Takes the next frame; ``update()`` looks at what was taken.
  mutating func hear(_ frame: Span<Int16>) {
    let count = frame.count / 4
    for index in 0..<(Self.history - count) { samples[index] = samples[index + count] }
    var (low1, low2, low3) = (low1, low2, low3)
    for index in 0..<count {
      // Three one-pole low-passes at 900 Hz before three of four samples are dropped.
      for offset in 0..<4 {
        low1 += 0.3 * (Float(frame[4 * index + offset]) - low1)
        low2 += 0.3 * (low1 - low2)
        low3 += 0.3 * (low2 - low3)
      }
      samples[Self.history - count + index] = low3
    }
    (self.low1, self.low2, self.low3) = (low1, low2, low3)
  }

  /// Forgets that there was anything periodic, where it would not be worth looking.
  mutating func skip() {
    periodicity = 0
  }

  mutating func update() {
    var products = InlineArray<8, SIMD8<Float>>(repeating: SIMD8())
    var energy = Float(1)
    let first = Self.history - Self.window
    samples.span.withUnsafeBytes { bytes in
      for index in first..<Self.history {
        let sample = bytes.load(fromByteOffset: 4 * index, as: Float.self)
        energy += sample * sample
        // Lane 0 of vector 0 is the longest lag.
        let oldest = index - Self.shortest - Self.lags + 1
        for vector in 0..<8 {
          products[vector] +=
            sample * bytes.loadUnaligned(fromByteOffset: 4 * (oldest + 8 * vector), as: SIMD8<Float>.self)
        }
      }
    }
    var correlations = InlineArray<64, Float>(repeating: 0)
    var delayed = Float(1)
    for index in first..<Self.history { delayed += square(samples[index - Self.shortest]) }
    for lag in 0..<Self.lags {
      let place = Self.lags - 1 - lag
      correlations[lag] = products[place / 8][place % 8] / (energy * delayed).squareRoot()
      // The window of the next lag begins, and ends, one sample earlier.
      let start = first - Self.shortest - lag - 1
      if start >= 0 { delayed += square(samples[start]) - square(samples[start + Self.window]) }
      delayed = max(delayed, 1)
    }
    choose(correlations)
  }

  /// The first peak nearly as high as the highest: a voice also repeats after two periods.
  private mutating func choose(_ correlations: InlineArray<64, Float>) {
    var highest = Float(0)
    for lag in 1..<(Self.lags - 1) where isPeak(correlations, lag) {
      highest = max(highest, correlations[lag])
    }
    periodicity = highest
    guard highest > 0.3 else { return }
    for lag in 1..<(Self.lags - 1) where isPeak(correlations, lag) && correlations[lag] > 0.87 * highest {
      let (left, middle, right) = (correlations[lag - 1], correlations[lag], correlations[lag + 1])
      let curvature = left - 2 * middle + right
      let shift = curvature < -1e-6 ? 0.5 * (left - right) / curvature : 0
      pitch = Self.rate / (Float(Self.shortest + lag) + max(-0.5, min(0.5, shift)))
      return
    }
  }

  private func isPeak(_ correlations: InlineArray<64, Float>, _ lag: Int) -> Bool {
    correlations[lag] >= correlations[lag - 1] && correlations[lag] >= correlations[lag + 1]
  }

  private func square(_ value: Float) -> Float { value * value }
}
