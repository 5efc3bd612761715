import FluxGraph
import Foundation
import TestSupport
import Testing

@testable import AudioStages

/// A stream as its reader has it, on a virtual clock: what is written into its ring comes out as the timeline has it.
private final class VirtualCapture {
  let ring: CaptureRing
  let stream: LiveStream
  /// Frames given out.
  private(set) var given: Int64 = 0
  /// Gets all that is given out.
  var heard: (UnsafeBufferPointer<Float>) -> Void = { _ in }
  private var audio: AudioBuffer
  private var lastRead: Int64 = 0

  init(rate: Int, fragment: Duration) {
    let format = AudioFormat(.f32le, rate: rate, channels: 1)
    ring = CaptureRing(format: format, duration: .seconds(2))
    stream = LiveStream(ring, epoch: Instant(nanoseconds: 0), fragment: fragment)
    audio = AudioBuffer(format: format, capacity: rate / 25)
    ring.isRunning = true
  }

  func write(_ samples: UnsafeBufferPointer<Float>, at microseconds: Int64) {
    ring.write(UnsafeRawBufferPointer(samples), at: Self.instant(microseconds))
  }

  /// Reads all there is, and before that as often as the reader would have been called up to now.
  func read(at microseconds: Int64) {
    while true {
      let tick = lastRead + (stream.needsTicks ? 10_000 : 100_000)
      guard tick < microseconds else { break }
      readOnce(at: tick)
    }
    readOnce(at: microseconds)
  }

  func readOnce(at microseconds: Int64) {
    lastRead = microseconds
    while true {
      stream.read(into: &audio, Self.instant(microseconds))
      if audio.isEmpty { return }
      given += Int64(audio.frameCount)
      audio.withBytes { (bytes: UnsafeRawBufferPointer) in
        heard(bytes.bindMemory(to: Float.self))
      }
      audio.removeAll()
    }
  }

  static func instant(_ microseconds: Int64) -> Instant { Instant(nanoseconds: microseconds * 1000) }
}

/// Noise that is nowhere zero, and different for far longer than anything is out of place.
private struct Noise {
  private static let period = 65_521
  private let table: [Float]
  /// Frames nobody will hear.
  var lost: [Range<Int64>] = []

  init(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let once = (0..<Self.period).map { _ in Float.random(in: 0.1...1, using: &random) }
    // Twice, so that what crosses the end lies in one piece.
    table = once + once
  }

  func with<Result>(_ frames: Range<Int64>, _ body: (UnsafeBufferPointer<Float>) -> Result) -> Result {
    let first = Int(frames.lowerBound % Int64(Self.period))
    return table.withUnsafeBufferPointer {
      body(UnsafeBufferPointer(rebasing: $0[first..<(first + frames.count)]))
    }
  }

  /// Whether these are the frames from `position` on, with zeros for those that were lost.
  func isHeard(_ samples: UnsafeBufferPointer<Float>, from position: Int64) -> Bool {
    var expected = with(position..<(position + Int64(samples.count))) { Array($0) }
    for range in lost.suffix(4) {
      for frame in range.clamped(to: position..<(position + Int64(samples.count))) {
        expected[Int(frame - position)] = 0
      }
    }
    return expected.withUnsafeBytes { memcmp($0.baseAddress!, samples.baseAddress!, $0.count) == 0 }
  }
}

/// A source whose blocks come on ways of changing length, through a server that holds them up.
private struct Arrivals {
  var rate = 16_000
  /// All times in microseconds.
  var fragment: Int64 = 20_000
  var partsPerMillion = 0.0
  /// How long the way is, changing every few seconds.
  var latency: ClosedRange<Int64> = 0...0
  /// Whether the first block comes by the shortest way, and all that follow by the longest at first.
  var isFirstEarly = false
  var hasBursts = false
  var hasLosses = false

  /// Has the capture hear the frames of `seconds`.
  /// - Parameters:
  ///   - samples: gives frames to `write`.
  ///   - lost: told of frames that are lost; the source says so.
  ///   - after: called after every block has come, with the time its last frame was there.
  func run(
    _ capture: VirtualCapture, seconds: Int64, seed: UInt64,
    samples: (Range<Int64>, (UnsafeBufferPointer<Float>) -> Void) -> Void,
    lost: (Range<Int64>) -> Void = { _ in }, after: (Double) -> Void = { _ in }
  ) {
    var random = SeededGenerator(seed: seed)
    let length = fragment * Int64(rate) / 1_000_000
    let begin = Int64.random(in: 10_000...900_000, using: &random)
    var (frame, way, arrival, held) = (Int64(0), latency.lowerBound, Int64(0), Int64(0))
    var (nextWay, nextBurst, nextLoss) = (begin + 20_000, begin + 3_000_000, begin + 2_000_000)
    if !isFirstEarly { way = Int64.random(in: latency, using: &random) }
    while true {
      let end = Double(begin) + Double(frame + length) * 1e6 / Double(rate) / (1 + partsPerMillion * 1e-6)
      let time = Int64(end)
      if time > seconds * 1_000_000 { return }
      if time > nextWay {
        way = nextWay < begin + 100_000 ? latency.upperBound : Int64.random(in: latency, using: &random)
        nextWay = time + Int64.random(in: 500_000...20_000_000, using: &random)
      }
      if hasBursts && time > nextBurst {
        held = time + Int64.random(in: 20_000...900_000, using: &random)
        nextBurst = held + Int64.random(in: 1_000_000...15_000_000, using: &random)
      }
      if hasLosses && time > nextLoss {
        let count = Int64.random(in: 1...4_800, using: &random)
        lost(frame..<(frame + count))
        capture.ring.writeHole(Int(count))
        frame += count
        nextLoss = time + Int64.random(in: 1_000_000...15_000_000, using: &random)
        continue
      }
      let jitter = Int.random(in: 0..<10, using: &random) == 0 ? Int64(8_000) : 1_500
      arrival = max(arrival, time + way + Int64.random(in: 0...jitter, using: &random), held)
      capture.read(at: arrival - 1)
      samples(frame..<(frame + length)) { capture.write($0, at: arrival) }
      capture.read(at: arrival)
      frame += length
      after(end)
    }
  }

  /// Runs it with noise. Returns the frames that were not, in their place, what the source gave.
  func wrongBlocks(seconds: Int64, seed: UInt64) -> (wrong: Int, compared: Int64) {
    let capture = VirtualCapture(rate: rate, fragment: .milliseconds(fragment / 1000))
    var noise = Noise(seed: seed)
    var (next, wrong) = (Int64(0), 0)
    capture.heard = { samples in
      var samples = samples
      if next == 0 {
        guard let first = samples.firstIndex(where: { $0 != 0 }) else { return }
        samples = UnsafeBufferPointer(rebasing: samples[first...])
      }
      if !noise.isHeard(samples, from: next) { wrong += 1 }
      next += Int64(samples.count)
    }
    run(
      capture, seconds: seconds, seed: seed, samples: { frames, write in noise.with(frames, write) },
      lost: { noise.lost.append($0) })
    if capture.stream.wasResampled { wrong += 1 }
    return (wrong, next)
  }
}

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

@Suite("The timeline of a live stream") struct PulseTimelineTests {
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
      capture, seconds: 2400, seed: seed,
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
    #expect(estimate.error < 6)
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
