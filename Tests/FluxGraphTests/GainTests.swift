import FluxGraph
import Testing

struct Gain: AudioTransform {
  static let description = StageDescription<Gain>("gain", "Scales the signal by a fixed gain.") {
    Option("level", \Gain.level, "Gain.", in: .decibels(-60)...(.decibels(60)), positional: true)
  }
  var level = Decibels(0)

  mutating func process(_ audio: inout AudioBuffer) {
    audio.scale(by: level.amplitude)
  }
}

@Suite struct GainTests {
  @Test("a value out of range is refused with the nearest one")
  func range() throws {
    let specification = Catalogue().adding(Gain.self)["gain"]!
    var stage = specification.make()
    #expect(throws: OptionError.self) { try specification.set("level", of: &stage, to: .word("90dB")) }
    try specification.set("level", of: &stage, to: .word("6.0206dB"))
    var buffer = AudioBuffer(format: AudioFormat(.f32le, rate: 16_000, channels: 1), capacity: 4)
    buffer.append([0.1, -0.25, 0.5])
    var gain = try #require(stage as? Gain)
    gain.process(&buffer)
    #expect(abs(buffer.readOnlyFloats[1] + 0.5) < 1e-5)
  }
}
