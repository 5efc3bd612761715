internal import FluxGraph
internal import FluxProtocol

/// When to dial again after a lost connection: 1, 2, 4 … 30 s, each up to a quarter shorter or longer, so that many clients of a
/// service that went down do not come back in step. While audio of a live source piles up, no wait takes more than a third of what
/// still fits into the buffer, so that a service that comes back in time is found in time.
struct ReconnectSchedule: Sendable {
  private let last: Duration
  private var backOff: BackOff
  private var generator: SplitMix64
  /// Whether the buffer was full at the last wait.
  private var wasFull = false

  /// - Parameters:
  ///   - last: the longest delay.
  ///   - seed: decides the jitter.
  init(last: Duration, seed: UInt64) {
    self.last = last
    backOff = BackOff(FluxGuards.firstReconnectDelay, upTo: last)
    generator = SplitMix64(state: seed)
  }

  /// The wait before the next attempt.
  /// - Parameters:
  ///   - lifetime: how long the connection lasted; nil when none came about. One that lasted long was a good one.
  ///   - room: the audio that can still come before some is lost; nil when none can be.
  ///   - minimum: what the service asked for.
  mutating func delay(
    after lifetime: Duration?, room: Duration? = nil, minimum: Duration? = nil
  ) -> Duration {
    if let lifetime, lifetime >= FluxGuards.stableConnection { backOff.reset() }
    let isFull = room.map { $0 <= .zero } ?? false
    // Now every second waited is a second lost: it begins anew, so that little more is lost than the outage takes.
    if isFull, !wasFull { backOff.reset() }
    wasFull = isFull
    let jitter = 0.75 + 0.5 * generator.fraction()
    var delay = min(.seconds(backOff.next().seconds * jitter), last)
    if let room, !isFull { delay = min(delay, max(room / 3, FluxGuards.shortestReconnectDelay)) }
    return max(delay, minimum ?? .zero)
  }
}
