internal import FluxGraph
internal import Glibc

/// A signal as a function of the number of the sample, so that it is the same however it is cut.
struct Waveform: Sendable {
  enum Shape: Sendable {
    case sine(hertz: Double)
    /// From one frequency to another, each octave taking the same time, over and over.
    case sweep(from: Double, to: Double, frames: Int)
    /// White noise.
    case noise
    case silence
  }

  let shape: Shape
  /// Samples a second.
  let rate: Int
  /// The largest value.
  let peak: Float

  func sample(_ index: Int) -> Float {
    switch shape {
    case .silence: 0
    case .sine(let hertz): peak * sine(Double(index) * hertz / Double(rate))
    case .sweep(let from, let to, let frames):
      // The phase is the integral of f(t) = from · (to / from)^(t / T).
      { () -> Float in
        let growth = log(to / from)
        let time = Double(index % frames) / Double(frames)
        return peak * sine(from * Double(frames) / Double(rate) / growth * (exp(growth * time) - 1))
      }()
    case .noise: peak * Self.noise(index)
    }
  }

  private func sine(_ turns: Double) -> Float {
    Float(sin((turns - turns.rounded(.down)) * 2 * .pi))
  }

  /// SplitMix64 of the index: the same noise every time, with no memory between samples.
  private static func noise(_ index: Int) -> Float {
    let bits = SplitMix64.mixed((UInt64(bitPattern: Int64(index)) &+ 1) &* SplitMix64.step)
    return Float(Int32(truncatingIfNeeded: bits >> 32)) / 2_147_483_648
  }
}
