package import FluxGraph

/// Keeps the position of a live stream in step with the clock, whatever its source does.
///
/// Audio that did not come is replaced by silence of the same length, audio that comes twice or too late is dropped, and
/// a source whose clock runs fast or slow is corrected a few frames at a time. Late audio is not lost audio: while a
/// source is believed to run, nothing is replaced before it has been overdue for a while.
///
/// A value: it is told what happened and when, and says how many frames to give out.
package struct LiveTimeline: Sendable {
  /// What to give out before a block, and how much of its front to leave away.
  package struct Correction: Sendable, Hashable {
    /// Frames of silence, for what was lost.
    package var silence: Int64 = 0
    /// Copies of the block's first frame, for a source whose clock is slow.
    package var stretch: Int64 = 0
    /// Frames of the block's front to drop.
    package var drop: Int = 0
  }

  /// How far the position may be ahead of the clock before it is corrected: the first block sets it, and may have been late.
  private static let earliness = Duration.milliseconds(15)
  /// How far the earliest of many blocks may be behind the clock before the position is corrected.
  private static let slack = Duration.milliseconds(5)
  /// Beyond this a deviation is a gap, and is closed at once; below it is drift, and only what is too much is corrected.
  private static let step = Duration.milliseconds(45)
  /// How long every block must have been late before that means that something is missing.
  private static let lateness = Duration.milliseconds(500)
  /// How long a source that is believed to run may be silent before it is taken to have stopped.
  package static let patience = Duration.milliseconds(500)
  /// Whoever was not called for so long was held up itself, and cannot say that the source is late.
  private static let absence = Duration.milliseconds(300)

  /// Frames a second.
  package let rate: Int
  /// When the stream's first frame belongs.
  package let epoch: Instant
  /// How far behind the clock silence is filled in: the newest block is still on its way.
  package let holdback: Duration
  /// Frames given out so far.
  package private(set) var position: Int64
  /// Whether the source is not expected to give anything.
  package private(set) var isInterrupted = true

  private var isAligned = false
  private var lateSince: Instant?
  private var leastLate: Int64 = 0
  private var overdueSince: Instant?
  private var lastCalled: Instant?

  /// - Parameters:
  ///   - fragment: the length of the blocks the source is expected to give.
  ///   - position: frames given out already; 0 unless the stream joins one that is under way.
  package init(rate: Int, epoch: Instant, fragment: Duration, position: Int64 = 0) {
    self.rate = rate
    self.epoch = epoch
    self.position = position
    holdback = fragment + .milliseconds(5)
  }

  /// When the frame at `position` belongs.
  package func time(of position: Int64) -> Instant {
    let (seconds, frames) = position.quotientAndRemainder(dividingBy: Int64(rate))
    return epoch.advanced(by: .seconds(seconds) + .nanoseconds(frames * 1_000_000_000 / Int64(rate)))
  }

  /// The position a stream without any fault has at `time`.
  package func expected(at time: Instant) -> Int64 {
    frames(time.duration(since: epoch))
  }

  /// A block of `count` frames has come, the last of them captured at `time`. Counts what is to be given out as given.
  package mutating func captured(_ count: Int, at time: Instant) -> Correction {
    var correction = Correction()
    let lead = position + Int64(count) - expected(at: time)
    if !isAligned {
      isAligned = true
      lateSince = nil
      correction.silence = max(0, -lead)
      correction.drop = Int(min(Int64(count), max(0, lead)))
    } else if lead > frames(Self.earliness) {
      lateSince = nil
      let excess = lead > frames(Self.step) ? lead : lead - frames(Self.earliness)
      correction.drop = Int(min(Int64(count), excess))
    } else if lead < -frames(Self.slack) {
      correctLateness(lead, at: time, &correction)
    } else {
      lateSince = nil
    }
    isInterrupted = false
    overdueSince = nil
    position += correction.silence + correction.stretch + Int64(count - correction.drop)
    return correction
  }

  private mutating func correctLateness(_ lead: Int64, at time: Instant, _ correction: inout Correction) {
    guard let since = lateSince else {
      lateSince = time
      leastLate = lead
      return
    }
    leastLate = max(leastLate, lead)
    guard time.duration(since: since) >= Self.lateness else { return }
    lateSince = nil
    if leastLate < -frames(Self.step) {
      correction.silence = -leastLate
    } else {
      correction.stretch = -leastLate - frames(Self.slack)
    }
  }

  /// The source says that `count` frames were lost before a block of `frames` that came at `time`. Returns the frames of
  /// silence in their place, counted as given out: fewer where some was filled in before the loss was known.
  package mutating func lost(_ count: Int64, before frames: Int, at time: Instant) -> Int64 {
    let room = expected(at: time) - Int64(frames) - position + self.frames(Self.earliness)
    let silence = max(0, min(count, room))
    position += silence
    return silence
  }

  /// The source is known to give nothing for now: suspended, gone, disconnected.
  package mutating func interrupt() {
    isInterrupted = true
    isAligned = false
    overdueSince = nil
  }

  /// Nothing has come up to `now`. Returns the frames of silence to give out, counted as given out.
  package mutating func elapse(to now: Instant) -> Int64 {
    let wasAway = lastCalled.map { now.duration(since: $0) > Self.absence } ?? true
    lastCalled = now
    let missing = expected(at: now) - position - frames(holdback)
    if !isInterrupted {
      if missing <= frames(Self.earliness) {
        overdueSince = nil
        return 0
      }
      if wasAway { overdueSince = nil }
      guard let since = overdueSince else {
        overdueSince = now
        return 0
      }
      guard now.duration(since: since) >= Self.patience else { return 0 }
      interrupt()
    }
    guard missing > 0 else { return 0 }
    position += missing
    return missing
  }

  /// Counts frames as given out that came from elsewhere; below zero, takes back what was counted.
  package mutating func adjust(by count: Int64) {
    position += count
  }

  private func frames(_ duration: Duration) -> Int64 {
    let (seconds, attoseconds) = duration.components
    return seconds * Int64(rate) + attoseconds / 1_000_000_000 * Int64(rate) / 1_000_000_000
  }
}
