/// How likely a frame is speech, given it and all before it: a layer of 32 rectified sums of the features, 32 gated recurrent
/// units, and a last sum.
///
/// Its ``SpeechModelWeights`` were found with synthetic and recorded voices in silence, noise and babble, and with noise,
/// music and other sounds alone; a frame takes 7,200 multiplications. The units remember what was heard for seconds: a word is not
/// judged as the first sound after silence is, nor in a crowd as in a quiet room.
struct SpeechModel: Sendable {
  private static let layer = Sums(SpeechModelWeights.layer, SpeechModelWeights.layerBias)
  /// Reset gates, update gates and candidates.
  private static let into = Sums(SpeechModelWeights.into, SpeechModelWeights.intoBias)
  private static let within = Sums(
    SpeechModelWeights.within, [Int16](repeating: 0, count: 64) + SpeechModelWeights.withinBias)
  private static let last = Row32(SpeechModelWeights.last[...])
  private static let lastBias = Float(SpeechModelWeights.lastBias) / 512

  private var units = Row32()

  /// Takes the next frame and returns the natural logarithm of the odds that it is speech.
  mutating func hear(_ features: borrowing SoundFeatures) -> Float {
    var layer = Self.layer.of(features.values, group: 0)
    layer.rectify()
    let given = layer.values
    let before = units.values
    var reset = Self.into.of(given, group: 0)
    reset.add(Self.within.of(before, group: 0))
    reset.makeLogistic()
    var renewal = Self.into.of(given, group: 1)
    renewal.add(Self.within.of(before, group: 1))
    renewal.makeLogistic()
    var candidate = Self.within.of(before, group: 2)
    candidate.multiply(by: reset)
    candidate.add(Self.into.of(given, group: 2))
    candidate.makeHyperbolicTangent()
    units.approach(candidate, by: renewal)
    var odds = units
    odds.multiply(by: Self.last)
    return odds.sum + Self.lastBias
  }
}

/// Weighted sums of 32 numbers, in groups of 32 sums.
private struct Sums: Sendable {
  /// For each group, four vectors for each number.
  private var weights: [SIMD8<Float>] = []
  private var biases: [Row32] = []

  /// - Parameters:
  ///   - numbers: a row of all sums' weights for each of the 32 numbers, in 512ths.
  ///   - bias: what each sum begins with.
  init(_ numbers: [Int16], _ bias: [Int16]) {
    for group in stride(from: 0, to: bias.count, by: 32) {
      for row in stride(from: 0, to: numbers.count, by: bias.count) {
        let part = Row32(numbers[row + group..<row + group + 32])
        weights += [part.a, part.b, part.c, part.d]
      }
      biases.append(Row32(bias[group..<group + 32]))
    }
  }

  func of(_ values: InlineArray<32, Float>, group: Int) -> Row32 {
    var (a, b, c, d) = (biases[group].a, biases[group].b, biases[group].c, biases[group].d)
    let weights = weights.span
    var place = group * 128
    for index in 0..<32 {
      let value = values[index]
      a += value * weights[place]
      b += value * weights[place + 1]
      c += value * weights[place + 2]
      d += value * weights[place + 3]
      place += 4
    }
    return Row32(a: a, b: b, c: c, d: d)
  }
}

/// 32 numbers as four vectors: longer ones are slow.
private struct Row32: Sendable {
  var a = SIMD8<Float>()
  var b = SIMD8<Float>()
  var c = SIMD8<Float>()
  var d = SIMD8<Float>()

  init() {}

  init(a: SIMD8<Float>, b: SIMD8<Float>, c: SIMD8<Float>, d: SIMD8<Float>) {
    (self.a, self.b, self.c, self.d) = (a, b, c, d)
  }

  /// 32 numbers in 512ths.
  init(_ numbers: ArraySlice<Int16>) {
    for lane in 0..<8 {
      a[lane] = Float(numbers[numbers.startIndex + lane]) / 512
      b[lane] = Float(numbers[numbers.startIndex + 8 + lane]) / 512
      c[lane] = Float(numbers[numbers.startIndex + 16 + lane]) / 512
      d[lane] = Float(numbers[numbers.startIndex + 24 + lane]) / 512
    }
  }

  var values: InlineArray<32, Float> {
    InlineArray { index in
      switch index / 8 {
      case 0: a[index % 8]
      case 1: b[index % 8]
      case 2: c[index % 8]
      default: d[index % 8]
      }
    }
  }

  var sum: Float { (a + b + c + d).sum() }

  mutating func add(_ other: Row32) {
    a += other.a
    b += other.b
    c += other.c
    d += other.d
  }

  mutating func multiply(by other: Row32) {
    a *= other.a
    b *= other.b
    c *= other.c
    d *= other.d
  }

  mutating func approach(_ aim: Row32, by share: Row32) {
    a += share.a * (aim.a - a)
    b += share.b * (aim.b - b)
    c += share.c * (aim.c - c)
    d += share.d * (aim.d - d)
  }

  mutating func rectify() {
    a.replace(with: 0, where: a .< 0)
    b.replace(with: 0, where: b .< 0)
    c.replace(with: 0, where: c .< 0)
    d.replace(with: 0, where: d .< 0)
  }

  mutating func makeHyperbolicTangent() {
    a = Self.hyperbolicTangent(a)
    b = Self.hyperbolicTangent(b)
    c = Self.hyperbolicTangent(c)
    d = Self.hyperbolicTangent(d)
  }

  mutating func makeLogistic() {
    a = 0.5 + 0.5 * Self.hyperbolicTangent(0.5 * a)
    b = 0.5 + 0.5 * Self.hyperbolicTangent(0.5 * b)
    c = 0.5 + 0.5 * Self.hyperbolicTangent(0.5 * c)
    d = 0.5 + 0.5 * Self.hyperbolicTangent(0.5 * d)
  }

  /// Lambert's continued fraction, right to four decimals.
  private static func hyperbolicTangent(_ numbers: SIMD8<Float>) -> SIMD8<Float> {
    var x = numbers
    x.replace(with: 4.97, where: x .> 4.97)
    x.replace(with: -4.97, where: x .< -4.97)
    let square = x * x
    let over = x * (135_135 + square * (17_325 + square * (378 + square)))
    return over / (135_135 + square * (62_370 + square * (3150 + square * 28)))
  }
}
