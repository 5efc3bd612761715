internal import FluxGraph
internal import FluxProtocol
internal import Glibc
internal import GraphRuntime
internal import Platform

/// A recording of a session: lines that are written on a thread of their own, in order. The file is made with the first one.
final class RecordingFile: Sendable {
  private let path: String
  private let opening: OutputFile.Opening
  private let lines: AsyncStream<String>.Continuation
  /// Ends with whether there was a line, or the first error.
  private let writing: Task<Result<Bool, StageError>, Never>

  /// - Parameter overwrite: whether a recording that is there is replaced.
  init(path: String, overwrite: Bool) {
    self.path = path
    opening = overwrite ? .replacing : .new
    let (stream, continuation) = AsyncStream<String>.makeStream()
    lines = continuation
    let disk = BlockingWorker("disk")
    let output = LateOutput(path, opening)
    writing = Task {
      do {
        for await line in stream { try await disk.run { try output.append(line) } }
        return .success(try await disk.run { try output.finish() })
      } catch {
        return .failure(error as? StageError ?? StageError(.internal, "\(error)"))
      }
    }
  }

  /// What must be so for it to be written.
  var need: Need {
    Need { [path, opening] () throws(StageError) in
      guard !Self.isSomethingElse(path) else {
        throw StageError(
          .inputOutput, "\(path) is there already, and is no recording",
          help: "Did you swap them? It is `fluxgraph record GRAPH FILE`.")
      }
      if opening == .new, access(path, F_OK) == 0 {
        throw StageError(
          .inputOutput, "\(path) is already there",
          help: "Add `--overwrite` to replace it, or name another file.")
      }
      return try Need.newFile(path, overwrite: opening == .replacing).look()
    }
  }

  /// Whether there is a file at a path, with something in it, that is no recording: a graph, as it may be.
  static func isSomethingElse(_ path: String) -> Bool {
    if path == "-" { return true }
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    let beginning = (try? readAll(of: descriptor, path, limit: 64)) ?? []
    return !beginning.isEmpty && !FluxRecording.isRecording(beginning)
  }

  func write(_ line: String) { lines.yield(line) }

  /// Waits until everything is written.
  /// - Returns: whether there is a recording.
  func finish() async throws(StageError) -> Bool {
    lines.finish()
    return try await writing.value.get()
  }
}

/// A file that is made with its first line. One that is there already is replaced at the end, by a whole session. Used on one
/// thread.
private final class LateOutput: @unchecked Sendable {
  // Unchecked: the recording hands everything it does to one thread.
  private let path: String
  private let opening: OutputFile.Opening
  private var file: OutputFile?
  /// Whether the service has said something.
  private var hasSession = false

  init(_ path: String, _ opening: OutputFile.Opening) {
    self.path = path
    self.opening = opening
  }

  func append(_ line: String) throws(StageError) {
    // Readable for its owner only: it holds what was said.
    if file == nil {
      let place = opening == .replacing && access(path, F_OK) == 0 ? "\(path).\(getpid()).part" : path
      file = try OutputFiles().open(place, opening, permissions: 0o600)
    }
    guard let file else { return }
    hasSession = hasSession || line.hasPrefix(#"{"from":"server""#) && line.contains(#""text":"#)
    try StageError.onFiles { () throws(FileError) in try file.append(Array((line + "\n").utf8)) }
  }

  /// Returns whether there is a recording.
  func finish() throws(StageError) -> Bool {
    guard let file else { return false }
    self.file = nil
    guard file.path != path else { return true }
    guard hasSession else {
      unlink(file.path)
      return false
    }
    if rename(file.path, path) != 0 { throw .file("cannot write", path, errno) }
    return true
  }
}
