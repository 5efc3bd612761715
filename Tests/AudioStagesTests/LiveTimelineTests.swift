import FluxGraph
import Foundation
import TestSupport
import Testing

@testable import AudioStages

/// A device, a server and a process that go wrong in every way they can, on a virtual clock of 1 µs.
private struct FaultySource {
  enum Fault: CaseIterable { case announced, unannounced, hole, stall, burst, backlog, report }

  static let rate = 48_000
  static let fragment = 960
  /// What may pass before what was lost is known, when nobody says so: the patience, the call after it, and the look at what
  /// comes first.
  static let patience: Int64 = 1_400_000
  static let settling: Int64 = 120_000

  var random: SeededGenerator
  let partsPerMillion: Double
  let hasFaults: Bool
  let capture = VirtualCapture(rate: rate, fragment: .milliseconds(20))
  var worstAhead: Int64 = 0
  var worstBehind: Int64 = 0
  var faults: [Fault: Int] = [:]
  private let samples = [Float](repeating: 0.5, count: fragment)

  init(seed: UInt64, partsPerMillion: Double, hasFaults: Bool) {
    random = SeededGenerator(seed: seed)
    self.partsPerMillion = partsPerMillion
    self.hasFaults = hasFaults
  }

  mutating func run(seconds: Int64) {
    let period = 20_000 / (1 + partsPerMillion * 1e-6)
    var now: Int64 = 0
    var produced = Double.random(in: 0..<20_000, using: &random)
    var waiting: [(made: Double, at: Int64, lost: Int64)] = []
    var lostInHole: Int64 = 0
    var nextFault = pause()
    var silentUntil: Int64 = 0
    var isAnnounced = false
    var stalledUntil: Int64 = 0
    var lenientUntil: Int64 = 200_000
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
          lenientUntil = silentUntil + Self.settling
        case .unannounced:
          (silentUntil, isAnnounced) = (now + length, false)
          // Nothing can be known before the patience is over, nor once more before blocks are known to be late for good.
          lenientUntil = silentUntil + Self.patience
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
          let hold = now + min(length, 900_000)
          waiting = waiting.map { ($0.made, max($0.at, hold), $0.lost) }
          while Int64(produced) < hold {
            waiting.append((produced, hold, 0))
            produced += period
          }
          lenientUntil = hold + 20_000
        case .backlog:
          // The server stands still for longer than it can be waited for, and then sends all it has kept.
          let hold = now + length
          waiting = waiting.map { ($0.made, max($0.at, hold), $0.lost) }
          while Int64(produced) < hold {
            waiting.append((produced, hold, 0))
            produced += period
          }
          lenientUntil = hold + Self.settling
        case .report:
          // It stands still, and then says how much it has lost: silence stands in its place already.
          lostInHole += length * Int64(Self.rate) / 1_000_000
          produced += Double(length)
          lenientUntil = now + length + Self.settling
        }
      }
      while Int64(produced) <= now {
        let late: Int64 = Int.random(in: 0..<10, using: &random) == 0 ? 8_000 : 1_000
        if Int64(produced) >= silentUntil {
          let at = Int64(produced) + Int64.random(in: Int64(0)...Int64(late), using: &random)
          waiting.append((produced, max(at, waiting.last?.at ?? 0), lostInHole))
          lostInHole = 0
        }
        produced += period
      }
      if now < stalledUntil { continue }
      // After a stall either thread may be the first to run.
      if Bool.random(using: &random) { capture.readOnce(at: now) }
      if now < silentUntil && isAnnounced { capture.ring.isRunning = false }
      var newest: Double?
      while let block = waiting.first, block.at <= now {
        waiting.removeFirst()
        if now >= silentUntil { capture.ring.isRunning = true }
        capture.ring.writeHole(Int(block.lost))
        samples.withUnsafeBufferPointer { capture.write($0, at: max(block.at, stalledUntil)) }
        newest = block.made
      }
      capture.readOnce(at: now)
      let ahead = capture.given - frames(Double(now))
      worstAhead = max(worstAhead, ahead)
      // While the source gives something, what was given is where the newest block belongs; otherwise, where the clock is.
      guard now > lenientUntil else { continue }
      if let newest {
        worstBehind = max(worstBehind, frames(newest) - capture.given)
      } else if capture.stream.timeline.isInterrupted {
        worstBehind = max(worstBehind, -ahead)
      }
    }
  }

  private func frames(_ microseconds: Double) -> Int64 { Int64(microseconds * Double(Self.rate) / 1e6) }
  private mutating func pause() -> Int64 { Int64.random(in: 2_000_000...20_000_000, using: &random) }
}

@Suite("The timeline of a live stream") struct LiveTimelineTests {
  private static let limit = Int64(48_000 * 40 / 1000)

  @Test(
    "over an hour of random faults the position is within 40 ms of the clock",
    arguments: zip([1, 2, 3] as [UInt64], [0, 120, -120] as [Double]))
  func hourOfFaults(seed: UInt64, partsPerMillion: Double) {
    var source = FaultySource(seed: seed, partsPerMillion: partsPerMillion, hasFaults: true)
    source.run(seconds: 3600)
    #expect(source.capture.given == source.capture.stream.timeline.position)
    #expect(source.worstAhead <= Self.limit)
    #expect(source.worstBehind <= Self.limit)
    // Every kind of fault has happened, many times.
    #expect(FaultySource.Fault.allCases.allSatisfy { source.faults[$0, default: 0] > 20 })
    #expect(abs(source.capture.given - 3600 * 48_000) <= Self.limit)
  }

  @Test(
    "jitter, bursts and a latency that changes: nothing is put in or left out",
    arguments: 1...12 as ClosedRange<UInt64>)
  func explained(seed: UInt64) {
    var arrivals = Arrivals(latency: 0...30_000, isFirstEarly: seed % 3 == 0, hasBursts: true)
    if seed % 2 == 0 { (arrivals.rate, arrivals.fragment, arrivals.latency) = (48_000, 40_000, 0...50_000) }
    let (wrong, compared) = arrivals.wrongBlocks(seconds: 300, seed: seed)
    #expect(wrong == 0)
    #expect(compared > Int64(arrivals.rate) * 297)
  }

  @Test("three hours without drift are passed on untouched")
  func threeHours() {
    let arrivals = Arrivals(rate: 8_000, latency: 0...25_000, hasBursts: true)
    let (wrong, compared) = arrivals.wrongBlocks(seconds: 10_800, seed: 42)
    #expect(wrong == 0 && compared > 8_000 * 10_797)
  }

  @Test(
    "what a source says it has lost becomes silence of the same length, to the frame",
    arguments: [5, 6] as [UInt64])
  func losses(seed: UInt64) {
    let arrivals = Arrivals(rate: 16_000, latency: 0...15_000, hasLosses: true)
    let (wrong, compared) = arrivals.wrongBlocks(seconds: 600, seed: seed)
    #expect(wrong == 0 && compared > 16_000 * 597)
  }

  @Test(
    "a clock that runs fast or slow is followed, and nobody hears it",
    arguments: zip([50, -50, 150, -150, 200, -200] as [Double], [1, 2, 3, 4, 5, 6] as [UInt64]))
  func drift(partsPerMillion: Double, seed: UInt64) {
    let rate = 8_000
    let arrivals = Arrivals(
      rate: rate, partsPerMillion: partsPerMillion, latency: 0...15_000, hasBursts: true)
    let capture = VirtualCapture(rate: rate, fragment: .milliseconds(20))
    let omega = 2 * Double.pi * 250 / Double(rate)
    // A second has whole periods.
    let sine = (0..<(2 * rate)).map { Float(sin(omega * Double($0))) }
    // Of a sine, each sample follows from the two before it. What does not follow is a seam.
    let factor = Float(2 * cos(omega))
    var (before, last): (Float, Float) = (0, 0)
    var (count, worst): (Int, Float) = (0, 0)
    capture.heard = { samples in
      for sample in samples {
        if sample != 0 { count += 1 }
        if count > 100 { worst = max(worst, abs(sample + before - factor * last)) }
        (before, last) = (last, sample)
      }
    }
    var farthest = 0.0
    arrivals.run(
      capture, seconds: 1200, seed: seed,
      samples: { frames, write in
        sine.withUnsafeBufferPointer {
          let first = Int(frames.lowerBound) % rate
          write(UnsafeBufferPointer(rebasing: $0[first..<(first + frames.count)]))
        }
      },
      after: { time in
        guard count > rate else { return }
        farthest = max(farthest, abs(Double(capture.given) / Double(rate) - time * 1e-6))
      })
    #expect(capture.stream.wasResampled)
    #expect(20 * log10(Double(worst)) < -90)
    #expect(capture.stream.droppedFrames == 0)
    // Bursts are late by up to 0.9 s, and that is no deviation: what has come is where it belongs.
    #expect(farthest <= 0.040, "\(farthest)")
    let drift = capture.stream.timeline.drift.estimate?.partsPerMillion ?? 0
    #expect(abs(drift - partsPerMillion) < 10)
  }

  @Test(
    "a stream that is followed gives all it holds when its source goes"
  )
  func interruptedWhileFollowed() {
    let rate = 16_000
    let capture = VirtualCapture(rate: rate, fragment: .milliseconds(20))
    var newest: Float = 0
    var zerosAfter = 0
    capture.heard = { samples in
      for sample in samples {
        if sample != 0 { (newest, zerosAfter) = (sample, 0) } else { zerosAfter += 1 }
      }
    }
    let block = [Float](repeating: 0.5, count: 320)
    var time = 0.0
    for _ in 0..<10_000 {
      time += 20_000 / 1.0002
      capture.read(at: Int64(time) - 1)
      block.withUnsafeBufferPointer { capture.write($0, at: Int64(time)) }
      capture.read(at: Int64(time))
    }
    #expect(capture.stream.wasResampled)
    let held = capture.stream.timeline.position - capture.given
    #expect(held > 25 && held < 40 && abs(newest - 0.5) < 1e-6)
    capture.ring.end()
    capture.read(at: Int64(time) + 1_000)
    #expect(capture.stream.isDrained)
    #expect(capture.given == capture.stream.timeline.position)
    // What came last fades with what is not there any more.
    #expect(zerosAfter < 20)
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

  @Test("a lasting deviation beyond what latency explains is a loss, and is filled once, with one silence")
  func step() {
    var timeline = LiveTimeline(rate: 16_000, epoch: Instant(nanoseconds: 0), fragment: .milliseconds(20))
    var silences: [Int64] = []
    for number in 1...1_000 {
      let late: Int64 = number > 500 ? 60_000_000 : number > 250 ? 30_000_000 : 0
      let correction = timeline.captured(320, at: Instant(nanoseconds: Int64(number) * 20_000_000 + late))
      #expect(correction.drop == 0)
      if correction.silence > 0 { silences.append(correction.silence) }
    }
    #expect(silences == [960])
  }

  @Test("a first block that was held up does not decide where the stream belongs")
  func lateBeginning() {
    let capture = VirtualCapture(rate: 16_000, fragment: .milliseconds(20))
    let block = [Float](repeating: 0.5, count: 320)
    func write(at time: Int64) {
      capture.read(at: time)
      block.withUnsafeBufferPointer { capture.write($0, at: time) }
    }
    // Three that should have come at 20, 40 and 60 ms.
    for _ in 0..<3 { write(at: 61_000) }
    for number in 4...500 { write(at: Int64(number) * 20_000) }
    capture.read(at: 10_000_000)
    #expect(capture.given == 500 * 320)
    // What silence stood for already, and no more.
    #expect(capture.stream.droppedFrames == capture.stream.silentFrames)
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
    timeline.align(firstFrame: late.advanced(by: .milliseconds(-149 * 20)))
    let backlog = (1...149).map { _ in timeline.captured(320, at: late) }
    #expect(backlog.reduce(0) { $0 + $1.drop } > 140 * 320)
    #expect(timeline.position == timeline.expected(at: late))
    #expect(timeline.position >= filled)
    let told = timeline.lost(2 * 16_000, before: 320, at: Instant(nanoseconds: 3_020_000_000))
    #expect(told <= 640)
  }

  @Test("a source that says nothing for a second is taken to have stopped")
  func silentSource() {
    var timeline = LiveTimeline(rate: 16_000, epoch: Instant(nanoseconds: 0), fragment: .milliseconds(20))
    _ = timeline.captured(320, at: Instant(nanoseconds: 20_000_000))
    var given: Int64 = 0
    for step in 1...100 { given += timeline.elapse(to: Instant(nanoseconds: Int64(step) * 20_000_000)) }
    #expect(timeline.isInterrupted)
    #expect(given == 2 * 16_000 - 320 - 400)
  }
}
