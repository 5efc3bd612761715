internal import FluxGraph
internal import Glibc

/// A file lines are appended to, kept open. Used on the disk thread only.
///
/// A line is written whole or not at all: what was written of one that did not fit is taken back, and what is left of one in a
/// pipe goes before the next. A file that somebody moved away, as logrotate does, is opened anew. Nothing here waits for the
/// reader of a pipe.
final class LineFile: @unchecked Sendable {
  // Unchecked: the stage that owns it uses it on the disk thread alone.
  private let rotation: FileRotation
  /// Files put aside that are kept; nil for all.
  private let keep: Int?
  private let files: OutputFiles
  /// Of a file that is made, before the umask.
  private let permissions: UInt32
  private var file: OutputFile?
  /// What a pipe has not taken yet of the last line.
  private var rest: ArraySlice<UInt8> = []
  private var lastWrite = WallTime(seconds: 0)
  private(set) var hasUnsynced = false

  init(
    rotation: FileRotation = FileRotation(), keep: Int? = nil, files: OutputFiles = OutputFiles(),
    permissions: UInt32 = 0o666
  ) {
    self.rotation = rotation
    self.keep = keep
    self.files = files
    self.permissions = permissions
  }

  /// Appends whole lines in one piece.
  /// - Throws: `StageError`: nothing of the lines is in the file then. With code `inputOutput` another try may go better;
  ///   with `badInput` the file holds something else than lines of events.
  func append(_ bytes: [UInt8], to path: String, now: WallTime) throws(StageError) {
    var file = try opened(path)
    guard file.isRegular else { return try appendToPipe(bytes) }
    if rotation.isDue(count: file.length, added: bytes.count, lastWrite: lastWrite, now: now) {
      try putAside(path, now)
      file = try opened(path)
    }
    try StageError.onFiles { () throws(FileError) in try file.append(bytes) }
    lastWrite = now
    hasUnsynced = true
  }

  /// Makes what was written survive a power failure.
  func synchronise() throws(StageError) {
    guard hasUnsynced, let file else { return }
    // Once only: after a failure the system has forgotten what it could not write, and would call the next try a success.
    hasUnsynced = false
    try StageError.onFiles { () throws(FileError) in try file.synchronise() }
  }

  /// Opens the file anew if it has been moved away.
  func reopen() throws(StageError) {
    if let file { try reopen(file.path) }
  }

  /// Opens the file, unless it is open already and still there.
  func reopen(_ path: String) throws(StageError) { _ = try opened(path) }

  func close() {
    file = nil
    rest = []
  }

  private func opened(_ path: String) throws(StageError) -> OutputFile {
    if let file, file.path == path, !file.isMoved { return file }
    if hasUnsynced { try? synchronise() }
    close()
    let opened = try files.open(path, .appending, permissions: permissions)
    if opened.isRegular {
      lastWrite = WallTime(seconds: opened.lastWrite)
      try LineFileContent(path, length: opened.length).mend(opened)
    }
    file = opened
    return opened
  }

  // MARK: - Pipes

  private func appendToPipe(_ bytes: [UInt8]) throws(StageError) {
    try writeRest()
    rest = bytes[...]
    do throws(StageError) {
      try writeRest()
    } catch {
      // Begun, it is as good as written: the rest goes before the next line.
      if rest.count < bytes.count, file != nil { return }
      rest = []
      throw error
    }
  }

  /// Writes what the pipe takes.
  /// - Throws: when it does not take all of it.
  private func writeRest() throws(StageError) {
    while !rest.isEmpty, let file {
      do throws(FileError) {
        let count = try file.offer(rest)
        if count == 0 {
          throw FileError("the reader does not keep up with", file.path, EAGAIN)
        }
        rest = rest.dropFirst(count)
      } catch {
        if error.code == EAGAIN {
          throw StageError(.inputOutput, "the reader of \(file.path) does not keep up")
        }
        // A new reader begins with a new line.
        close()
        throw StageError(error)
      }
    }
  }

  // MARK: - Rotation

  /// Renames the file to its name and the time. The next line begins a new one.
  private func putAside(_ path: String, _ now: WallTime) throws(StageError) {
    try? synchronise()
    var time = now
    // Two in a millisecond must not take each other's name.
    while access(asideName(path, time), F_OK) == 0 { time.seconds += 0.001 }
    if rename(path, asideName(path, time)) != 0 { throw .file("cannot rename", path, errno) }
    guard let keep else { return }
    for name in asideNames(path).dropLast(keep) { unlink(name) }
  }

  private func asideName(_ path: String, _ time: WallTime) -> String {
    "\(path).\(time.rfc3339.filter { $0 != "-" && $0 != ":" && $0 != "." })"
  }

  /// The files put aside, the oldest first: the names end in the time.
  private func asideNames(_ path: String) -> [String] {
    let slash = path.lastIndex(of: "/").map { path.index(after: $0) } ?? path.startIndex
    let directory = slash == path.startIndex ? "." : String(path[..<slash])
    let prefix = path[slash...] + "."
    let names = fileNames(in: directory).filter { name in
      guard name.hasPrefix(prefix) else { return false }
      let stamp = name.dropFirst(prefix.count)
      return stamp.utf8.count == 19 && stamp.last == "Z"
        && stamp.dropLast().allSatisfy { $0.isNumber || $0 == "T" }
    }
    return names.sorted().map { path[..<slash] + $0 }
  }
}
