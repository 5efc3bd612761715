/// Mixes interleaved channels down to one.
package struct Mixer: Sendable, Equatable {
  /// What becomes of the channels.
  package enum Mode: Sendable, Equatable {
    /// All of them, weighted by what they are: see `Mixer.weights(for:)`.
    case all
    /// One of them, counted from 0.
    case channel(Int)

    package static let left = Mode.channel(0)
    package static let right = Mode.channel(1)
  }

  /// Interleaved channels of the input.
  package let channels: Int
  /// The weight of each channel; their sum is 1, so that full scale on all channels stays full scale.
  package let weights: [Float]
  private let mode: Mode

  /// `channels` must be positive. `nil` when `mode` names a channel that is not there.
  package init?(channels: Int, mode: Mode = .all) {
    precondition(channels > 0, "no channels")
    self.channels = channels
    self.mode = mode
    switch mode {
    case .all:
      weights = Self.weights(for: channels)
    case .channel(let index):
      guard 0..<channels ~= index else { return nil }
      weights = (0..<channels).map { $0 == index ? 1 : 0 }
    }
  }

  /// Six and eight channels are 5.1 and 7.1 in the order of WAVE files (front left, right, centre, low
  /// frequencies, back left, right, side left, right), mixed as ITU-R BS.775 table 2 says for one loudspeaker
  /// and scaled to a sum of 1; low frequencies are left out. Any other number of channels is averaged.
  package static func weights(for channels: Int) -> [Float] {
    let front = 0.5.squareRoot()
    let itu: [Double]
    switch channels {
    case 6: itu = [front, front, 1, 0, 0.5, 0.5]
    case 8: itu = [front, front, 1, 0, 0.5, 0.5, 0.5, 0.5]
    default: itu = [Double](repeating: 1, count: channels)
    }
    let sum = itu.reduce(0, +)
    return itu.map { Float($0 / sum) }
  }

  /// Mixes the whole frames of `input` that fit in `output`, and says how many.
  package func mix(_ input: Span<Float>, into output: inout MutableSpan<Float>) -> Int {
    output.withUnsafeMutableBufferPointer { output in
      input.withUnsafeBufferPointer { input in
        let frames = min(input.count / channels, output.count)
        if frames > 0, let source = input.baseAddress, let target = output.baseAddress {
          mix(source, into: target, frames: frames)
        }
        return frames
      }
    }
  }

  /// Mixes the whole frames of `samples` onto its own beginning, and says how many there are.
  package func mix(inPlace samples: inout MutableSpan<Float>) -> Int {
    samples.withUnsafeMutableBufferPointer { samples in
      let frames = samples.count / channels
      if frames > 0, let base = samples.baseAddress { mix(UnsafePointer(base), into: base, frames: frames) }
      return frames
    }
  }

  /// `target` may be `source`: frame `n` is read before output `n` is written, and nothing before it is read again.
  private func mix(_ source: UnsafePointer<Float>, into target: UnsafeMutablePointer<Float>, frames: Int) {
    if case .channel(let index) = mode {
      for frame in 0..<frames { target[frame] = source[frame &* channels &+ index] }
      return
    }
    if channels == 2 {
      for frame in 0..<frames { target[frame] = 0.5 * (source[2 &* frame] + source[2 &* frame &+ 1]) }
      return
    }
    weights.withUnsafeBufferPointer { weights in
      for frame in 0..<frames {
        var sum: Float = 0
        for channel in 0..<channels { sum += weights[channel] * source[frame &* channels &+ channel] }
        target[frame] = sum
      }
    }
  }
}
