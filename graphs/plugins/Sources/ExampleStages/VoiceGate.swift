public import FluxGraph

/// The stage `voice_gate`: silence where nobody speaks.
///
/// Sample by sample: the gate opens when the level reaches the threshold, and closes when it has stayed below for `hold`. So it
/// makes no difference how the stream is cut.
public struct VoiceGate: AudioTransform {
  public static let description = StageDescription<VoiceGate>(
    "voice_gate", "Silences what is quieter than a voice.",
    details: "The stream keeps its length and its times. `silenced_frames_total` counts what was silenced.",
    examples: [
      "file talk.wav | voice_gate | flux | stdout", "mic | voice_gate -30dB hold=500ms | wav clean.wav",
    ]
  ) {
    Option(
      "threshold", \VoiceGate.threshold, "The level that opens the gate.",
      in: .decibels(-90)...(.decibels(0)),
      positional: true)
    Option("hold", \VoiceGate.hold, "How long it stays open.", in: .milliseconds(1)...(.seconds(10)))
  }

  public var threshold = Decibels(-45)
  public var hold = Duration.milliseconds(300)
  private var limit: Float = 0
  private var holdFrames = 0
  /// Frames the gate stays open without a further one that is loud enough.
  private var left = 0
  private var silenced = Counter()

  public init() {}

  public mutating func prepare(format: AudioFormat, _ context: StageContext) throws {
    limit = threshold.amplitude
    holdFrames = format.frames(in: hold)
    silenced = context.metrics.counter("silenced_frames_total", "Frames the gate has silenced.")
  }

  public mutating func process(_ audio: inout AudioBuffer) {
    let channels = audio.format.channels
    let frames = audio.frameCount
    var count = 0
    var samples = audio.floats
    for frame in 0..<frames {
      let first = frame * channels
      var isLoud = false
      for index in first..<(first + channels) where abs(samples[index]) >= limit { isLoud = true }
      if isLoud { left = holdFrames }
      if left > 0 {
        left -= 1
      } else if !isLoud {
        count += 1
        for index in first..<(first + channels) { samples[index] = 0 }
      }
    }
    silenced.add(count)
  }
}
