import Glibc

/// How likely a turn is over, given how long nothing was said and whether the voice fell before that.
///
/// A logistic sum whose coefficients tools/turns/fit.py found on the tuning set of the corpus of `tools/bench turns`, so that
/// of the moments it calls 0.7 about 70 % follow a turn's end there. It rises with silence, however the phrase ended.
enum EndOfTurnModel {
  /// Added to what was found, so that a confidence of 0.7 comes within 0.7 s of most ends: of the moments with it a few less
  /// than 70 % are ends.
  private static let haste = 0.25
  /// Coefficients of: one; the silence in seconds; what of it exceeds 0.5 s; what exceeds 0.75 s.
  private static let silence = SIMD4(-1.195 + haste, 2.722, 0.653, 26.597)
  /// Of the pitch at the phrase's end, as ``PhraseEnd`` has it, and what it is on average.
  private static let pitch = -0.638
  private static let meanPitch = -0.187

  /// From 0 to 1; 0 while one speaks.
  ///
  /// - Parameters:
  ///   - silence: since the last speech, in seconds.
  ///   - pitch: at the end of it; `nil` where nobody listened.
  static func confidence(silence: Double, pitch: Float?) -> Double {
    guard silence > 0 else { return 0 }
    var odds = (self.silence * SIMD4(1, silence, max(0, silence - 0.5), max(0, silence - 0.75))).sum()
    if let pitch { odds += self.pitch * (Double(pitch) - meanPitch) }
    return 1 / (1 + exp(-odds))
  }
}
