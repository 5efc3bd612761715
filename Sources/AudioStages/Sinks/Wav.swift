package import FluxGraph

/// The stage `wav`: records audio.
package struct Wav: AudioSink {
  package static let description = StageDescription<Wav>(
    "wav", "Records audio into WAV files.",
    details: """
      A recording can be played at any time, while it runs and after a crash. The path may have the fields `{date}`, \
      `{clock}`, `{start}` (seconds since the recording's first sample) and `{stream}` (the name of the stage); directories \
      are made as needed. `rotate` begins another file after a time, a size, or whichever comes first, without losing a \
      sample; names that come again get a number. Files beyond 4 GiB are written as RF64. What is there already is not \
      overwritten, unless `overwrite` says so. While the disk is full 8 s wait in memory, and are tried again every second; \
      what finds no room there becomes silence of the same length, and a notice. A finite source waits for half a minute. \
      A file system that does not answer keeps nothing else waiting; at the end it has a few seconds.
      """,
    examples: [
      "tone noise duration=1s | wav noise.wav overwrite",
      "stdin live | wav recordings/{date}-{clock}.wav rotate=[1h, 2GB]",
    ]
  ) {
    Option("path", \Wav.path, "The file.", positional: true, required: true)
    Rule(reads: ["path"]) { RecordingPath.conflict(in: $0.path, of: "a recording") }
    Option("format", \Wav.format, "How samples are stored.")
    Option("rotate", \Wav.rotate, "When another file begins.")
    Option("overwrite", \Wav.overwrite, "A file that is there is replaced.")
  }

  package enum Samples: String, OptionEnumeration {
    case s16le, f32le
  }

  package var path = PathTemplate(Template.empty)
  package var format = Samples.s16le
  package var rotate: [RecordingLimit] = []
  package var overwrite = false
  private var recorder: Recorder?

  package init() {}

  package var accepts: AudioRequirement { AudioRequirement(sample: format == .s16le ? .s16le : .f32le) }

  package func needs(_ context: StageContext) -> [Need]? {
    RecordingPath(path, began: context.clock.wallTime()).needs(overwrite: overwrite, context)
  }

  package mutating func prepare(format: AudioFormat, _ context: StageContext) throws {
    var limit = Int.max
    if let duration = rotate.duration { limit = min(limit, max(1, format.frames(in: duration))) }
    // The header's 100 bytes count as well.
    if let size = rotate.size { limit = min(limit, max(1, (size - 100) / format.bytesPerFrame)) }
    let path = RecordingPath(path, began: context.clock.wallTime())
    let settings = RecordingFiles.Settings(
      format: format,
      path: { start in
        let place = context.resolve(path.path(start: start, stream: context.name))
        context.log.info("records \(format) to \(place)")
        return place
      }, mayOverwrite: overwrite, frameLimit: limit)
    let recorder = Recorder(settings, context)
    self.recorder = recorder
    try recorder.begin()
  }

  package var hasRoom: Bool { recorder?.hasRoom ?? true }
  package mutating func write(_ audio: borrowing AudioBuffer) throws { try recorder?.write(audio) }
  package mutating func finish() throws -> Bool { try recorder?.finish() ?? true }
}
