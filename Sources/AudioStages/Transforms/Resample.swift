internal import AudioDSP
package import FluxGraph

/// The stage `resample`: changes the sample rate.
package struct Resample: AudioConverter {
  package static let description = StageDescription<Resample>(
    "resample", "Changes the sample rate.",
    details: """
      A polyphase filter with linear phase: flat within 0.01 dB up to 7/16 of the lower rate, and nothing above -100 dB folds \
      back into it. The output is aligned with the input and has its exact length.
      """,
    role: .resample(setting: "rate"),
    examples: ["file talk.wav | resample 16k | flux | stdout", "file talk.wav | resample 8k | null"]
  ) {
    Option("rate", \Resample.rate, "The new rate.", positional: true, required: true)
  }

  package var rate = SampleRate(16_000)
  private var resampler: Resampler?

  package init() {}

  package var accepts: AudioRequirement { .float }

  package func output(for input: AudioStreamType) -> AudioStreamType {
    var output = input
    output.sample = .f32le
    output.rate = rate.hertz
    output.chunk = nil
    return output
  }

  package func passes(_ input: AudioFormat) -> Bool { input.rate == rate.hertz }

  package mutating func prepare(
    input: AudioFormat, _ context: StageContext
  ) throws -> (output: AudioFormat, capacity: Int) {
    resampler = Resampler(from: input.rate, to: rate.hertz, channels: input.channels)
    return (AudioFormat(.f32le, rate: rate.hertz, channels: input.channels), max(1024, rate.hertz / 10))
  }

  package mutating func convert(_ input: inout AudioBuffer, into output: inout AudioBuffer) {
    var consumed = 0
    output.append { room in
      var target = MutableSpan<Float>(_unsafeElements: room.bindMemory(to: Float.self))
      let result = resampler!.process(input.readOnlyFloats, into: &target)
      consumed = result.consumed
      return result.produced
    }
    input.removeFirst(consumed)
  }

  package mutating func finish(into output: inout AudioBuffer) {
    output.append { room in
      var target = MutableSpan<Float>(_unsafeElements: room.bindMemory(to: Float.self))
      return resampler!.finish(into: &target)
    }
  }
}
