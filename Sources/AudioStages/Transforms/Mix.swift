internal import AudioDSP
package import FluxGraph

/// The stage `mix`: makes one channel of several.
package struct Mix: AudioConverter, AudioJoiner {
  package static let description = StageDescription<Mix>(
    "mix", "Mixes all channels into one, or takes one of them; makes one stream of several.",
    details: """
      Stereo becomes the mean of both channels; 5.1 and 7.1 are mixed after ITU-R BS.775 without clipping. Several streams \
      become their mean, up to the end of the longest. Live ones are laid beside each other by the time they were captured, \
      and silent while they give nothing; where their clocks drift apart, they are resampled, by so little that nobody hears it.
      """,
    role: .mix(setting: "channel"),
    examples: [
      "file talk.wav | mix mono | flux | stdout", "file call.wav | mix channel=left | flux as=agent | stdout",
      "voice = file voice.wav; room = tone noise level=-40dB duration=1h; voice, room | mix mono | wav both.wav",
    ]
  ) {
    Option("channel", \Mix.channel, "What is kept: mono is all channels together.", positional: true)
  }

  package enum Channel: String, OptionEnumeration {
    case mono, left, right
  }

  package var channel = Channel.mono
  private var mixer: Mixer?
  private var join: StreamJoin?

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
      switch channel {
      case .mono: .all
      case .left: .left
      case .right: .right
      }
    mixer = Mixer(channels: input.channels, mode: mode)
    return (AudioFormat(.f32le, rate: input.rate, channels: 1), max(1024, input.rate / 10))
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

  package mutating func prepare(
    inputs: [(format: AudioFormat, liveness: Liveness)], _ context: StageContext
  ) throws -> AudioFormat {
    let format = AudioFormat(.f32le, rate: inputs.map(\.format.rate).max() ?? 48_000, channels: 1)
    guard inputs.allSatisfy({ $0.format == format }) else {
      throw StageError(.internal, "the streams to be mixed have different formats")
    }
    join = StreamJoin(rate: format.rate, inputs: inputs.map(\.liveness), context)
    return format
  }

  package func room(of input: Int) -> Int { join?.room(of: input) ?? 0 }
  package mutating func take(_ audio: borrowing AudioBuffer, from input: Int) {
    join?.take(audio, from: input)
  }
  package mutating func inputEnded(_ input: Int) { join?.end(input) }
  package mutating func read(into output: inout AudioBuffer) -> SourceProgress {
    join?.read(into: &output) ?? .finished
  }
}
