import Glibc

/// How likely a turn is over, given how long nothing was said and whether the voice fell before that.
///
/// A logistic sum whose coefficients tools/turns/fit.py found on the tuning set of the corpus of `tools/bench turns`, so that
/// of the moments it calls 0.7 about 70 % follow a turn's end there. It rises with silence, however the phrase ended. They were
/// found with weights of ``SpeechModel`` before the present ones: those found anew are no better on the development set, and
/// later at low thresholds.
enum EndOfTurnModel {
  /// Added to what was found, so that a confidence of 0.7 comes within 0.7 s of most ends and still means what it says. 0.15 to
  /// 0.2 is what the development set asks for.
  private static let haste = 0.2
  /// Coefficients of: one; the silence in seconds; what of it exceeds 0.5 s; what exceeds 0.75 s.
  private static let silence = SIMD4(-1.238 + haste, 2.857, 0.773, 17.748)
  /// Of the pitch at the phrase's end, as ``PhraseEnd`` has it, and what it is on average.
  private static let pitch = -0.598
  private static let meanPitch = -0.202

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
