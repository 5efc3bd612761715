import FluxGraph

struct Gain: AudioTransform {
  static let description = StageDescription<Gain>("gain", "Scales the signal by a fixed gain.") {
    Option("level", \Gain.level, "Gain.", in: .decibels(-60)...(.decibels(60)), positional: true)
  }
  var level = Decibels(0)

  mutating func process(_ audio: inout AudioBuffer) {
    audio.scale(by: level.amplitude)
  }
}
