internal import AudioCodecs
internal import AudioDSP
package import FluxGraph

/// The stage `format`: changes how samples are stored.
package struct Format: AudioConverter {
  package static let description = StageDescription<Format>(
    "format", "Changes how samples are stored.",
    details: """
      To 16 bits samples are rounded to the nearest value and limited to full scale. It takes u8, s24le and s32le as well, \
      which sources give.
      """,
    role: .format(setting: "format"),
    examples: ["file talk.wav | format s16le | null", "file talk.wav | resample 8k | format mulaw | null"]
  ) {
    Option("format", \Format.target, "The new format.", positional: true, required: true)
  }

  /// What samples can become.
  package enum Target: String, OptionEnumeration {
    case s16le, f32le, mulaw, alaw

    fileprivate var sample: SampleFormat {
      switch self {
      case .s16le: .s16le
      case .f32le: .f32le
      case .mulaw: .mulaw
      case .alaw: .alaw
      }
    }
  }

  package var target = Target.s16le
  private var sample: SampleFormat { target.sample }
  private var input = SampleFormat.f32le

  package init() {}

  package var accepts: AudioRequirement { .any }

  package func output(for input: AudioStreamType) -> AudioStreamType {
    var output = input
    output.sample = sample
    return output
  }

  package func passes(_ input: AudioFormat) -> Bool { input.sample == sample }

  package mutating func prepare(
    input: AudioFormat, _ context: StageContext
  ) throws -> (output: AudioFormat, capacity: Int) {
    self.input = input.sample
    return (AudioFormat(sample, rate: input.rate, channels: input.channels), max(1024, input.rate / 10))
  }

  package mutating func convert(_ input: inout AudioBuffer, into output: inout AudioBuffer) {
    let frames = min(input.frameCount, output.freeFrames)
    let samples = frames * input.format.channels
    output.append { room in
      input.withBytes { source in
        convert(source, into: room, samples: samples)
      }
      return frames
    }
    input.removeFirst(frames)
  }

  private func convert(
    _ source: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer, samples: Int
  ) {
    switch (input, sample) {
    case (.f32le, .s16le):
      var output = MutableSpan<Int16>(_unsafeElements: prefix(target.bindMemory(to: Int16.self), samples))
      let floats = UnsafeBufferPointer(rebasing: source.bindMemory(to: Float.self)[..<samples])
      _ = SampleConversion.convert(Span(_unsafeElements: floats), into: &output)
    case (_, .f32le):
      var output = MutableSpan<Float>(_unsafeElements: prefix(target.bindMemory(to: Float.self), samples))
      _ = encoding(input).decode(RawSpan(_unsafeBytes: source), into: &output)
    case (_, .s16le):
      var output = MutableSpan<Int16>(_unsafeElements: prefix(target.bindMemory(to: Int16.self), samples))
      _ = encoding(input).decode(RawSpan(_unsafeBytes: source), into: &output)
    default:
      // What remains ends in one byte a sample, and goes through 16 bits, as G.711 defines it.
      let size = input.byteCount
      for index in 0..<samples {
        let bytes = UnsafeRawBufferPointer(rebasing: source[(index * size)..<((index + 1) * size)])
        target[index] = companded(integer(bytes))
      }
    }
  }

  private func encoding(_ sample: SampleFormat) -> SampleEncoding {
    switch sample {
    case .s16le: .s16
    case .f32le: .f32
    case .mulaw: .muLaw
    case .alaw: .aLaw
    case .u8: .u8
    case .s24le: .s24
    case .s32le: .s32
    }
  }

  /// One sample, in 16 bits.
  private func integer(_ bytes: UnsafeRawBufferPointer) -> Int16 {
    var value: Int16 = 0
    withUnsafeMutablePointer(to: &value) { pointer in
      var output = MutableSpan<Int16>(_unsafeStart: pointer, count: 1)
      _ = encoding(input).decode(RawSpan(_unsafeBytes: bytes), into: &output)
    }
    return value
  }

  private func companded(_ value: Int16) -> UInt8 {
    sample == .mulaw ? G711.muLaw(value) : G711.aLaw(value)
  }

  private func prefix<Sample>(
    _ room: UnsafeMutableBufferPointer<Sample>, _ count: Int
  ) -> UnsafeMutableBufferPointer<Sample> {
    UnsafeMutableBufferPointer(rebasing: room[..<count])
  }
}
