/// The waits before further attempts at what keeps failing: each twice as long as the one before, up to the longest.
package struct BackOff: Sendable {
  private let first: Duration
  private let longest: Duration
  private var pause: Duration

  package init(_ first: Duration, upTo longest: Duration) {
    self.first = min(first, longest)
    self.longest = longest
    pause = self.first
  }

  /// The wait before the next attempt.
  package mutating func next() -> Duration {
    defer { pause = min(pause * 2, longest) }
    return pause
  }

  /// Begins anew: something has succeeded.
  package mutating func reset() { pause = first }
}
