internal import AudioDSP
internal import FluxGraph

/// One live stream as its reader sees it: what comes out of the ring, on an honest timeline.
final class LiveStream {
  /// How long the first blocks are looked at before there is a place for them: one may have been held up, the earliest counts.
  private static let settling = Duration.milliseconds(60)

  private let ring: CaptureRing
  private(set) var timeline: LiveTimeline
  private var silenceWatch: DigitalSilence
  /// Frames that had to be given out as silence, and frames that had to be dropped.
  private(set) var silentFrames: Int64 = 0
  private(set) var droppedFrames: Int64 = 0
  /// Whether the stream's clock was ever so far off that it had to be followed.
  private(set) var wasResampled = false
  /// Frames lost, and frames that came when silence stood in their place already, not yet told.
  private var gapFrames: Int64 = 0
  private var lateFrames: Int64 = 0
  private var nextReport = Instant(nanoseconds: 0)
  private var hasStalled = false
  /// Whether zeros have come for so long that the user should know.
  private(set) var isSuspiciouslySilent = false

  private var owedSilence: Int64 = 0
  private var blockFrames = 0
  private var hasBegun = false
  private var resampler: DriftResampler
  private var isResampling = false
  /// Whether what the resampler holds is being taken out, and the silence still to be put in behind it for that.
  private var isFlushing = false
  private var owedFlush = 0

  /// - Parameter ring: one of `.f32le`.
  init(_ ring: CaptureRing, epoch: Instant, fragment: Duration, position: Int64 = 0) {
    self.ring = ring
    let rate = ring.format.rate
    timeline = LiveTimeline(rate: rate, epoch: epoch, fragment: fragment, position: position)
    silenceWatch = DigitalSilence(rate: rate)
    resampler = DriftResampler(channels: ring.format.channels)
  }

  /// Whether silence has to be filled in by the clock, so that the reader must be called often.
  var needsTicks: Bool { timeline.isInterrupted }

  /// Whether the source has gone for good and everything it gave was read.
  var isDrained: Bool {
    owedSilence == 0 && blockFrames == 0 && !isResampling && ring.isDrained
  }

  /// Appends what there is at `now`.
  func read(into audio: inout AudioBuffer, _ now: Instant) {
    while audio.freeFrames > 0 {
      if isFlushing {
        flush(into: &audio)
      } else if owedSilence > 0 {
        owedSilence -= Int64(give(Int(min(owedSilence, 1 << 16)), isSilence: true, into: &audio))
      } else if blockFrames > 0 {
        blockFrames -= give(blockFrames, isSilence: false, into: &audio)
      } else if !advance(now) {
        return
      }
    }
  }

  private func flush(into audio: inout AudioBuffer) {
    owedFlush -= resample(owedFlush, isSilence: true, into: &audio)
    guard owedFlush == 0 && audio.freeFrames > 0 else { return }
    (isFlushing, isResampling) = (false, false)
    resampler.reset()
  }

  private func give(_ frames: Int, isSilence: Bool, into audio: inout AudioBuffer) -> Int {
    if isResampling { return resample(frames, isSilence: isSilence, into: &audio) }
    return isSilence ? audio.appendSilence(frames) : ring.read(frames, into: &audio)
  }

  /// Takes up to so many frames, of silence or of the present block, and appends what that makes at the stream's present rate.
  private func resample(_ frames: Int, isSilence: Bool, into audio: inout AudioBuffer) -> Int {
    let room = audio.freeFrames
    let before = resampler.slipped
    var taken = 0
    audio.append { bytes in
      let target = bytes.assumingMemoryBound(to: Float.self).baseAddress!
      let source = isSilence ? nil : ring.front(frames).assumingMemoryBound(to: Float.self)
      let count = source.map { $0.count / ring.format.channels } ?? frames
      let result = resampler.process(source?.baseAddress, frames: count, into: target, room: room)
      taken = result.consumed
      return result.produced
    }
    if !isSilence { ring.drop(taken) }
    timeline.adjust(by: before - resampler.slipped)
    return taken
  }

  /// Finds out what comes next. Returns whether there is anything.
  private func advance(_ now: Instant) -> Bool {
    // Looked at before the ring is: what was written before it stopped is then seen.
    let isRunning = ring.isRunning
    if let block = ring.block(0) {
      if block.isRestart { interrupt() }
      let isContinued = timeline.isAligned
      if !isContinued {
        guard let time = firstFrameTime(now) else { return isFlushing }
        timeline.align(firstFrame: time)
      }
      _ = ring.nextBlock()
      take(block, isContinued: isContinued)
      return true
    }
    if !isRunning { interrupt() }
    let wasInterrupted = timeline.isInterrupted
    owedSilence = timeline.elapse(to: now)
    if timeline.isInterrupted && !wasInterrupted {
      hasStalled = true
      stopResampling()
    }
    silentFrames += owedSilence
    // Nobody else tells of what is missing while the source claims to run.
    if isRunning && hasBegun { gapFrames += owedSilence }
    return owedSilence > 0 || isFlushing
  }

  /// When the next block's first frame was captured, as the earliest of the first blocks says; nil while more have to be seen.
  private func firstFrameTime(_ now: Instant) -> Instant? {
    guard let first = ring.block(0) else { return nil }
    var frames = 0
    var earliest = first.time
    var isWhole = now.duration(since: first.time) >= Self.settling
    var index = 0
    while let block = ring.block(index) {
      if index > 0 && (block.isRestart || block.lost > 0) {
        isWhole = true
        break
      }
      frames += block.frames
      earliest = min(earliest, block.time.advanced(by: .zero - ring.format.duration(ofFrames: frames)))
      index += 1
    }
    return isWhole ? earliest : nil
  }

  /// - Parameter isContinued: whether what came before it had a place on the timeline, too.
  private func take(_ block: CaptureRing.Block, isContinued: Bool) {
    // Otherwise its place says how much is missing.
    if block.lost > 0 && isContinued {
      owedSilence = timeline.lost(block.lost, before: block.frames, at: block.time)
      gapFrames += owedSilence
    }
    if silenceWatch.heard(block.frames, areSilent: ring.isSilent(block.frames)) {
      isSuspiciouslySilent = true
    }
    let correction = timeline.captured(block.frames, at: block.time)
    if hasBegun {
      // The silence before the first block is no fault of anyone's.
      if !block.isRestart { gapFrames += correction.silence }
      if !block.isRestart || correction.drop == block.frames { lateFrames += Int64(correction.drop) }
    }
    hasBegun = true
    owedSilence += correction.silence
    ring.drop(correction.drop)
    blockFrames = block.frames - correction.drop
    silentFrames += owedSilence
    droppedFrames += Int64(correction.drop)
    if timeline.isResampled {
      (isResampling, wasResampled) = (true, true)
      resampler.step = timeline.step
    }
  }

  private func interrupt() {
    timeline.interrupt()
    stopResampling()
  }

  private func stopResampling() {
    guard isResampling && !isFlushing else { return }
    (isFlushing, owedFlush) = (true, DriftResampler.lookahead)
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
