package import FluxGraph

/// The stage `pace`: lets audio through no faster than real time, or a multiple of it.
package struct Pace: AudioTransform {
  package static let description = StageDescription<Pace>(
    "pace", "Lets audio through no faster than real time, or a multiple of it.",
    role: .pace(setting: "speed"),
    examples: [
      "file talk.opus | pace 1x | flux | stdout", "file talk.opus | chunk 80ms | pace 2x | flux | stdout",
    ]
  ) {
    Option(
      "speed", \Pace.speed, "The multiple of real time.", in: .times(0.1)...(.times(1000)), positional: true)
  }

  /// How late a stream may be and still catch up. A longer hold-up moves the schedule: a burst helps nobody. Nanoseconds.
  private static let patience: Int64 = 500_000_000

  package var speed = Speed(1)
  private var rate = 0
  private var frames: Int64 = 0
  private var start: Instant?

  package init() {}

  package var accepts: AudioRequirement { .any }

  package mutating func prepare(format: AudioFormat, _ context: StageContext) throws {
    rate = format.rate
  }

  package mutating func process(_ audio: inout AudioBuffer) {
    frames += Int64(audio.frameCount)
  }

  package mutating func holdUntil(now: Instant) -> Instant? {
    guard let start else {
      start = now
      return nil
    }
    // In nanoseconds: durations have 128 bits, and this is asked twice for every block.
    let passed = Double(frames) / (Double(rate) * speed.factor) * 1e9
    let due = Instant(nanoseconds: start.nanoseconds + Int64(passed.rounded()))
    let late = now.nanoseconds - due.nanoseconds
    if late > Self.patience { self.start = Instant(nanoseconds: start.nanoseconds + late) }
    return late >= 0 ? nil : due
  }
}
