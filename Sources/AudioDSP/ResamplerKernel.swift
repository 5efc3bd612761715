#if arch(x86_64)
internal import CSIMD
#endif

/// The polyphase table of one pair of rates, and the dot products over it.
///
/// An output sample at input position `i + phase / phases` is the dot product of one row of the table with
/// the `taps` input samples `i - taps / 2 + 1 ... i + taps / 2`. Rows are stored in input order, so that both
/// operands run forward through contiguous memory.
struct ResamplerKernel: Sendable {
  /// Coefficients above which the table is thinned out and rows are interpolated: 1 MiB of Float, so that the
  /// table stays in a second-level cache.
  static let tableLimit = 1 << 18

  /// Samples in a dot product, a multiple of 16.
  let taps: Int
  /// Input samples advanced per output sample, as whole samples and phases.
  let wholeStep: Int
  let phaseStep: Int
  /// Output samples per input sample, numerator of the reduced ratio.
  let phases: Int
  /// Rows in the table: `phases`, or fewer when rows are interpolated (one more is stored then).
  private let rows: Int
  private let interpolates: Bool
  private let table: [Float]
  /// Whether dot products are computed with AVX2 and FMA. The last bits of the result depend on it.
  private let usesAVX2: Bool

  #if arch(x86_64)
  /// Whether this processor has AVX2 and FMA.
  static let hasAVX2 = CSIMD_hasAVX2()
  #else
  static let hasAVX2 = false
  #endif

  /// - Parameter mayUseAVX2: whether AVX2 is used where the processor has it.
  init(from source: Int, to target: Int, mayUseAVX2: Bool = true) {
    usesAVX2 = mayUseAVX2 && Self.hasAVX2
    var (divisor, rest) = (source, target)
    while rest != 0 { (divisor, rest) = (rest, divisor % rest) }
    phases = target / divisor
    (wholeStep, phaseStep) = (source / divisor).quotientAndRemainder(dividingBy: phases)

    let lower = min(source, target)
    let scale = Double(lower) / Double(source)
    // Equal rates need no filter: the one tap at the sample itself is 1.
    let span = source == target ? 1 : Int((ResamplerPrototype.support / scale).rounded(.up))
    taps = (span + 15) / 16 * 16

    let needed = (ResamplerPrototype.resolution * lower + source - 1) / source
    interpolates =
      phases > needed && phases.multipliedReportingOverflow(by: taps).partialValue > Self.tableLimit
    rows = interpolates ? needed : phases

    var table: [Float] = []
    table.reserveCapacity((rows + 1) * taps)
    for row in 0..<(interpolates ? rows + 1 : rows) {
      let fraction = Double(row) / Double(rows)
      for tap in 0..<taps {
        let distance = fraction - Double(tap - taps / 2 + 1)
        if source == target {
          table.append(distance == 0 ? 1 : 0)
        } else {
          table.append(Float(scale * ResamplerPrototype.value(at: distance * scale)))
        }
      }
    }
    self.table = table
  }

  /// Where the window of the output `count` samples after the one at (`start`, `phase`) begins.
  func start(after count: Int, from start: Int, phase: Int) -> Int {
    start + count * wholeStep + (phase + count * phaseStep) / phases
  }

  /// Moves `start` and `phase` by one output sample.
  @inline(__always)
  private func advance(_ start: inout Int, _ phase: inout Int) {
    start &+= wholeStep
    phase &+= phaseStep
    if phase >= phases {
      phase &-= phases
      start &+= 1
    }
  }

  /// Computes `count` output samples, `spacing` floats apart, from the samples at `history`; the window of
  /// the first begins at `start`.
  ///
  /// Every output is summed in the same order whichever samples it is computed with, so the result does not
  /// depend on how the signal was cut into calls.
  func apply(
    _ history: UnsafePointer<Float>, start: Int, phase: Int, into output: UnsafeMutablePointer<Float>,
    spacing: Int, count: Int
  ) {
    table.withUnsafeBufferPointer { table in
      guard let table = table.baseAddress else { return }
      var (start, phase) = (start, phase)
      var output = output
      if interpolates {
        for _ in 0..<count {
          let (row, rest) = (phase * rows).quotientAndRemainder(dividingBy: phases)
          let fraction = Float(rest) / Float(phases)
          let lower = table + row * taps
          let (a, b) = dots(history + start, lower, history + start, lower + taps)
          output.pointee = a + fraction * (b - a)
          output += spacing
          advance(&start, &phase)
        }
        return
      }
      // Two outputs at a time keep eight independent sums in flight, which hides the latency of the addition.
      var remaining = count
      while remaining >= 2 {
        let (first, firstRow) = (history + start, table + phase * taps)
        advance(&start, &phase)
        let (second, secondRow) = (history + start, table + phase * taps)
        advance(&start, &phase)
        let (a, b) = dots(first, firstRow, second, secondRow)
        output.pointee = a
        output[spacing] = b
        output += 2 * spacing
        remaining -= 2
      }
      if remaining == 1 {
        let (last, row) = (history + start, table + phase * taps)
        output.pointee = dots(last, row, last, row).0
      }
    }
  }

  @inline(__always)
  private static func load(_ pointer: UnsafePointer<Float>, _ index: Int) -> SIMD4<Float> {
    UnsafeRawPointer(pointer + index).loadUnaligned(as: SIMD4<Float>.self)
  }

  @inline(__always)
  private static func total(
    _ a: SIMD4<Float>, _ b: SIMD4<Float>, _ c: SIMD4<Float>, _ d: SIMD4<Float>
  ) -> Float {
    let sum = (a + b) + (c + d)
    return (sum[0] + sum[2]) + (sum[1] + sum[3])
  }

  /// Two dot products at once: of `x` with `h` and of `y` with `g`, each summed in the same order.
  @inline(__always)
  private func dots(
    _ x: UnsafePointer<Float>, _ h: UnsafePointer<Float>, _ y: UnsafePointer<Float>,
    _ g: UnsafePointer<Float>
  ) -> (Float, Float) {
    #if arch(x86_64)
    if usesAVX2 {
      let pair = CSIMD_dot(x, h, y, g, taps)
      return (pair.first, pair.second)
    }
    #endif
    return Self.dot(x, h, y, g, taps)
  }

  @inline(__always)
  private static func dot(
    _ x: UnsafePointer<Float>, _ h: UnsafePointer<Float>, _ y: UnsafePointer<Float>,
    _ g: UnsafePointer<Float>,
    _ taps: Int
  ) -> (Float, Float) {
    var (a, b, c, d) = (SIMD4<Float>.zero, SIMD4<Float>.zero, SIMD4<Float>.zero, SIMD4<Float>.zero)
    var (e, f, i, j) = (SIMD4<Float>.zero, SIMD4<Float>.zero, SIMD4<Float>.zero, SIMD4<Float>.zero)
    var k = 0
    while k < taps {
      a += load(x, k) * load(h, k)
      e += load(y, k) * load(g, k)
      b += load(x, k &+ 4) * load(h, k &+ 4)
      f += load(y, k &+ 4) * load(g, k &+ 4)
      c += load(x, k &+ 8) * load(h, k &+ 8)
      i += load(y, k &+ 8) * load(g, k &+ 8)
      d += load(x, k &+ 12) * load(h, k &+ 12)
      j += load(y, k &+ 12) * load(g, k &+ 12)
      k &+= 16
    }
    return (total(a, b, c, d), total(e, f, i, j))
  }
}
