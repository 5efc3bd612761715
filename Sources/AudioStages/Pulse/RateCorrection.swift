internal import FluxGraph

/// Decides how fast a live stream is resampled, so that it stays in step with the clock although its source's clock does not.
///
/// Nothing is done before it is certain that the clocks drift apart, and before that has come to anything. Then the stream
/// follows the measured drift, in changes nobody can hear; what is left of the deviation is led back slowly, down to what a change
/// of latency makes of itself.
struct RateCorrection: Sendable {
  /// How far a drift must have carried the stream before it is followed.
  private static let onset = 0.010
  /// How long it must have been measured, unless the deviation is this large already: nothing else would be left then but to put
  /// something in or leave something out.
  private static let observation = 60.0
  private static let alarm = 0.025
  /// Deviations below this are left alone.
  private static let indifference = 0.006
  /// In how many seconds a deviation is led back, and the most that is added to the rate for that.
  private static let patience = 100.0
  private static let largestReturn = 100e-6
  /// The largest change of the rate in a second.
  private static let largestChange = 50e-6
  /// No sound device is further off.
  private static let limit = 1000e-6

  /// Input frames for each frame of output.
  private(set) var step = 1.0
  /// Whether the stream has to be resampled.
  private(set) var isActive = false

  /// A second is over, of a stream that has been running for `seconds`.
  /// - Parameter deviation: how far it is ahead of the clock, in seconds.
  mutating func update(_ drift: ClockDrift, deviation: Double, after seconds: Double) {
    guard let estimate = drift.estimate else { return }
    let slope = estimate.partsPerMillion * 1e-6
    if !isActive {
      guard estimate.isCertain, abs(slope) * seconds >= Self.onset,
        seconds >= Self.observation || abs(deviation) >= Self.alarm
      else { return }
      isActive = true
    }
    let rest = deviation - min(max(deviation, -Self.indifference), Self.indifference)
    let back = min(max(rest / Self.patience, -Self.largestReturn), Self.largestReturn)
    let wanted = 1 + min(max(slope + back, -Self.limit), Self.limit)
    step += min(max(wanted - step, -Self.largestChange), Self.largestChange)
  }
}
