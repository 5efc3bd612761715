internal import AudioDSP
package import FluxGraph

/// The stage `mix`: makes one channel of several.
package struct Mix: AudioConverter {
  package static let description = StageDescription<Mix>(
    "mix", "Mixes all channels into one, or takes one of them.",
    details:
      "Stereo becomes the mean of both channels; 5.1 and 7.1 are mixed after ITU-R BS.775 without clipping.",
    role: .mix,
    examples: [
      "file talk.wav | mix mono | flux | stdout", "file call.wav | mix left | flux as=agent | stdout",
    ]
  ) {
    Option("layout", \Mix.layout, "What is kept: mono is all channels together.", positional: true)
  }

  package enum Layout: String, OptionEnumeration {
    case mono, left, right
  }

  package var layout = Layout.mono
  private var mixer: Mixer?

  package init() {}

  package var accepts: AudioRequirement { .float }

  package func output(for input: AudioStreamType) -> AudioStreamType {
    var output = input
    output.sample = .f32le
    output.channels = 1
    output.chunk = nil
    return output
  }

  package func passes(_ input: AudioFormat) -> Bool { input.channels == 1 }

  package mutating func prepare(
    input: AudioFormat, _ context: StageContext
  ) throws -> (output: AudioFormat, capacity: Int) {
    let mode: Mixer.Mode =
      switch layout {
      case .mono: .all
      case .left: .left
      case .right: .right
      }
    mixer = Mixer(channels: input.channels, mode: mode)
    return (AudioFormat(.f32le, rate: input.rate, channels: 1), max(4096, input.rate / 10))
  }

  package mutating func convert(_ input: inout AudioBuffer, into output: inout AudioBuffer) {
    guard let mixer else { return }
    let frames = min(input.frameCount, output.freeFrames)
    output.append { room in
      var target = MutableSpan<Float>(_unsafeElements: room.bindMemory(to: Float.self))
      return mixer.mix(input.readOnlyFloats.extracting(first: frames * input.format.channels), into: &target)
    }
    input.removeFirst(frames)
  }
}
