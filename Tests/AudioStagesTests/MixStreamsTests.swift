import AudioStages
import FluxGraph
import Foundation
import StageTesting
import TestSupport
import Testing

@Suite struct MixStreamsTests {
  private let directory: TemporaryFolder

  init() throws {
    directory = try TemporaryFolder()
  }

  private func run(_ text: String) async throws -> [Float] {
    let world = LiveWorld()
    let graph = try GraphHarness(text, catalogue: .audio, world: world.world, directory: directory.path)
    world.start()
    defer { world.stop() }
    #expect(try await graph.run().isEmpty)
    return samples(try Array(directory.bytes("out.wav").dropFirst(94)), as: Float.self)
  }

  private func tone(_ hertz: Double, seconds: Int, rate: Int) throws -> [Float] {
    var tone = Tone()
    tone.frequency = .hertz(hertz)
    tone.duration = .seconds(seconds)
    tone.rate = .hertz(rate)
    return try AudioHarness.run(tone).floats
  }

  @Test("two finite streams become their mean, up to the end of the longer one, whatever their channels")
  func finite() async throws {
    let mixed = try await run(
      """
      a = tone frequency=300Hz duration=3s rate=16k channels=2
      b = tone frequency=500Hz duration=1s rate=16k
      a, b | mix | wav out.wav format=f32le
      """)
    let a = try tone(300, seconds: 3, rate: 16_000)
    let b = try tone(500, seconds: 1, rate: 16_000)
    #expect(mixed.count == 48_000)
    let expected = a.indices.map { (a[$0] + ($0 < b.count ? b[$0] : 0)) / 2 }
    #expect(zip(mixed, expected).allSatisfy { abs($0 - $1) < 1e-6 })
  }

  @Test("streams of different rates meet at the higher one")
  func rates() async throws {
    let mixed = try await run(
      """
      a = tone frequency=300Hz duration=1s rate=8k
      b = tone silence duration=1s rate=48k
      a, b | mix | wav out.wav format=f32le
      """)
    let expected = try tone(300, seconds: 1, rate: 48_000)
    #expect(mixed.count == 48_000)
    #expect(zip(mixed, expected).dropFirst(1000).dropLast(1000).allSatisfy { abs($0 - $1 / 2) < 1e-3 })
  }

  @Test("a file and a live stream: the live one sets the pace, both are there")
  func fileAndLive() async throws {
    let mixed = try await run(
      """
      a = tone frequency=300Hz duration=800ms rate=16k
      b = tone silence duration=1s rate=16k live
      a, b | mix | wav out.wav format=f32le
      """)
    let expected = try tone(300, seconds: 1, rate: 16_000)
    #expect(mixed.count == 16_000)
    #expect(zip(mixed[..<12_800], expected).allSatisfy { abs($0 - $1 / 2) < 1e-6 })
    #expect(mixed[12_800...].allSatisfy { $0 == 0 })
  }

  /// Two devices over ten minutes of virtual time: a click every second by the machine's clock, seen by each through its own.
  @Test("live streams stay together when their clocks drift apart", arguments: [-150.0, -20, 0, 20, 150])
  func drift(ppm: Double) throws {
    let world = TestWorld()
    var mix = Mix()
    let rate = 16_000
    let format = AudioFormat(.f32le, rate: rate, channels: 1)
    _ = try mix.prepare(inputs: [(format, .live), (format, .live)], world.context())
    let begin = world.loop.now()
    var random = SeededGenerator(seed: 7)
    var counts = [0, 0]
    let speeds = [1.0, 1 + ppm * 1e-6]
    var output: [Float] = []
    for step in 1...30_000 {
      world.loop.advance(by: .milliseconds(20))
      for input in 0..<2 {
        // The second begins a third of a second later.
        let start = input == 0 ? 0.0 : 1.0 / 3
        let passed = Double(step) * 0.02 - start
        guard passed > 0 else { continue }
        let due = Int(passed * Double(rate) * speeds[input])
        var block = AudioBuffer(format: format, capacity: due - counts[input] + 1)
        var values: [Float] = []
        for frame in counts[input]..<due {
          let time = start + Double(frame) / (Double(rate) * speeds[input])
          let second = (time + 0.5).rounded(.down)
          // A smooth click of 2 ms, of another sign on either side.
          let distance = (time + 0.5 - second - 0.5) * 1000
          values.append(Float(max(0, 1 - abs(distance))) * (input == 0 ? 1 : -1))
        }
        block.append(values)
        let jitter = Double.random(in: -0.001...0.001, using: &random)
        block.captureTime = begin.advanced(
          by: .seconds(start + Double(counts[input]) / (Double(rate) * speeds[input]) + jitter))
        counts[input] = due
        #expect(mix.room(of: input) >= values.count)
        mix.take(block, from: input)
      }
      while true {
        var room = AudioBuffer(format: format, capacity: 640)
        guard mix.read(into: &room) == .produced else { break }
        room.withFloats { output += $0 }
      }
    }
    #expect(abs(output.count - 600 * rate) < rate / 2)
    // Were they ten frames apart, a third of the click would be left of each.
    for second in 5..<595 {
      let place = second * rate
      let window = output[(place - 200)..<(place + 200)]
      #expect((window.map(abs).max() ?? 1) < 0.5 * 0.5, "second \(second)")
    }
  }

  /// A sine by a device's own clock beside silence by the machine's, whose times are right within a jitter.
  private func beside(partsPerMillion: Double, jitter: Double, seconds: Int) throws -> [Float] {
    let world = TestWorld()
    var mix = Mix()
    let rate = 16_000
    let format = AudioFormat(.f32le, rate: rate, channels: 1)
    _ = try mix.prepare(inputs: [(format, .live), (format, .live)], world.context())
    let begin = world.loop.now()
    var random = SeededGenerator(seed: 3)
    var output: [Float] = []
    for step in 0..<(seconds * 50) {
      world.loop.advance(by: .milliseconds(20))
      for input in 0..<2 {
        var block = AudioBuffer(format: format, capacity: 320)
        block.append((0..<320).map { input == 0 ? 0 : sine(step * 320 + $0) })
        let late = input == 0 ? 0 : Double.random(in: 0...1, using: &random) * jitter
        let speed = input == 0 ? 1 : 1 + partsPerMillion * 1e-6
        block.captureTime = begin.advanced(by: .seconds(Double(step) * 0.02 / speed + late))
        mix.take(block, from: input)
      }
      while true {
        var room = AudioBuffer(format: format, capacity: 640)
        guard mix.read(into: &room) == .produced else { break }
        room.withFloats { output += $0 }
      }
    }
    return output
  }

  private func sine(_ frame: Int) -> Float { Float(sin(2 * Double.pi * 0.025 * Double(frame % 40))) }

  @Test("live streams whose times are right are added as they are")
  func untouched() throws {
    let output = try beside(partsPerMillion: 0, jitter: 30e-6, seconds: 60)
    #expect(output.count > 59 * 16_000)
    #expect(output.indices.allSatisfy { output[$0] == sine($0) / 2 })
  }

  @Test("nobody hears that a stream is led to its place", arguments: [-150.0, 0, 150])
  func seamless(partsPerMillion: Double) throws {
    let output = try beside(partsPerMillion: partsPerMillion, jitter: 0.002, seconds: 120)
    #expect(output.count > 119 * 16_000)
    // Of a sine, each sample follows from the two before it. What does not follow is a seam.
    let factor = Float(2 * cos(2 * Double.pi * 0.025))
    var worst: Float = 0
    // Behind the silence before it.
    for index in 500..<output.count {
      worst = max(worst, abs(output[index] + output[index - 2] - factor * output[index - 1]))
    }
    #expect(20 * log10(Double(worst) / 0.5) < -90)
  }

  @Test("a live stream that gives nothing does not hold up the other")
  func silentPartner() throws {
    let world = TestWorld()
    var mix = Mix()
    let format = AudioFormat(.f32le, rate: 16_000, channels: 1)
    _ = try mix.prepare(inputs: [(format, .live), (format, .live)], world.context())
    var total = 0
    for step in 0..<500 {
      var block = AudioBuffer(format: format, capacity: 320)
      block.append([Float](repeating: 0.5, count: 320))
      block.captureTime = world.loop.now()
      world.loop.advance(by: .milliseconds(20))
      #expect(mix.room(of: 0) >= 320, "step \(step)")
      mix.take(block, from: 0)
      while true {
        var room = AudioBuffer(format: format, capacity: 640)
        guard mix.read(into: &room) == .produced else { break }
        total += room.frameCount
      }
    }
    #expect(total > 500 * 320 - 16_000 / 2 && total <= 500 * 320)
  }
}

extension AudioBuffer {
  borrowing func withFloats(_ body: ([Float]) -> Void) {
    let floats = readOnlyFloats
    var values: [Float] = []
    for index in floats.indices { values.append(floats[index]) }
    body(values)
  }
}
