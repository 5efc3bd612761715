internal import FluxGraph

/// One live stream as its reader sees it: what comes out of the ring, on an honest timeline.
final class LiveStream {
  private let ring: CaptureRing
  private(set) var timeline: LiveTimeline
  private(set) var drift: ClockDrift
  private var silenceWatch: SilenceWatch
  /// Frames that had to be given out as silence, and frames that had to be dropped.
  private(set) var silentFrames: Int64 = 0
  private(set) var droppedFrames: Int64 = 0
  /// Frames lost, and frames that came when silence stood in their place already, not yet told.
  private var gapFrames: Int64 = 0
  private var lateFrames: Int64 = 0
  private var nextReport = Instant(nanoseconds: 0)
  private var hasStalled = false
  /// Whether zeros have come for so long that the user should know.
  private(set) var isSuspiciouslySilent = false

  private var owedSilence: Int64 = 0
  private var owedStretch: Int64 = 0
  private var blockFrames = 0
  private var hasBegun = false

  init(_ ring: CaptureRing, epoch: Instant, fragment: Duration, position: Int64 = 0) {
    self.ring = ring
    let rate = ring.format.rate
    timeline = LiveTimeline(rate: rate, epoch: epoch, fragment: fragment, position: position)
    drift = ClockDrift(rate: rate)
    silenceWatch = SilenceWatch(rate: rate)
  }

  /// Whether silence has to be filled in by the clock, so that the reader must be called often.
  var needsTicks: Bool { timeline.isInterrupted }

  /// Whether the source has gone for good and everything it gave was read.
  var isDrained: Bool {
    owedSilence == 0 && owedStretch == 0 && blockFrames == 0 && ring.isDrained
  }

  /// Appends what there is at `now`.
  func read(into audio: inout AudioBuffer, _ now: Instant) {
    while audio.freeFrames > 0 {
      if owedSilence > 0 {
        owedSilence -= Int64(audio.appendSilence(Int(min(owedSilence, Int64(audio.freeFrames)))))
      } else if owedStretch > 0 {
        ring.repeatFirst(into: &audio)
        owedStretch -= 1
      } else if blockFrames > 0 {
        blockFrames -= ring.read(blockFrames, into: &audio)
      } else if !advance(now) {
        return
      }
    }
  }

  /// Finds out what comes next. Returns whether there is anything.
  private func advance(_ now: Instant) -> Bool {
    // Looked at before the ring is: what was written before it stopped is then seen.
    let isRunning = ring.isRunning
    if let block = ring.nextBlock() {
      take(block)
      return true
    }
    if !isRunning { interrupt() }
    let wasInterrupted = timeline.isInterrupted
    owedSilence = timeline.elapse(to: now)
    if timeline.isInterrupted && !wasInterrupted {
      drift.restart()
      hasStalled = true
    }
    silentFrames += owedSilence
    // Nobody else tells of what is missing while the source claims to run.
    if isRunning && hasBegun { gapFrames += owedSilence }
    return owedSilence > 0
  }

  private func take(_ block: CaptureRing.Block) {
    if block.isRestart {
      interrupt()
    } else if block.lost > 0 {
      owedSilence = timeline.lost(block.lost, before: block.frames, at: block.time)
      drift.lost(block.lost)
      gapFrames += owedSilence
    }
    if silenceWatch.heard(block.frames, areSilent: ring.isSilent(block.frames)) {
      isSuspiciouslySilent = true
    }
    drift.captured(block.frames, at: block.time)
    let correction = timeline.captured(block.frames, at: block.time)
    // The silence before the first block is no fault of anyone's.
    if hasBegun && !block.isRestart { gapFrames += correction.silence }
    // A whole block that is dropped is no correction of a clock.
    if hasBegun && correction.drop == block.frames { lateFrames += Int64(correction.drop) }
    hasBegun = true
    owedSilence += correction.silence
    owedStretch = correction.stretch
    ring.drop(correction.drop)
    blockFrames = block.frames - correction.drop
    silentFrames += owedSilence
    droppedFrames += Int64(correction.drop)
    // A block that is dropped whole has no first frame to repeat.
    if blockFrames == 0 {
      owedSilence += owedStretch
      owedStretch = 0
    }
  }

  private func interrupt() {
    guard !timeline.isInterrupted else { return }
    timeline.interrupt()
    drift.restart()
  }

  /// Whether the source has stopped without a word since this was last asked.
  func takeStall() -> Bool {
    defer { hasStalled = false }
    return hasStalled
  }

  /// What is to be told of losses now: frames that silence stands for, and frames that came when silence had taken their place.
  /// Nothing while the loss goes on, and otherwise once a second; without a time, everything that was not told.
  func takeLosses(_ now: Instant?) -> (gap: Int64, late: Int64) {
    if let now {
      guard gapFrames + lateFrames > 0, !timeline.isInterrupted, now >= nextReport else { return (0, 0) }
      nextReport = now.advanced(by: .seconds(1))
    }
    defer { (gapFrames, lateFrames) = (0, 0) }
    return (gapFrames, lateFrames)
  }

  /// Whether the user should be told now that the source is silent.
  func takeSilenceReport() -> Bool {
    defer { isSuspiciouslySilent = false }
    return isSuspiciouslySilent
  }
}
