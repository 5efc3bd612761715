package import FluxGraph

/// The stage `gain`: makes a stream louder or quieter.
package struct Gain: AudioTransform {
  package static let description = StageDescription<Gain>(
    "gain", "Makes audio louder or quieter by a fixed number of decibels.",
    details:
      "Samples beyond full scale stay as they are until a stage needs whole numbers; there they are limited.",
    examples: ["file talk.wav | gain 6dB | flux | stdout", "file talk.wav | gain -3dB | null"]
  ) {
    Option(
      "level", \Gain.level, "The gain.", in: .decibels(-120)...(.decibels(60)), positional: true,
      required: true)
  }

  package var level = Decibels(0)

  package init() {}

  package mutating func process(_ audio: inout AudioBuffer) {
    audio.scale(by: level.amplitude)
  }
}
