import FluxGraph
import TestSupport
import Testing

@testable import AudioStages

/// A device, a server and a process that go wrong in every way they can, on a virtual clock of 1 µs.
private struct FaultySource {
  enum Fault: CaseIterable { case announced, unannounced, hole, stall, burst, backlog, report }

  static let rate = 48_000
  static let fragment = 960

  var random: SeededGenerator
  let partsPerMillion: Double
  let hasFaults: Bool
  var timeline = LiveTimeline(rate: rate, epoch: Instant(nanoseconds: 0), fragment: .milliseconds(20))
  /// Frames given out, counted apart from the timeline's own count.
  var given: Int64 = 0
  var largestDrop = 0
  var silence: Int64 = 0
  var worstAhead: Int64 = 0
  var worstBehind: Int64 = 0
  var faults: [Fault: Int] = [:]

  init(seed: UInt64, partsPerMillion: Double, hasFaults: Bool) {
    random = SeededGenerator(seed: seed)
    self.partsPerMillion = partsPerMillion
    self.hasFaults = hasFaults
  }

  mutating func run(seconds: Int64) {
    let period = 20_000 / (1 + partsPerMillion * 1e-6)
    var now: Int64 = 0
    var produced = Double.random(in: 0..<20_000, using: &random)
    var waiting: [(at: Int64, frames: Int, lost: Int64)] = []
    var lostInHole: Int64 = 0
    var nextFault = pause()
    var silentUntil: Int64 = 0
    var isAnnounced = false
    var stalledUntil: Int64 = 0
    var lenientUntil: Int64 = 0
    var isRestart = true
    while now < seconds * 1_000_000 {
      now += 5_000
      if hasFaults && now >= nextFault && now >= silentUntil {
        let fault = Fault.allCases.randomElement(using: &random)!
        faults[fault, default: 0] += 1
        let length = Int64.random(in: 20_000...3_000_000, using: &random)
        nextFault = now + length + pause()
        switch fault {
        case .announced:
          (silentUntil, isAnnounced) = (now + length, true)
        case .unannounced:
          (silentUntil, isAnnounced) = (now + length, false)
          // Nothing can be known before the patience is over, nor once more before blocks are known to be late for good.
          lenientUntil = silentUntil + 700_000
          if length > 800_000 { lenientUntil = now + 800_000 }
        case .hole:
          // The server says so with the next block, and the device's clock runs on.
          let frames = Int64.random(in: Int64(1)...4800, using: &random)
          lostInHole += frames
          let length = Double(frames) / Double(Self.rate) * 1e6
          produced += length
          lenientUntil = now + Int64(length) + 60_000
        case .stall:
          stalledUntil = now + length
          lenientUntil = stalledUntil + 20_000
        case .burst:
          // The server holds everything back for a while, and then sends it at once.
          let hold = now + min(length, 400_000)
          waiting = waiting.map { (max($0.at, hold), $0.frames, $0.lost) }
          while Int64(produced) < hold {
            waiting.append((hold, Self.fragment, 0))
            produced += period
          }
          lenientUntil = hold + 20_000
        case .backlog:
          // The server stands still for longer than it can be waited for, and then sends all it has kept.
          let hold = now + length
          waiting = waiting.map { (max($0.at, hold), $0.frames, $0.lost) }
          while Int64(produced) < hold {
            waiting.append((hold, Self.fragment, 0))
            produced += period
          }
          lenientUntil = length > 800_000 ? now + 800_000 : hold + 20_000
        case .report:
          // It stands still, and then says how much it has lost: silence stands in its place already.
          lostInHole += length * Int64(Self.rate) / 1_000_000
          produced += Double(length)
          lenientUntil = length > 800_000 ? now + 800_000 : now + length + 60_000
        }
      }
      while Int64(produced) <= now {
        let late: Int64 = Int.random(in: 0..<10, using: &random) == 0 ? 8_000 : 1_000
        if Int64(produced) >= silentUntil {
          let at = Int64(produced) + Int64.random(in: Int64(0)...Int64(late), using: &random)
          waiting.append((max(at, waiting.last?.at ?? 0), Self.fragment, lostInHole))
          lostInHole = 0
        } else {
          isRestart = isRestart || isAnnounced
        }
        produced += period
      }
      if now < stalledUntil { continue }
      // After a stall either thread may be the first to run.
      if Bool.random(using: &random) { elapse(now) }
      while let block = waiting.first, block.at <= now {
        waiting.removeFirst()
        if isRestart {
          timeline.interrupt()
          isRestart = false
        }
        let stamp = max(block.at, stalledUntil)
        if block.lost > 0 {
          given += timeline.lost(block.lost, before: block.frames, at: Self.instant(stamp))
        }
        take(timeline.captured(block.frames, at: Self.instant(stamp)), block.frames)
      }
      if now < silentUntil && isAnnounced && !timeline.isInterrupted { timeline.interrupt() }
      elapse(now)
      let ahead = given - timeline.expected(at: Self.instant(now))
      worstAhead = max(worstAhead, ahead)
      if now > lenientUntil { worstBehind = max(worstBehind, -ahead) }
    }
  }

  private mutating func elapse(_ now: Int64) {
    given += timeline.elapse(to: Self.instant(now))
  }

  private mutating func take(_ correction: LiveTimeline.Correction, _ frames: Int) {
    given += correction.silence + correction.stretch + Int64(frames - correction.drop)
    // What the first block holds from before the beginning is no correction.
    if timeline.position > Self.rate { largestDrop = max(largestDrop, correction.drop) }
    silence += correction.silence
  }

  private mutating func pause() -> Int64 { Int64.random(in: 2_000_000...20_000_000, using: &random) }

  private static func instant(_ microseconds: Int64) -> Instant { Instant(nanoseconds: microseconds * 1000) }
}

@Suite("The timeline of a live stream") struct PulseTimelineTests {
  private static let limit = Int64(48_000 * 40 / 1000)

  @Test(
    "over an hour of random faults the position is within 40 ms of the clock",
    arguments: zip([1, 2, 3] as [UInt64], [0, 120, -120] as [Double]))
  func hourOfFaults(seed: UInt64, partsPerMillion: Double) {
    var source = FaultySource(seed: seed, partsPerMillion: partsPerMillion, hasFaults: true)
    source.run(seconds: 3600)
    #expect(source.given == source.timeline.position)
    #expect(source.worstAhead <= Self.limit)
    #expect(source.worstBehind <= Self.limit)
    // Every kind of fault has happened, many times.
    #expect(FaultySource.Fault.allCases.allSatisfy { source.faults[$0, default: 0] > 20 })
    let end = source.timeline.expected(at: Instant(nanoseconds: 3_600_000_000_000))
    #expect(abs(source.given - end) <= Self.limit)
  }

  @Test("a clock that runs fast or slow is corrected a few frames at a time", arguments: [200.0, -200.0])
  func drift(partsPerMillion: Double) {
    var source = FaultySource(seed: 9, partsPerMillion: partsPerMillion, hasFaults: false)
    source.run(seconds: 3600)
    #expect(source.worstAhead <= Self.limit && source.worstBehind <= Self.limit)
    // All but the alignment at the start: no step anyone could hear.
    #expect(source.largestDrop <= 24)
    #expect(source.silence <= 48 * 40)
  }

  @Test("a source without faults is passed on untouched")
  func noFaults() {
    var timeline = LiveTimeline(rate: 16_000, epoch: Instant(nanoseconds: 0), fragment: .milliseconds(20))
    _ = timeline.captured(320, at: Instant(nanoseconds: 20_000_000))
    for number in 2...10_000 {
      let jitter = Int64(number % 7) * 1_500_000
      let correction = timeline.captured(
        320, at: Instant(nanoseconds: Int64(number) * 20_000_000 + jitter))
      #expect(correction == LiveTimeline.Correction())
    }
    #expect(timeline.position == 3_200_000)
    #expect(timeline.time(of: timeline.position) == Instant(nanoseconds: 200_000_000_000))
  }

  @Test("late audio is not replaced by silence when the process itself was held up")
  func heldUp() {
    var timeline = LiveTimeline(rate: 16_000, epoch: Instant(nanoseconds: 0), fragment: .milliseconds(20))
    _ = timeline.captured(320, at: Instant(nanoseconds: 20_000_000))
    let late = Instant(nanoseconds: 2_020_000_000)
    let filled = [Instant(nanoseconds: 30_000_000), late].map { timeline.elapse(to: $0) }
    #expect(filled == [0, 0])
    for _ in 1...100 {
      let correction = timeline.captured(320, at: late)
      #expect(correction == LiveTimeline.Correction())
    }
    #expect(timeline.position == 101 * 320)
  }

  @Test("what comes after silence has taken its place is dropped, and a loss told afterwards adds nothing")
  func backlog() {
    var timeline = LiveTimeline(rate: 16_000, epoch: Instant(nanoseconds: 0), fragment: .milliseconds(20))
    _ = timeline.captured(320, at: Instant(nanoseconds: 20_000_000))
    for step in 1...150 { _ = timeline.elapse(to: Instant(nanoseconds: Int64(step) * 20_000_000)) }
    let filled = timeline.position
    let late = Instant(nanoseconds: 3_000_000_000)
    let backlog = (1...149).map { _ in timeline.captured(320, at: late) }
    #expect(backlog.reduce(0) { $0 + $1.drop } > 140 * 320)
    #expect(timeline.position - timeline.expected(at: late) <= 240)
    #expect(timeline.position >= filled)
    let told = timeline.lost(2 * 16_000, before: 320, at: Instant(nanoseconds: 3_020_000_000))
    #expect(told <= 240)
  }

  @Test("a source that says nothing for half a second is taken to have stopped")
  func silentSource() {
    var timeline = LiveTimeline(rate: 16_000, epoch: Instant(nanoseconds: 0), fragment: .milliseconds(20))
    _ = timeline.captured(320, at: Instant(nanoseconds: 20_000_000))
    var given: Int64 = 0
    for step in 1...100 { given += timeline.elapse(to: Instant(nanoseconds: Int64(step) * 20_000_000)) }
    #expect(timeline.isInterrupted)
    #expect(given == 2 * 16_000 - 320 - 400)
  }
}

@Suite("The drift of a live source's clock") struct PulseDriftTests {
  @Test("is measured within its error, whatever the jitter", arguments: [0.0, 50, -50, 300, -300])
  func measured(partsPerMillion: Double) throws {
    var random = SeededGenerator(seed: UInt64(bitPattern: Int64(partsPerMillion)))
    var drift = ClockDrift(rate: 48_000)
    for number in 0..<30_000 {
      let time = Double(number) * 20e6 / (1 + partsPerMillion * 1e-6)
      let jitter = Double.random(in: 0...2e6, using: &random)
      drift.captured(960, at: Instant(nanoseconds: Int64(time + jitter)))
      // Interruptions of unknown length do not count.
      if number == 10_000 || number == 21_000 { drift.restart() }
      if number == 15_000 { drift.lost(0) }
    }
    let measured = drift.estimate
    let estimate = try #require(measured)
    #expect(abs(estimate.partsPerMillion - partsPerMillion) < 1)
    #expect(estimate.error < 1)
    #expect(estimate.seconds > 590 && estimate.seconds < 610)
  }

  @Test("is not told before it is known")
  func tooShort() {
    var drift = ClockDrift(rate: 16_000)
    for number in 0..<400 { drift.captured(320, at: Instant(nanoseconds: Int64(number) * 20_000_000)) }
    #expect(drift.estimate == nil)
  }

  @Test("a reported loss does not look like drift")
  func holes() throws {
    var drift = ClockDrift(rate: 16_000)
    var time: Int64 = 0
    for number in 0..<3000 {
      time += 20_000_000
      if number % 500 == 499 {
        drift.lost(1600)
        time += 100_000_000
      }
      drift.captured(320, at: Instant(nanoseconds: time))
    }
    let measured = drift.estimate
    let estimate = try #require(measured)
    #expect(abs(estimate.partsPerMillion) < 0.01)
  }
}
