import FluxGraph
import StageTesting
import Testing

@testable import GraphRuntime

/// A device that gives 10 ms blocks, captured from one second on.
private struct Device: AudioSource {
  static let description = StageDescription<Device>("device", "Gives blocks with their time.")
  static let format = AudioFormat(.f32le, rate: 1000, channels: 1)
  var output: AudioStreamType { AudioStreamType(Self.format, liveness: .live) }

  mutating func open(_ context: StageContext) throws -> AudioFormat { Self.format }

  mutating func read(into audio: inout AudioBuffer) throws -> SourceProgress {
    audio.captureTime = Instant(nanoseconds: 1_000_000_000 + audio.position * 1_000_000)
    audio.appendSilence(10)
    return .produced
  }
}

/// Makes one frame of two, and keeps the last 14 back, as a filter would.
private struct Halve: AudioConverter {
  static let description = StageDescription<Halve>("halve", "Gives every other frame, late.")
  var accepts: AudioRequirement { .float }
  private var kept = 0

  func output(for input: AudioStreamType) -> AudioStreamType { input }

  mutating func prepare(
    input: AudioFormat, _ context: StageContext
  ) throws -> (output: AudioFormat, capacity: Int) { (AudioFormat(.f32le, rate: 500, channels: 1), 100) }

  mutating func convert(_ input: inout AudioBuffer, into output: inout AudioBuffer) {
    // Takes a block in two bites.
    let bite = min(6, input.frameCount)
    input.removeFirst(bite)
    kept += bite
    while kept > 14 {
      kept -= 2
      output.appendSilence(1)
    }
  }
}

@Suite("The capture time of a buffer") struct CaptureTimeTests {
  @Test("moves with the frames that are taken from its front, and goes with the last one")
  func buffer() {
    var audio = AudioBuffer(format: AudioFormat(.f32le, rate: 8000, channels: 1), capacity: 100)
    audio.appendSilence(80)
    audio.captureTime = Instant(nanoseconds: 5_000_000)
    audio.removeFirst(8)
    let moved = audio.captureTime
    #expect(moved == Instant(nanoseconds: 6_000_000))
    audio.removeAll()
    let gone = audio.captureTime
    #expect(gone == nil)
  }

  @Test("passes through a converter that changes the rate and holds frames back")
  func converter() throws {
    let context = TestWorld().context()
    let producer = ConverterProducer(SourceProducer(Device(), context), Halve(), context)
    let now = Instant(nanoseconds: 0)
    let output = try #require(try producer.start(now))
    var audio = AudioBuffer(format: output.format, capacity: output.blockFrames)
    for _ in 0..<50 {
      let progress = try producer.pull(&audio, now)
      #expect(progress == .produced)
      let (time, position) = (audio.captureTime, audio.position)
      // To the nanosecond: rates divide no second evenly.
      #expect(abs((time?.nanoseconds ?? 0) - 1_000_000_000 - position * 2_000_000) <= 1)
      audio.removeAll()
    }
  }
}
