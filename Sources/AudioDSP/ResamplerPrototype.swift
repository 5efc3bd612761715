import Glibc

/// The low-pass every `Resampler` is cut from: a function of continuous time, in samples of the lower of the
/// two rates, so that one design serves every pair of rates and every phase.
///
///     h(u) = (1 - u²) · Σ c[k] · cos(π k u),   u = 2t / support,   |u| < 1
///
/// The coefficients are the minimax solution of the linear program
///
///     minimise d   such that   |H(f) - 1| ≤ 3e-4                        for f ≤ 7/16
///                              |H(f)|     ≤ d · ((9/16) / f)^1.5        for f ≥ 9/16
///
/// with f in cycles per sample of the lower rate. It gives 0.0053 dB of ripple and -106 dB at the edge of the
/// stop band. The stop band falls with 1.5 times the logarithm of the frequency, because sampling the
/// function folds its tail back: for 48 kHz to 16 kHz -104.5 dB are left. The same figures with a Kaiser
/// window, which cannot spend less effort on the pass band than on the stop band, take a fifth more taps.
enum ResamplerPrototype {
  /// Length of the function in samples of the lower rate: 128 taps for 48 kHz to 16 kHz.
  static let support = 128.0 / 3

  /// Samples of the function per sample of the lower rate from which a straight line between two of them is
  /// within -106 dB of the function: the error is (2π · 0.5 / 512)² / 8 at the Nyquist frequency.
  static let resolution = 512

  /// The function at `time`, in samples of the lower rate.
  static func value(at time: Double) -> Double {
    let u = 2 * time / support
    guard abs(u) < 1 else { return 0 }
    // Clenshaw's recurrence: one cosine for the whole sum.
    let cosine = cos(Double.pi * u)
    var next = 0.0
    var afterNext = 0.0
    for k in stride(from: coefficients.count - 1, to: 0, by: -1) {
      (next, afterNext) = (coefficients[k] + 2 * cosine * next - afterNext, next)
    }
    return (1 - u * u) * (coefficients[0] + cosine * next - afterNext)
  }

  private static let coefficients: [Double] = [
    0.0233974348624, 0.046968022184, 0.04675767206, 0.0470133584969, 0.0467223079398, 0.0470355171956,
    0.0467122614406, 0.0470351548985, 0.0467214180846, 0.0470186489388, 0.0467440661298, 0.0469909955842,
    0.0467756304692, 0.0469565203637, 0.0468119391111, 0.0469196397998, 0.0468476885786, 0.0468886613,
    0.0468642148792, 0.046854037926, 0.0420238405287, 0.0214063420421, 0.00412565925744, 0.000153550075817,
    -3.36554231733e-07, 4.55083076666e-07, -3.03274707628e-07, 3.13888149199e-08, 1.66157664931e-07,
    -2.61969440606e-07, 2.76805382747e-07, -2.36384144315e-07, 1.63200733121e-07, -7.74284727268e-08,
  ]
}
