package import FluxGraph

/// The stage `jsonl`: appends every event to a file, one JSON object a line.
package struct JSONLines: EventSink {
  package static let description = StageDescription<JSONLines>(
    "jsonl", "Appends every event to a file, one JSON object a line.",
    details: """
      The path may have fields, such as `logs/{date}.jsonl`; directories are made as needed. A line is written whole, in one \
      piece, as soon as its event arrives; one that a crash has left torn at the end of the file is taken away. A file that \
      holds something else than lines of events is refused. A file that is moved away is opened anew, at the next event or at \
      SIGHUP, whichever comes first. With `rotate` a file is put aside at the end of a period or before it gets too long, \
      under its name and the time. While the disk is full, or nobody reads a named pipe, lines wait in memory, up to 8 MB, \
      and are tried again every second; a file system that does not answer keeps nothing else waiting, and up to 16 MB of \
      events wait for it; with `fsync=interval` they are on the disk within a second or so. `fluxgraph schema` \
      prints the JSON Schema of the lines.
      """,
    ports: [PortSpecification("notices", "What could not be written.")],
    examples: [
      "file talk.opus | flux | jsonl turns.jsonl", "file talk.opus | flux | jsonl logs/{date}.jsonl",
      "file talk.opus | flux | jsonl turns.jsonl rotate=[1h, 100MB] keep=24 fsync=turn",
    ]
  ) {
    Option("path", \JSONLines.path, "The file.", positional: true, required: true)
    Option("rotate", \JSONLines.rotate, "A time, a size or both after which a new file is begun.")
    Option(
      "keep", \JSONLines.keep, "How many files put aside are kept; all of them unless given.", in: 0...100_000
    )
    Rule(
      "keep-without-rotate", reads: ["keep", "rotate"],
      "`keep` counts the files that `rotate` has put aside; without `rotate` there is one file, which grows.",
      example: "file talk.opus | flux | jsonl turns.jsonl keep=24",
      fix: "file talk.opus | flux | jsonl turns.jsonl keep=24 rotate=[1h]"
    ) { lines in
      guard lines.keep != nil, lines.rotate == FileRotation() else { return nil }
      return OptionConflict(
        "`keep` counts files that `rotate` puts aside", options: ["keep"],
        help: "add `rotate=[1h]`, or leave `keep` out", fix: .set("rotate", "[1h]"))
    }
    Option("fsync", \JSONLines.fsync, "When lines are made to survive a power failure.")
  }

  package var path = PathTemplate(Template.empty)
  package var rotate = FileRotation()
  package var keep: Int?
  package var fsync = FileSync.interval
  private var context: StageContext?
  private var writer: JSONLinesWriter?

  package init() {}

  package var queue: QueuePolicy { .files }

  package func needs(_ context: StageContext) -> [Need]? {
    let time = context.clock.wallTime().local
    let known = ["date": time.date, "clock": time.clock]
    guard path.template.fieldNames.allSatisfy({ known[$0] != nil }) else {
      // What events choose is known with them; the directories before that are known now.
      let text = path.template.source.prefix { $0 != "{" }
      return [.writableDirectory(directory(of: context.resolve(Path(text + "x"))))]
    }
    let target = context.resolve(path.rendered { known[$0].map { .text($0) } })
    return [
      .appendedFile(target), Need { () throws(StageError) in try LineFileContent.finding(target) },
    ]
  }

  package mutating func open(_ context: StageContext) async throws {
    self.context = context
    let writer = JSONLinesWriter(rotation: rotate, keep: keep, sync: fsync, context)
    self.writer = writer
    context.onHangUp { context.disk.submit { writer.reopen() } }
  }

  package mutating func write(_ event: Event) async throws {
    guard let context, let writer else { return }
    var bytes: [UInt8] = []
    event.json.write(to: &bytes)
    bytes.append(UInt8(ascii: "\n"))
    let line = JSONLinesWriter.Line(
      bytes: bytes, path: context.resolve(path.rendered { event.value(of: $0) }))
    let isEndOfTurn = if case .turn(let turn) = event { turn.kind == .endOfTurn } else { false }
    let writes = writer.writes
    try await DelayedWrites.run(writes) { try writer.append(line, isEndOfTurn: isEndOfTurn) }
  }

  package mutating func finish() async throws {
    guard let context, let writer else { return }
    let writes = writer.writes
    try await DelayedWrites.wait(for: writes)
    // A run in which nothing was said leaves an empty file; one that failed before anything was leaves none.
    let made = path.template.fieldNames.isEmpty && !context.graphHasFailed
    let target = context.resolve(path.rendered { _ in nil })
    try await DelayedWrites.run(writes) { try writer.close(making: made ? target : nil) }
  }
}
