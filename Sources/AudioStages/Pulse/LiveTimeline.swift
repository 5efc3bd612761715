package import FluxGraph

/// Keeps the position of a live stream in step with the clock, whatever its source does.
///
/// Audio that did not come is replaced by silence of the same length, and audio that comes when silence has taken its place is
/// dropped. Nothing else is put in or left out: blocks come early and late, and the way to us becomes longer or shorter, without
/// a frame being lost. A source whose clock runs fast or slow is followed by resampling, once that is certain.
///
/// A value: it is told what happened and when, and says how many frames to give out.
package struct LiveTimeline: Sendable {
  /// What to give out before a block, and how much of its front to leave away.
  package struct Correction: Sendable, Hashable {
    /// Frames of silence, for what was lost.
    package var silence: Int64 = 0
    /// Frames of the block's front to drop.
    package var drop: Int = 0
  }

  /// How long every block must have been late before that means that something is missing.
  private static let lateness = Duration.seconds(1)
  /// How long a source that is believed to run may be silent before it is taken to have stopped.
  package static let patience = Duration.seconds(1)
  /// Whoever was not called for so long was held up itself, and cannot say that the source is late.
  private static let absence = Duration.milliseconds(300)
  /// How far from the clock the position is left; and how much more than a block's length that is, at least: a server that was
  /// asked for blocks of one length gives shorter ones while another of its clients wants them.
  private static let tolerance = Duration.milliseconds(40)
  private static let allowance = Duration.milliseconds(20)

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
  /// Whether it is known where on the timeline the source's frames belong.
  package private(set) var isAligned = false
  /// How the source's clock runs.
  package private(set) var drift: ClockDrift

  /// A deviation up to this is explained by jitter and latency; what is beyond it, for good, is something lost or too much.
  private let tolerance: Duration
  /// Frames to be filled with silence, or to be dropped, before the first one that is given.
  private var silenceDue: Int64 = 0
  private var dropDue: Int64 = 0
  private var correction = RateCorrection()
  private var alignedAt = Instant(nanoseconds: 0)
  /// The furthest the position has been ahead in this second.
  private var highestLead: Int64?
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
    tolerance = max(Self.tolerance, fragment + Self.allowance)
    drift = ClockDrift(rate: rate, latency: fragment)
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

  /// Whether the stream has to be resampled, and how many of its frames then make one that is given out.
  package var isResampled: Bool { correction.isActive }
  package var step: Double { correction.step }

  /// The source begins, and the first frame it gives was captured at `time`.
  package mutating func align(firstFrame time: Instant) {
    let distance = expected(at: time) - position
    silenceDue = max(0, distance)
    dropDue = max(0, -distance)
    isAligned = true
    alignedAt = time
    lateSince = nil
    highestLead = nil
  }

  /// A block of `count` frames has come, the last of them captured at `time`. Counts what is to be given out as given.
  package mutating func captured(_ count: Int, at time: Instant) -> Correction {
    if !isAligned { align(firstFrame: time.advanced(by: .zero - length(of: count))) }
    isInterrupted = false
    overdueSince = nil
    var result = Correction(silence: silenceDue, drop: Int(min(Int64(count), dropDue)))
    silenceDue = 0
    dropDue -= Int64(result.drop)
    position += result.silence + Int64(count - result.drop)
    // What is beyond the place silence has reached is dropped first, and says nothing of how the blocks come.
    if dropDue == 0 { correct(lead: position - expected(at: time), count, at: time, &result) }
    if drift.captured(count, at: time), let lead = highestLead {
      correction.update(
        drift, deviation: Double(lead) / Double(rate), after: time.duration(since: alignedAt).seconds)
      highestLead = nil
    }
    return result
  }

  private mutating func correct(lead: Int64, _ count: Int, at time: Instant, _ result: inout Correction) {
    highestLead = max(highestLead ?? lead, lead)
    if lead > frames(tolerance) {
      // Nothing comes too early: the source has given more than there was time for.
      (lateSince, highestLead) = (nil, nil)
      let excess = min(count - result.drop, Int(lead))
      result.drop += excess
      position -= Int64(excess)
    } else if lead < -frames(tolerance) {
      guard let since = lateSince else {
        (lateSince, leastLate) = (time, lead)
        return
      }
      leastLate = max(leastLate, lead)
      guard time.duration(since: since) >= Self.lateness else { return }
      (lateSince, highestLead) = (nil, nil)
      result.silence -= leastLate
      position -= leastLate
    } else {
      lateSince = nil
    }
  }

  /// The source says that `count` frames were lost before a block of `frames` that came at `time`. Returns the frames of
  /// silence in their place, counted as given out: fewer where some was filled in before the loss was known.
  package mutating func lost(_ count: Int64, before frames: Int, at time: Instant) -> Int64 {
    drift.lost(count)
    // Where there is no place for the source's frames yet, its first one's time says how much is missing.
    guard isAligned else { return 0 }
    let room = expected(at: time) - Int64(frames) - position + self.frames(tolerance)
    let silence = max(0, min(count, room))
    position += silence
    return silence
  }

  /// The source is known to give nothing for now: suspended, gone, disconnected.
  package mutating func interrupt() {
    guard isAligned || !isInterrupted else { return }
    isInterrupted = true
    isAligned = false
    overdueSince = nil
    (silenceDue, dropDue) = (0, 0)
    correction = RateCorrection()
    drift.restart()
  }

  /// Nothing has come up to `now`. Returns the frames of silence to give out, counted as given out.
  package mutating func elapse(to now: Instant) -> Int64 {
    let wasAway = lastCalled.map { now.duration(since: $0) > Self.absence } ?? true
    lastCalled = now
    let missing = expected(at: now) - position - frames(holdback)
    if !isInterrupted {
      if missing <= frames(tolerance) {
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

  private func length(of count: Int) -> Duration {
    .nanoseconds(Int64(count) * 1_000_000_000 / Int64(rate))
  }

  private func frames(_ duration: Duration) -> Int64 {
    let (seconds, attoseconds) = duration.components
    return seconds * Int64(rate) + attoseconds / 1_000_000_000 * Int64(rate) / 1_000_000_000
  }
}
