/// Tells how long a loop did not run although it would have: its process was stopped, or starved, or a body took its thread. A value;
/// time is an argument.
struct Presence {
  /// The longest wait of a loop with timers: a stop within a wait is told from the wait only by its being longer.
  static let longestWait = Duration.seconds(1)
  /// Less is the system's ordinary delay.
  private static let tolerance = Duration.milliseconds(500)

  private var last: SuspendingClock.Instant

  init(since start: SuspendingClock.Instant) { last = start }

  /// The loop runs at this moment; since the last look it meant to wait for so many milliseconds at most, -1 for ever. Returns how
  /// long it was absent.
  mutating func look(_ now: SuspendingClock.Instant, waited milliseconds: Int32) -> Duration {
    defer { last = now }
    guard milliseconds >= 0 else { return .zero }
    let excess = now - last - .milliseconds(milliseconds)
    return excess > Self.tolerance ? excess : .zero
  }
}
