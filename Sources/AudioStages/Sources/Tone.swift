package import FluxGraph

/// The stage `tone`: makes a test signal.
package struct Tone: AudioSource {
  package static let description = StageDescription<Tone>(
    "tone", "Makes a test signal: a sine, a sweep, noise or silence.",
    details: """
      All channels carry the same. A sweep goes from `frequency` (20Hz when not given) up to 0.45 times the rate, every \
      octave in the same time, once over `duration`, or again and again every 10 s. With `live` the signal comes in real \
      time, as from a device.
      """,
    examples: [
      "tone | wav tone.wav", "tone sweep level=-6dB duration=10s rate=16k | null",
      "tone noise live duration=5s | flux | stdout",
    ]
  ) {
    Option("wave", \Tone.wave, "The signal.", positional: true)
    Option(
      "frequency", \Tone.frequency, "Of the sine (440Hz when not given), or where a sweep begins.",
      in: .hertz(0.1)...(.hertz(300_000)))
    Option("level", \Tone.level, "The peak; 0dB is full scale.", in: .decibels(-120)...(.decibels(0)))
    Option(
      "duration", \Tone.duration, "The length; without end when not given.",
      in: .milliseconds(1)...(.seconds(1_000_000)))
    Option("rate", \Tone.rate, "The sample rate.")
    Option("channels", \Tone.channels, "The number of channels.", in: 1...AudioFormat.maximumChannels)
    Option("live", \Tone.live, "The signal comes in real time.")
    Rule(
      "unused-option", reads: ["wave", "frequency"],
      "Noise and silence have no frequency. A sine and a sweep have one.",
      example: "tone noise frequency=440Hz | null", fix: "tone noise | null"
    ) { tone in
      guard tone.frequency != nil, tone.wave == .noise || tone.wave == .silence else { return nil }
      return OptionConflict(
        "\(tone.wave.rawValue) has no frequency", options: ["frequency", "wave"],
        help: "leave `frequency` out", fix: .remove("frequency"))
    }
    Rule(
      "frequency-too-high", reads: ["wave", "frequency", "rate"],
      "A sine stays below half the sample rate, and a sweep begins below 0.45 times the rate: higher tones come out lower.",
      example: "tone frequency=9kHz rate=16k | null", fix: "tone frequency=7kHz rate=16k | null"
    ) { tone in
      let limit = tone.wave == .sweep ? 0.45 : 0.5
      guard let frequency = tone.frequency, tone.wave == .sine || tone.wave == .sweep,
        frequency.hertz >= limit * Double(tone.rate.hertz)
      else { return nil }
      return OptionConflict(
        "\(frequency) is too high for a rate of \(tone.rate)", options: ["frequency", "rate"],
        help: "a \(tone.wave.rawValue) stays below \(shortText(limit)) times the rate")
    }
  }

  package enum Wave: String, OptionEnumeration {
    case sine, sweep, noise, silence
  }

  package var wave = Wave.sine
  package var frequency: Frequency?
  package var level = Decibels(-20)
  package var duration: Duration?
  package var rate = SampleRate(48_000)
  package var channels = 1
  package var live = false
  private var waveform = Waveform(shape: .silence, rate: 1, peak: 0)
  private var position = 0
  private var length = Int.max
  private var start: Instant?
  private var clock: (any GraphClock)?
  private var alarm: Alarm?

  /// How often a live signal comes.
  private static let period = Duration.milliseconds(20)

  package init() {}

  package var output: AudioStreamType {
    AudioStreamType(format, liveness: live ? .live : .finite)
  }

  private var format: AudioFormat { AudioFormat(.f32le, rate: rate.hertz, channels: channels) }

  package mutating func open(_ context: StageContext) throws -> AudioFormat {
    clock = context.clock
    alarm = Alarm(context)
    if let duration { length = format.frames(in: duration) }
    let shape: Waveform.Shape =
      switch wave {
      case .sine: .sine(hertz: frequency?.hertz ?? 440)
      case .sweep:
        .sweep(
          from: frequency?.hertz ?? 20, to: 0.45 * Double(rate.hertz),
          frames: format.frames(in: duration ?? .seconds(10)))
      case .noise: .noise
      case .silence: .silence
      }
    waveform = Waveform(shape: shape, rate: rate.hertz, peak: level.amplitude)
    return format
  }

  package mutating func read(into audio: inout AudioBuffer) throws -> SourceProgress {
    guard position < length else { return .finished }
    var frames = min(audio.freeFrames, length - position)
    if live {
      guard let due = dueFrames() else { return .waiting }
      frames = min(frames, due)
      audio.captureTime = start?.advanced(by: .seconds(Double(position) / Double(rate.hertz)))
    }
    defer { position += frames }
    if wave == .silence {
      audio.appendSilence(frames)
      return .produced
    }
    let (first, channels, waveform) = (position, channels, waveform)
    audio.append { room in
      let samples = room.bindMemory(to: Float.self)
      for frame in 0..<frames {
        let value = waveform.sample(first + frame)
        for channel in 0..<channels { samples[frame * channels + channel] = value }
      }
      return frames
    }
    return .produced
  }

  /// Frames that should have come by now; nil when it is not yet time for the next period's.
  private mutating func dueFrames() -> Int? {
    guard let now = clock?.now() else { return nil }
    if start == nil { start = now }
    let begin = start ?? now
    let due = Int(now.duration(since: begin).seconds * Double(rate.hertz)) - position
    let wanted = min(format.frames(in: Self.period), length - position)
    guard due < wanted else { return due }
    let time = begin.advanced(by: .seconds(Double(position + wanted) / Double(rate.hertz)))
    alarm?.set(time.advanced(by: .microseconds(1)))
    return nil
  }
}
