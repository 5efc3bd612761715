import FluxGraph
import Foundation
import TestSupport

@testable import AudioStages

/// A stream as its reader has it, on a virtual clock: what is written into its ring comes out as the timeline has it.
final class VirtualCapture {
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
struct Noise {
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
struct Arrivals {
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
