internal import Glibc

#if arch(x86_64)
internal import CSIMD
#endif

/// Resamples interleaved audio by a ratio close to one that may change at any time: for a source whose clock is not quite right.
///
/// A windowed sinc of 64 samples, flat within 0.001 dB up to 0.45 of the rate, its errors 100 dB down there. At whole positions
/// it is one at the sample itself and zero at all others, so that what comes out is, to the bit, what went in until `step` is
/// first something else than 1: following a clock begins without a seam. What comes out is `lookahead` frames behind what went
/// in. No call allocates.
package struct DriftResampler: Sendable {
  private static let taps = 64
  /// Frames after a position that have to be known before there can be output for it.
  package static let lookahead = taps / 2
  /// Rows of the table for the way from one sample to the next; between rows a straight line is within -106 dB.
  private static let rows = 512
  private static let table = makeTable()
  #if arch(x86_64)
  private static let hasAVX2 = CSIMD_hasAVX2()
  #endif

  private let channels: Int
  /// Per channel `capacity` samples.
  private var history: [Float]
  private let capacity = 1024
  /// Samples held per channel.
  private var filled = 0
  /// Where the window of the next output begins, and how far the output is behind its sample, in samples.
  private var start = 0
  private var fraction = 0.0
  /// Outputs until all samples the window covers are input. Until then they follow each other at whole positions, where what is
  /// missing counts for nothing.
  private var unprimed = 0
  /// Input frames for each frame of output.
  package var step = 1.0
  /// How many more frames of input than of output have been used up since the beginning, whatever is still held.
  package private(set) var slipped: Int64 = 0

  package init(channels: Int) {
    precondition(channels > 0, "no channels")
    self.channels = channels
    history = [Float](repeating: 0, count: capacity * channels)
    // Made here, so that nobody waits for it on an audio thread.
    _ = Self.table
    reset()
  }

  /// Forgets all input, as if silence had come before. The step becomes 1.
  package mutating func reset() {
    for index in history.indices { history[index] = 0 }
    filled = Self.taps / 2 - 1
    start = 0
    fraction = 0
    unprimed = Self.taps / 2 - 1
    step = 1
    slipped = 0
  }

  /// Takes frames from `input` and writes frames to `output`, interleaved, and says how many of each. When room is left, all the
  /// input was taken.
  /// - Parameter input: nil for silence.
  package mutating func process(
    _ input: UnsafePointer<Float>?, frames: Int, into output: UnsafeMutablePointer<Float>, room: Int
  ) -> (consumed: Int, produced: Int) {
    var (consumed, produced) = (0, 0)
    while true {
      let count = run(into: output + produced * channels, room: room - produced)
      produced += count
      if filled == capacity { makeRoom() }
      // As much as the outputs that fit look at: what finds no room is left to the caller.
      let wanted = produced == room ? 0 : start + Self.taps - 1 + room - produced - filled
      let taken = min(frames - consumed, capacity - filled, wanted)
      if taken > 0 {
        append(input.map { $0 + consumed * channels }, frames: taken)
        consumed += taken
      }
      if count == 0 && taken == 0 { return (consumed, produced) }
    }
  }

  private mutating func append(_ source: UnsafePointer<Float>?, frames: Int) {
    history.withUnsafeMutableBufferPointer { history in
      for channel in 0..<channels {
        let target = history.baseAddress! + channel * capacity + filled
        if let source {
          for frame in 0..<frames { target[frame] = source[frame &* channels &+ channel] }
        } else {
          target.update(repeating: 0, count: frames)
        }
      }
    }
    filled += frames
  }

  /// Drops what no output needs any more.
  private mutating func makeRoom() {
    history.withUnsafeMutableBufferPointer { history in
      for channel in 0..<channels {
        let samples = history.baseAddress! + channel * capacity
        samples.update(from: samples + start, count: filled - start)
      }
    }
    filled -= start
    start = 0
  }

  private mutating func run(into output: UnsafeMutablePointer<Float>, room: Int) -> Int {
    var (start, fraction, produced) = (start, fraction, 0)
    history.withUnsafeBufferPointer { history in
      Self.table.withUnsafeBufferPointer { table in
        while produced < room && start + Self.taps <= filled {
          let place = fraction * Double(Self.rows)
          let row = min(Int(place), Self.rows - 1)
          let part = Float(place - Double(row))
          let weights = table.baseAddress! + row * Self.taps
          for channel in 0..<channels {
            let samples = history.baseAddress! + channel * capacity + start
            let (a, b) = Self.dots(samples, weights, weights + Self.taps)
            output[produced &* channels &+ channel] = a + part * (b - a)
          }
          produced += 1
          if unprimed > 0 {
            unprimed -= 1
            start += 1
            continue
          }
          fraction += step
          let whole = Int(fraction)
          fraction -= Double(whole)
          start += whole
        }
      }
    }
    slipped += Int64(start - self.start - produced)
    (self.start, self.fraction) = (start, fraction)
    return produced
  }

  /// The dot products of `x` with `h` and with `g`.
  @inline(__always)
  private static func dots(
    _ x: UnsafePointer<Float>, _ h: UnsafePointer<Float>, _ g: UnsafePointer<Float>
  ) -> (Float, Float) {
    #if arch(x86_64)
    if hasAVX2 {
      let pair = CSIMD_dot(x, h, x, g, taps)
      return (pair.first, pair.second)
    }
    #endif
    var (a, b) = (SIMD8<Float>.zero, SIMD8<Float>.zero)
    for index in stride(from: 0, to: taps, by: 8) {
      let samples = UnsafeRawPointer(x + index).loadUnaligned(as: SIMD8<Float>.self)
      a += samples * UnsafeRawPointer(h + index).loadUnaligned(as: SIMD8<Float>.self)
      b += samples * UnsafeRawPointer(g + index).loadUnaligned(as: SIMD8<Float>.self)
    }
    return (a.sum(), b.sum())
  }

  // MARK: - The table

  private static func makeTable() -> [Float] {
    var table = [Float](repeating: 0, count: (rows + 1) * taps)
    // The function is even: the second half of the rows is the first, backwards.
    for row in 0...(rows / 2) {
      let fraction = Double(row) / Double(rows)
      let values = (0..<taps).map { tap in value(at: fraction - Double(tap - taps / 2 + 1)) }
      // A constant stays what it is, whatever the position.
      let sum = values.reduce(0, +)
      for tap in 0..<taps {
        let weight = Float(values[tap] / sum)
        table[row * taps + tap] = weight
        table[(rows - row) * taps + taps - 1 - tap] = weight
      }
    }
    return table
  }

  /// The function at a distance in samples: a sinc under a Kaiser window for 100 dB.
  private static func value(at distance: Double) -> Double {
    // Exactly 1 or 0 at whole distances, which a sine is not.
    if distance == distance.rounded() { return distance == 0 ? 1 : 0 }
    let u = distance / Double(taps / 2)
    let window = bessel(shape * max(0, 1 - u * u).squareRoot()) / besselOfShape
    return sin(Double.pi * distance) / (Double.pi * distance) * window
  }

  /// The window's parameter.
  private static let shape = 10.06
  private static let besselOfShape = bessel(shape)

  /// The modified Bessel function of the first kind and order zero.
  private static func bessel(_ x: Double) -> Double {
    var (sum, term, k) = (1.0, 1.0, 1.0)
    while term > sum * 1e-17 {
      term *= (x / (2 * k)) * (x / (2 * k))
      sum += term
      k += 1
    }
    return sum
  }
}
