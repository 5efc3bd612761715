internal import FluxGraph
internal import FluxProtocol

/// When to dial again after a lost connection: 1, 2, 4 … 30 s, each up to a quarter shorter or longer, so that many clients of a
/// service that went down do not come back in step.
struct ReconnectSchedule: Sendable {
  private let last: Duration
  private var generator: SplitMix64
  private var doublings = 0

  /// - Parameters:
  ///   - last: the longest delay.
  ///   - seed: decides the jitter.
  init(last: Duration, seed: UInt64) {
    self.last = last
    generator = SplitMix64(state: seed)
  }

  /// The wait before the next attempt.
  /// - Parameters:
  ///   - lifetime: how long the connection lasted; nil when none came about. One that lasted long was a good one.
  ///   - minimum: what the service asked for.
  mutating func delay(after lifetime: Duration?, minimum: Duration? = nil) -> Duration {
    if let lifetime, lifetime >= FluxGuards.stableConnection { doublings = 0 }
    let exact = min(FluxGuards.firstReconnectDelay * (1 << doublings), last)
    doublings = min(doublings + 1, 16)
    let jitter = 0.75 + 0.5 * Double(generator.next() >> 11) / Double(UInt64(1) << 53)
    return max(min(.seconds(exact.seconds * jitter), last), minimum ?? .zero)
  }
}

/// A small generator of numbers that look random and follow from their seed (Steele, Lea and Flood, 2014).
struct SplitMix64: RandomNumberGenerator, Sendable {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
}
