package import FluxGraph

/// Whether captions say who speaks.
package enum CaptionVoice: String, OptionEnumeration {
  /// By the name given with `as=`.
  case stream
  case none
}

/// A kind of caption file, as a stage of its own.
package protocol CaptionKind: Sendable {
  /// Name, summary, what `voice` does, and examples.
  static var page: (name: String, summary: String, voice: String, examples: [String]) { get }
  static var voice: CaptionVoice { get }
  static var format: CaptionFormat { get }
}

/// The stage `srt`: writes finished turns as SubRip captions.
package enum SubRip: CaptionKind {
  package static let page = (
    name: "srt", summary: "Writes finished turns into a file of SubRip captions.",
    voice: "Whether captions begin with the speaker's name.",
    examples: [
      "file talk.opus | flux | srt talk.srt",
      "file talk.opus | flux as=me | srt talk.srt voice=stream overwrite",
    ]
  )
  package static let voice = CaptionVoice.none
  package static let format = CaptionFormat.subRip
}

/// The stage `vtt`: writes finished turns as WebVTT captions.
package enum WebVTT: CaptionKind {
  package static let page = (
    name: "vtt", summary: "Writes finished turns into a file of WebVTT captions.",
    voice: "Whether captions name their speaker, as `<v me>`.",
    examples: [
      "file talk.opus | flux as=me | vtt talk.vtt", "file talk.opus | flux | vtt talk.vtt overwrite",
      "mic | flux as=me | vtt meetings/{date}-{clock}.vtt rotate=[1h]",
    ]
  )
  package static let voice = CaptionVoice.stream
  package static let format = CaptionFormat.webVTT
}

/// The stage `txt`: writes what was said as plain text.
package enum PlainText: CaptionKind {
  package static let page = (
    name: "txt", summary: "Writes what was said into a file of plain text, a caption a line.",
    voice: "Whether lines begin with the speaker's name.",
    examples: [
      "file talk.opus | flux | txt talk.txt", "file talk.opus | flux as=me | txt talk.txt voice=none",
    ]
  )
  package static let voice = CaptionVoice.stream
  package static let format = CaptionFormat.text
}

/// A stage that writes finished turns into a file of captions.
package struct CaptionSink<Kind: CaptionKind>: EventSink {
  package static var description: StageDescription<Self> {
    StageDescription(
      Kind.page.name, Kind.page.summary,
      details: """
        Captions follow the words' times: two lines of 42 characters at most, no longer than 7 s, cut at pauses of 700 ms and \
        at punctuation; they stay for a second at least, and 20 characters a second, or until the next one begins. They are written when a turn ends; where speakers overlap, the file is written again in the order of \
        time at the end. The path may have the fields `{date}`, `{clock}`, `{start}` (seconds of the stream before the \
        file) and `{stream}` (the name given with `as=`: each speaker has a file of his own). `rotate` begins another file \
        after a time of the stream, a size, or whichever comes first; its times count from its own beginning, as in the \
        recording that `wav` makes with the same `rotate`. A file that is there already is not touched without `overwrite`. \
        While the disk is full captions wait in memory, and are tried again every second; a file system that does not answer \
        keeps nothing else waiting.
        """,
      examples: Kind.page.examples
    ) {
      Option("path", \Self.path, "The file.", positional: true, required: true)
      Rule(reads: ["path"]) { RecordingPath.conflict(in: $0.path, of: "a file of captions") }
      Option("voice", \Self.voice, Kind.page.voice)
      Option("rotate", \Self.rotate, "When another file begins.")
      Option("overwrite", \Self.overwrite, "Replace the file if there is one.")
    }
  }

  package var path = PathTemplate(Template.empty)
  package var voice = Kind.voice
  package var rotate: [RecordingLimit] = []
  package var overwrite = false
  private var builder = CaptionBuilder()
  private var writer: CaptionWriter?
  private var context: StageContext?

  package init() {}

  package var queue: QueuePolicy { .files }

  package func needs(_ context: StageContext) -> [Need]? {
    RecordingPath(path, began: context.clock.wallTime()).needs(overwrite: overwrite, context)
  }

  package mutating func open(_ context: StageContext) async throws {
    builder = CaptionBuilder(naming: voice == .none ? .nobody : Kind.format.naming)
    self.context = context
    writer = CaptionWriter(
      .init(
        format: Kind.format, path: RecordingPath(path, began: context.clock.wallTime()), rotation: rotate,
        overwrite: overwrite), context)
  }

  package mutating func write(_ event: Event) async throws {
    guard case .turn(let turn) = event, let writer, let context else { return }
    let stream = turn.stream ?? context.name
    let entries = builder.captions(for: turn).map { CaptionWriter.Entry(caption: $0, stream: stream) }
    if entries.isEmpty { return }
    try await DelayedWrites.run(writer.writes) { try writer.append(entries) }
  }

  package mutating func finish() async throws {
    guard let writer, let context else { return }
    try await DelayedWrites.wait(for: writer.writes)
    // A run in which nothing was said leaves an empty file; one that failed before anything was leaves none.
    let makesEmpty = !context.graphHasFailed
    try await DelayedWrites.run(writer.writes) { try writer.close(makesEmpty: makesEmpty) }
  }
}
