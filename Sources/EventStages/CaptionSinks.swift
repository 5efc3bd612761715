package import FluxGraph

/// Whether captions say who speaks.
package enum CaptionVoice: String, OptionEnumeration {
  /// By the name given with `as=`.
  case stream
  case none
}

/// What the stages `srt`, `vtt` and `txt` have in common.
private struct CaptionWriter: Sendable {
  private var builder: CaptionBuilder
  private let voice: CaptionVoice
  private let file: CaptionFile
  private let disk: any BlockingThread

  init(
    _ format: CaptionFormat, _ path: Path, voice: CaptionVoice, overwrite: Bool, _ context: StageContext
  ) async throws {
    self.voice = voice
    builder = CaptionBuilder()
    disk = context.disk
    let file = CaptionFile(path: context.resolve(path), format: format)
    self.file = file
    try await disk.run { try file.open(overwrite: overwrite) }
  }

  mutating func write(_ event: Event) async throws {
    guard case .turn(let turn) = event else { return }
    var captions = builder.captions(for: turn)
    if captions.isEmpty { return }
    if voice == .none {
      for index in captions.indices { captions[index].voice = nil }
    }
    try await disk.run { [file, captions] in try file.append(captions) }
  }

  func finish() async throws {
    try await disk.run { [file] in try file.finish() }
  }
}

/// The stage `srt`: writes finished turns as SubRip captions.
package struct SubRipCaptions: EventSink {
  package static let description = StageDescription<SubRipCaptions>(
    "srt", "Writes finished turns into a file of SubRip captions.",
    details: captionDetails,
    examples: [
      "file talk.opus | flux | srt talk.srt",
      "file talk.opus | flux as=me | srt talk.srt voice=stream overwrite",
    ]
  ) {
    Option("path", \SubRipCaptions.path, "The file.", positional: true, required: true)
    Option("voice", \SubRipCaptions.voice, "Whether captions begin with the speaker's name.")
    Option("overwrite", \SubRipCaptions.overwrite, "Replace the file if there is one.")
  }

  package var path = Path("")
  package var voice = CaptionVoice.none
  package var overwrite = false
  private var writer: CaptionWriter?

  package init() {}

  package mutating func open(_ context: StageContext) async throws {
    writer = try await CaptionWriter(.subRip, path, voice: voice, overwrite: overwrite, context)
  }

  package mutating func write(_ event: Event) async throws { try await writer?.write(event) }

  package mutating func finish() async throws { try await writer?.finish() }
}

/// The stage `vtt`: writes finished turns as WebVTT captions.
package struct WebVTTCaptions: EventSink {
  package static let description = StageDescription<WebVTTCaptions>(
    "vtt", "Writes finished turns into a file of WebVTT captions.",
    details: captionDetails,
    examples: [
      "file talk.opus | flux as=me | vtt talk.vtt", "file talk.opus | flux | vtt talk.vtt overwrite",
    ]
  ) {
    Option("path", \WebVTTCaptions.path, "The file.", positional: true, required: true)
    Option("voice", \WebVTTCaptions.voice, "Whether captions name their speaker, as `<v me>`.")
    Option("overwrite", \WebVTTCaptions.overwrite, "Replace the file if there is one.")
  }

  package var path = Path("")
  package var voice = CaptionVoice.stream
  package var overwrite = false
  private var writer: CaptionWriter?

  package init() {}

  package mutating func open(_ context: StageContext) async throws {
    writer = try await CaptionWriter(.webVTT, path, voice: voice, overwrite: overwrite, context)
  }

  package mutating func write(_ event: Event) async throws { try await writer?.write(event) }

  package mutating func finish() async throws { try await writer?.finish() }
}

/// The stage `txt`: writes what was said as plain text.
package struct PlainText: EventSink {
  package static let description = StageDescription<PlainText>(
    "txt", "Writes what was said into a file of plain text, a caption a line.",
    details: captionDetails,
    examples: [
      "file talk.opus | flux | txt talk.txt", "file talk.opus | flux as=me | txt talk.txt voice=none",
    ]
  ) {
    Option("path", \PlainText.path, "The file.", positional: true, required: true)
    Option("voice", \PlainText.voice, "Whether lines begin with the speaker's name.")
    Option("overwrite", \PlainText.overwrite, "Replace the file if there is one.")
  }

  package var path = Path("")
  package var voice = CaptionVoice.stream
  package var overwrite = false
  private var writer: CaptionWriter?

  package init() {}

  package mutating func open(_ context: StageContext) async throws {
    writer = try await CaptionWriter(.text, path, voice: voice, overwrite: overwrite, context)
  }

  package mutating func write(_ event: Event) async throws { try await writer?.write(event) }

  package mutating func finish() async throws { try await writer?.finish() }
}

private let captionDetails = """
  Captions follow the words' times: two lines of 42 characters at most, no longer than 7 s, cut at pauses of 700 ms and at \
  punctuation. They are written when a turn ends; where speakers overlap, the file is written again in the order of time at \
  the end. A file that is there already is not touched without `overwrite`.
  """
