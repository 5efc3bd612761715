public import FluxGraph
import Foundation

/// The stage `csv`: a table with a row for each finished turn (RFC 4180).
public struct CSVFile: EventSink {
  public static let description = StageDescription<CSVFile>(
    "csv", "Writes a table with a row for each finished turn.",
    details: "The first row names the columns. A file that is there is continued, without another first row.",
    examples: [
      "file talk.wav | flux | csv turns.csv",
      "file talk.wav | flux as=me | csv turns.csv columns=[stream, start, transcript]",
    ]
  ) {
    Option("path", \CSVFile.path, "The file.", positional: true, required: true)
    Option("columns", \CSVFile.columns, "The fields, in their order.")
    Rule(reads: ["columns"]) { csv in
      let known = EventField.all.map(\.name)
      guard let column = csv.columns.first(where: { !known.contains($0) }) else { return nil }
      return OptionConflict(
        code: "unknown-field", "events have no field `\(column)`", options: ["columns"],
        help: "the fields are \(known.joined(separator: ", "))")
    }
  }

  public var path = Path("")
  public var columns = ["turn", "start", "end", "transcript", "confidence"]
  private var context: StageContext?
  private var file: OpenFile?

  public init() {}

  public mutating func open(_ context: StageContext) async throws {
    self.context = context
    let place = context.resolve(path)
    let head = Self.row(columns)
    file = try await context.disk.run { try OpenFile(place, head: head) }
  }

  public mutating func write(_ event: Event) async throws {
    guard case .turn(let turn) = event, turn.kind == .endOfTurn, let file, let context else { return }
    let row = Self.row(columns.map { event.value(of: $0)?.description ?? "" })
    try await context.disk.run { try file.append(row) }
  }

  public mutating func finish() async throws {
    guard let file, let context else { return }
    try await context.disk.run { try file.close() }
  }

  /// Quoted where it has to be: a comma, a quotation mark or a line break inside.
  private static func row(_ values: [String]) -> String {
    let cells = values.map { value in
      value.contains { ",\"\r\n".contains($0) } ? "\"" + value.replacing("\"", with: "\"\"") + "\"" : value
    }
    return cells.joined(separator: ",") + "\r\n"
  }
}

/// A file that is written at its end.
private final class OpenFile: @unchecked Sendable {
  // Unchecked: only the disk thread uses it.
  private let handle: FileHandle
  private let path: String

  /// - Parameter head: what a new file begins with.
  init(_ path: String, head: String) throws(StageError) {
    let isNew = !FileManager.default.fileExists(atPath: path)
    if isNew { _ = FileManager.default.createFile(atPath: path, contents: Data(head.utf8)) }
    guard let handle = FileHandle(forWritingAtPath: path) else {
      throw StageError(.inputOutput, "\(path) cannot be written")
    }
    self.handle = handle
    self.path = path
  }

  func append(_ row: String) throws(StageError) {
    do {
      try handle.seekToEnd()
      try handle.write(contentsOf: Data(row.utf8))
    } catch {
      throw StageError(.inputOutput, "\(path) cannot be written: \(error)")
    }
  }

  func close() throws(StageError) {
    do {
      try handle.close()
    } catch {
      throw StageError(.inputOutput, "\(path) cannot be closed: \(error)")
    }
  }
}
