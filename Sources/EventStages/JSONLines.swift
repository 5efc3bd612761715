package import FluxGraph

/// The stage `jsonl`: appends every event to a file, one JSON object a line.
package struct JSONLines: EventSink {
  package static let description = StageDescription<JSONLines>(
    "jsonl", "Appends every event to a file, one JSON object a line.",
    details: """
      The path may have fields, such as `logs/{date}.jsonl`; directories are made as needed. A line is written whole, in one \
      piece, as soon as its event arrives; one that a crash has left torn at the end of the file is taken away. A file that \
      holds something else than lines of JSON is refused. A file that is moved away is opened anew, at the next event or at \
      SIGHUP, whichever comes first. With `rotate` a file is put aside at the end of a period or before it gets too long, \
      under its name and the time. While the disk is full, or nobody reads a named pipe, lines wait in memory, up to 8 MB, \
      and are tried again every second; with `fsync=interval` they are on the disk within a second or so. `fluxgraph schema` \
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
    Option("fsync", \JSONLines.fsync, "When lines are made to survive a power failure.")
  }

  package var path = PathTemplate(Template.empty)
  package var rotate = FileRotation()
  package var keep: Int?
  package var fsync = FileSync.interval
  private var context: StageContext?
  private var writer: JSONLinesWriter?

  package init() {}

  package func validate() throws(OptionConflict) {
    if keep != nil && rotate == FileRotation() {
      throw OptionConflict(
        code: "keep-without-rotate", "`keep` counts files that `rotate` puts aside", options: ["keep"],
        help: "add `rotate=1h`, or leave `keep` out")
    }
  }

  package mutating func open(_ context: StageContext) async throws {
    self.context = context
    let writer = JSONLinesWriter(rotation: rotate, keep: keep, sync: fsync, context)
    self.writer = writer
    context.onHangUp { context.disk.submit { writer.reopen() } }
    // A path that cannot be written is better known before the first event than after the first hour.
    guard path.template.fieldNames.isEmpty else { return }
    let target = context.resolve(path.rendered { _ in nil })
    try await context.disk.run { try writer.prepare(target) }
  }

  package mutating func write(_ event: Event) async throws {
    guard let context, let writer else { return }
    var line: [UInt8] = []
    event.json.write(to: &line)
    line.append(UInt8(ascii: "\n"))
    let (bytes, target) = (line, context.resolve(path.rendered { event.value(of: $0) }))
    let isEndOfTurn = if case .turn(let turn) = event { turn.kind == .endOfTurn } else { false }
    try await context.disk.run { try writer.append(bytes, to: target, isEndOfTurn: isEndOfTurn) }
  }

  package mutating func finish() async throws {
    guard let context, let writer else { return }
    // A disk that was full, or a reader that was slow, has another moment.
    for _ in 0..<10 where try await context.disk.run({ try writer.flush() }) == false {
      do { try await Task.sleep(for: .milliseconds(200)) } catch { break }
    }
    try await context.disk.run { try writer.close() }
  }
}
