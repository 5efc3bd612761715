internal import FluxGraph
internal import FluxProtocol
internal import Glibc
internal import GraphRuntime
internal import Platform
internal import Synchronization

/// A recording of a session: lines that are written on a thread of their own, in order. The file is made with the first one.
final class RecordingFile: Sendable {
  private let path: String
  private let opening: OutputFile.Opening
  /// What waits for a disk that does not keep up, in bytes.
  private static let limit = 16 << 20

  /// Keeps another `record` from the same file.
  private let claim = Mutex<PathClaim?>(nil)
  private let lines: AsyncStream<String>.Continuation
  private let waiting: Waiting
  /// Ends with whether there was a line, or the first error.
  private let writing: Task<Result<Bool, StageError>, Never>

  /// - Parameter overwrite: whether a recording that is there is replaced.
  /// - Throws: `StageError` when no more files can be opened.
  init(path: String, overwrite: Bool) throws(StageError) {
    self.path = path
    opening = overwrite ? .replacing : .new
    let (stream, continuation) = AsyncStream<String>.makeStream()
    lines = continuation
    let waiting = Waiting()
    self.waiting = waiting
    let disk = try DiskThreads().lane(
      tell: { Terminal.error.write("\($0.severity == .warning ? "warning" : "notice"): \($0.message)\n") },
      isEnding: { waiting.isEnding.load(ordering: .relaxed) })
    let output = LateOutput(path, opening)
    writing = Task {
      do {
        for await line in stream {
          try await disk.run {
            disk.works(on: path)
            try output.append(line)
          }
          waiting.bytes.subtract(line.utf8.count, ordering: .relaxed)
        }
        let lost = waiting.lost.load(ordering: .relaxed)
        if lost > 0 {
          throw StageError(
            .inputOutput, "\(path) ends too early: its disk did not keep up, and \(lost) messages are missing"
          )
        }
        return .success(try await disk.run { try output.finish() })
      } catch {
        return .failure(
          error as? StageError ?? (error as? DiskSilence)?.stageError ?? StageError(.internal, "\(error)"))
      }
    }
  }

  /// What must be so for it to be written.
  var need: Need {
    Need { [self, path, opening] () throws(StageError) in
      guard !Self.isSomethingElse(path) else {
        throw StageError(
          .inputOutput, "\(path) is there already, and is no recording",
          help: "Did you swap them? It is `fluxgraph record GRAPH FILE`.")
      }
      var state = stat()
      if stat(path, &state) == 0, !isRegularFile(path) {
        throw StageError(.inputOutput, "\(path) is no file, and a recording is one")
      }
      if opening == .new, lstat(path, &state) == 0 {
        throw StageError(
          .inputOutput, "\(path) is already there",
          help: "Add `--overwrite` to replace it, or name another file.")
      }
      let text = try Need.newFile(path, overwrite: opening == .replacing).look()
      guard let own = PathClaim(path) else {
        throw StageError(.inputOutput, "\(path) is being written by another `record`")
      }
      claim.withLock { $0 = own }
      return text
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

  func write(_ line: String) {
    let size = line.utf8.count
    let bytes = waiting.bytes.add(size, ordering: .relaxed).newValue
    // A recording with a hole is none: it ends with what was lost first.
    if bytes > Self.limit || waiting.lost.load(ordering: .relaxed) > 0 {
      waiting.bytes.subtract(size, ordering: .relaxed)
      waiting.lost.add(1, ordering: .relaxed)
    } else {
      lines.yield(line)
    }
  }

  /// Waits until everything is written.
  /// - Returns: whether there is a recording.
  func finish() async throws(StageError) -> Bool {
    waiting.isEnding.store(true, ordering: .relaxed)
    lines.finish()
    return try await writing.value.get()
  }
}

/// What is on its way to the disk.
private final class Waiting: Sendable {
  let bytes = Atomic<Int>(0)
  let lost = Atomic<Int>(0)
  let isEnding = Atomic<Bool>(false)
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
  /// What was sent before that.
  private var beginning: [String] = []

  init(_ path: String, _ opening: OutputFile.Opening) {
    // Through a link what it leads to is replaced, and not the link.
    self.path = opening == .replacing ? FilePlace.linked(path) : path
    self.opening = opening
  }

  func append(_ line: String) throws(StageError) {
    hasSession = hasSession || line.hasPrefix(#"{"from":"server""#) && line.contains(#""text":"#)
    guard hasSession else { return beginning.append(line) }
    for line in beginning { try write(line) }
    beginning = []
    try write(line)
  }

  private func write(_ line: String) throws(StageError) {
    // Readable for its owner only: it holds what was said.
    if file == nil {
      let place = opening == .replacing && access(path, F_OK) == 0 ? "\(path).\(getpid()).part" : path
      file = try OutputFiles().open(place, opening, permissions: 0o600)
    }
    guard let file else { return }
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
