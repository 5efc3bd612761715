package import FluxGraph
internal import Glibc
internal import Synchronization

/// The stage `jsonl`: appends every event to a file, one JSON object a line.
package struct JSONLines: EventSink {
  package static let description = StageDescription<JSONLines>(
    "jsonl", "Appends every event to a file, one JSON object a line.",
    details: """
      The path may have fields, such as `logs/{date}.jsonl`; directories are made as needed. A line is written whole, in one \
      piece, as soon as its event arrives.
      """,
    examples: [
      "file talk.opus | flux | jsonl turns.jsonl", "file talk.opus | flux | jsonl logs/{date}.jsonl",
    ]
  ) {
    Option("path", \JSONLines.path, "The file.", positional: true, required: true)
  }

  package var path = PathTemplate(Template.empty)
  private var context: StageContext?
  private let file = LineFile()

  package init() {}

  package mutating func open(_ context: StageContext) async throws {
    self.context = context
    // A path that cannot be written is better known before the first event than after the first hour.
    guard path.template.fieldNames.isEmpty else { return }
    let target = context.resolve(path.rendered { _ in nil })
    try await context.disk.run { [file] in try file.append([], to: target) }
  }

  package mutating func write(_ event: Event) async throws {
    guard let context else { return }
    let target = context.resolve(path.rendered { event.value(of: $0) })
    var line: [UInt8] = []
    event.json.write(to: &line)
    line.append(UInt8(ascii: "\n"))
    let bytes = line
    try await context.disk.run { [file] in try file.append(bytes, to: target) }
  }

  package mutating func finish() async throws {
    try await context?.disk.run { [file] in file.close() }
  }
}
