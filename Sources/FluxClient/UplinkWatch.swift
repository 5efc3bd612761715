internal import FluxGraph

/// Judges whether a link takes less than real time of what is sent over it: audio waits because the network has no room, and for three
/// seconds it has taken some and yet less than comes. A link that stands still for a moment takes nothing, one that comes back takes
/// more than comes, and audio that is caught up waits for its own pace: none of them is slow.
struct UplinkWatch: Sendable {
  /// How long a link is watched before it is judged.
  static let period = Duration.seconds(3)

  /// Whether the link has been found too slow, and what waits has not been sent since.
  private(set) var isTooSlow = false
  /// Where the present watch began.
  private var began: (time: Instant, sent: Double)?
  /// The waiting seconds from which on the link is watched.
  private let bound: Double

  init(bound: Double) { self.bound = bound }

  /// Another connection: nothing is known of it.
  mutating func reset() {
    isTooSlow = false
    began = nil
  }

  /// Something was sent, or could not be.
  /// - Parameters:
  ///   - waiting: seconds of audio that wait.
  ///   - sent: seconds of audio sent so far.
  ///   - isHeldUp: whether it is the network's fault that more was not sent.
  mutating func look(waiting: Double, sent: Double, isHeldUp: Bool, now: Instant) {
    if waiting < bound / 4 { isTooSlow = false }
    guard waiting > bound else {
      began = nil
      return
    }
    guard isHeldUp else { return }
    guard let began else {
      self.began = (now, sent)
      return
    }
    let seconds = now.duration(since: began.time).seconds
    guard seconds >= Self.period.seconds else { return }
    // A chunk more or less is no difference.
    let taken = sent - began.sent
    isTooSlow = isTooSlow || (taken > 0 && taken < seconds - FluxSessionSettings.chunk.seconds)
    self.began = (now, sent)
  }
}
