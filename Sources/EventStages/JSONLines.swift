package import FluxGraph

/// The stage `jsonl`: appends every event to a file, one JSON object a line.
package struct JSONLines: EventSink {
  package static let description = StageDescription<JSONLines>(
    "jsonl", "Appends every event to a file, one JSON object a line.",
    details: """
      The path may have fields, such as `logs/{date}.jsonl`; directories are made as needed. A line is written whole, in one \
      piece, as soon as its event arrives. A file that is moved away is opened anew, so that logrotate needs no signal. With \
      `rotate` a file is put aside at the end of a period or before it gets too long, under its name and the time. While the \
      disk is full, lines wait in memory, up to 8 MB, and every further event is another try. `fluxgraph schema` prints the \
      JSON Schema of the lines.
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

  /// What waits for a disk that takes nothing.
  private static let pendingLimit = 8_000_000

  package var path = PathTemplate(Template.empty)
  package var rotate = FileRotation()
  package var keep: Int?
  package var fsync = FileSync.interval
  private var context: StageContext?
  private var file = LineFile()
  /// Lines that could not be written yet, and where they belong.
  private var pending: [(line: [UInt8], path: String)] = []
  private var pendingBytes = 0
  private var lost = 0
  private var isFailing = false

  package init() {}

  package mutating func open(_ context: StageContext) async throws {
    self.context = context
    file = LineFile(rotation: rotate, keep: keep)
    // A path that cannot be written is better known before the first event than after the first hour.
    guard path.template.fieldNames.isEmpty else { return }
    let target = context.resolve(path.rendered { _ in nil })
    try await context.disk.run { [file] in try file.prepare(target) }
  }

  package mutating func write(_ event: Event) async throws {
    guard let context else { return }
    var line: [UInt8] = []
    event.json.write(to: &line)
    line.append(UInt8(ascii: "\n"))
    if pendingBytes + line.count > Self.pendingLimit {
      lost += 1
    } else {
      pendingBytes += line.count
      pending.append((line, context.resolve(path.rendered { event.value(of: $0) })))
    }
    await writePending(context)
    let isEndOfTurn = if case .turn(let turn) = event { turn.kind == .endOfTurn } else { false }
    await synchronise(context, isEndOfTurn: isEndOfTurn)
  }

  package mutating func finish() async throws {
    guard let context else { return }
    for _ in 0..<5 where !pending.isEmpty {
      do { try await Task.sleep(for: .seconds(1)) } catch { break }
      await writePending(context)
    }
    let (unwritten, target) = (pending.count + lost, pending.first?.path)
    try await context.disk.run { [file, fsync] in
      if fsync != .never { try file.synchronise(now: .now()) }
      file.close()
    }
    if unwritten > 0 {
      throw StageError(.inputOutput, "\(unwritten) events could not be written to \(target ?? "the file")")
    }
  }

  /// Writes what waits, in order, as far as it goes.
  private mutating func writePending(_ context: StageContext) async {
    let lines = pending
    let now = context.clock.wallTime()
    let (written, problem) =
      (try? await context.disk.run { [file] () -> (Int, StageError?) in
        for (index, entry) in lines.enumerated() {
          do throws(StageError) {
            try file.append(entry.line, to: entry.path, now: now)
          } catch {
            return (index, error)
          }
        }
        return (lines.count, nil)
      }) ?? (0, nil)
    pendingBytes -= pending[..<written].reduce(0) { $0 + $1.line.count }
    pending.removeFirst(written)
    report(problem, context)
  }

  private mutating func synchronise(_ context: StageContext, isEndOfTurn: Bool) async {
    if fsync == .never || fsync == .turn && !isEndOfTurn || isFailing { return }
    let now = context.clock.wallTime()
    do {
      try await context.disk.run { [file, fsync] in
        try file.synchronise(now: now, interval: fsync == .turn ? 0 : 1)
      }
    } catch {
      report(error as? StageError, context)
    }
  }

  /// One notice when writing begins to fail, and one when it works again.
  private mutating func report(_ problem: StageError?, _ context: StageContext) {
    if let problem, !isFailing {
      context.notice(
        Notice("not-written", "\(problem.message); it is tried again with every event", severity: .warning))
    } else if problem == nil && isFailing {
      let text = lost > 0 ? "writing again; \(lost) events were lost" : "writing again; nothing was lost"
      context.notice(Notice("written-again", text, details: [("lost", JSONValue(lost))]))
      lost = 0
    }
    isFailing = problem != nil
  }
}
