/// How likely a frame is speech: a layer of 32 and one of 16 rectified sums of the features, and a last sum.
///
/// Its ``SpeechModelWeights`` were found with synthetic voices in silence, noise and babble, and with noise, music and
/// other sounds alone; a frame takes 1,600 multiplications.
enum SpeechModel {
  private typealias Row = SIMD16<Float>

  /// Two rows for each feature.
  private static let first = rows(SpeechModelWeights.first)
  private static let firstBias = rows(SpeechModelWeights.firstBias)
  private static let second = rows(SpeechModelWeights.second)
  private static let secondBias = rows(SpeechModelWeights.secondBias)[0]
  private static let last = rows(SpeechModelWeights.last)[0]

  /// The natural logarithm of the odds that the frame is speech.
  static func logOdds(_ features: borrowing SoundFeatures) -> Float {
    var left = firstBias[0]
    var right = firstBias[1]
    let rows = first.span
    for index in features.values.indices {
      let value = features.values[index]
      left += value * rows[2 * index]
      right += value * rows[2 * index + 1]
    }
    left = rectified(left)
    right = rectified(right)
    var sums = secondBias
    let later = second.span
    for index in 0..<16 {
      sums += left[index] * later[index]
      sums += right[index] * later[16 + index]
    }
    return (rectified(sums) * last).sum() + SpeechModelWeights.lastBias
  }

  private static func rectified(_ row: Row) -> Row {
    row.replacing(with: 0, where: row .< 0)
  }

  private static func rows(_ numbers: [Float]) -> [Row] {
    stride(from: 0, to: numbers.count, by: 16).map { Row(numbers[$0..<$0 + 16]) }
  }
}
