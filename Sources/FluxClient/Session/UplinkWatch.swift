internal import FluxGraph

/// Judges whether a link takes less than real time of what is sent over it: audio waits because the network has no room, and while
/// it took some it took less than came. A link that stands still for a moment takes nothing, one that comes back takes more than comes,
/// and audio that is caught up waits for its own pace: none of them is slow.
struct UplinkWatch: Sendable {
  /// How long a link is watched before it is judged, from when it takes something.
  static let period = Duration.seconds(3)
  /// The same of one that takes little and then much at once, as kernels do on slow links.
  static let longPeriod = Duration.seconds(15)

  /// Where a watch began.
  private struct Start: Sendable {
    var time: Instant
    /// Seconds of audio sent by then.
    var sent: Double

    /// Whether less was sent since then than came; a chunk more or less is no difference.
    func isBehind(_ sent: Double, _ now: Instant) -> Bool {
      sent > self.sent
        && sent - self.sent < now.duration(since: time).seconds - FluxSessionSettings.chunk.seconds
    }
  }

  /// Whether the link has been found too slow, and what waits has not been sent since.
  private(set) var isTooSlow = false
  private var short: Start?
  private var long: Start?
  /// The waiting seconds from which on the link is watched.
  private let bound: Double

  init(bound: Double) { self.bound = bound }

  /// Another connection: nothing is known of it.
  mutating func reset() { self = UplinkWatch(bound: bound) }

  /// Something was sent, or could not be.
  /// - Parameters:
  ///   - waiting: seconds of audio that wait.
  ///   - sent: seconds of audio sent so far.
  ///   - isHeldUp: whether it is the network's fault that more was not sent.
  mutating func look(waiting: Double, sent: Double, isHeldUp: Bool, now: Instant) {
    if waiting < bound / 4 { isTooSlow = false }
    guard waiting > bound else {
      short = nil
      long = nil
      return
    }
    guard isHeldUp else { return }
    let here = Start(time: now, sent: sent)
    // A watch begins when something is taken.
    if sent <= short?.sent ?? sent { short = here }
    if sent <= long?.sent ?? sent { long = here }
    if let begin = short, now.duration(since: begin.time) >= Self.period {
      isTooSlow = isTooSlow || begin.isBehind(sent, now)
      short = here
    }
    if let begin = long, now.duration(since: begin.time) >= Self.longPeriod {
      isTooSlow = isTooSlow || begin.isBehind(sent, now)
      long = here
    }
  }
}
