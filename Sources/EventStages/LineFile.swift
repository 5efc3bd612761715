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
  private var descriptor: Int32 = -1
  private var path = ""
  private var isRegular = false
  /// What a pipe has not taken yet of the last line.
  private var rest: ArraySlice<UInt8> = []
  private var lastWrite = WallTime(seconds: 0)
  private(set) var hasUnsynced = false

  init(rotation: FileRotation = FileRotation(), keep: Int? = nil) {
    self.rotation = rotation
    self.keep = keep
  }

  deinit {
    if descriptor >= 0 { Glibc.close(descriptor) }
  }

  /// Opens the file now, so that a path that cannot be written is known before the first line.
  func prepare(_ path: String) throws(StageError) { try open(path) }

  /// Appends whole lines in one piece.
  /// - Throws: `StageError`: nothing of the lines is in the file then. With code `inputOutput` another try may go better;
  ///   with `badInput` the file holds something else than lines of JSON.
  func append(_ bytes: [UInt8], to path: String, now: WallTime) throws(StageError) {
    if descriptor < 0 || path != self.path || isMoved { try open(path) }
    guard isRegular else { return try appendToPipe(bytes) }
    var length = length
    if rotation.isDue(count: length, added: bytes.count, lastWrite: lastWrite, now: now) {
      try putAside(now)
      length = 0
    }
    let problem = writeWhole(bytes, to: descriptor)
    if problem != 0 {
      ftruncate(descriptor, length)
      throw .file("cannot write", path, problem)
    }
    lastWrite = now
    hasUnsynced = true
  }

  /// Makes what was written survive a power failure.
  func synchronise() throws(StageError) {
    guard hasUnsynced else { return }
    // Once only: after a failure the system has forgotten what it could not write, and would call the next try a success.
    hasUnsynced = false
    if fdatasync(descriptor) != 0 { throw .file("cannot write", path, errno) }
  }

  /// Opens the file anew if it has been moved away.
  func reopen() throws(StageError) {
    if descriptor >= 0 && isMoved { try open(path) }
  }

  func close() {
    if descriptor >= 0 { Glibc.close(descriptor) }
    descriptor = -1
    rest = []
  }

  private func open(_ path: String) throws(StageError) {
    if hasUnsynced { try? synchronise() }
    close()
    makeDirectories(above: path)
    // Neither a pipe's opening nor its writing may wait: the thread has other files to see to.
    descriptor = Glibc.open(path, O_WRONLY | O_CREAT | O_APPEND | O_NONBLOCK | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else {
      if errno == ENXIO { throw StageError(.inputOutput, "nobody reads the pipe \(path)") }
      throw .file("cannot open", path, errno)
    }
    self.path = path
    var state = stat()
    isRegular = fstat(descriptor, &state) == 0 && state.st_mode & S_IFMT == S_IFREG
    guard isRegular else { return }
    lastWrite = WallTime(seconds: Double(state.st_mtim.tv_sec))
    do {
      try LineFileContent(path, length: Int(state.st_size)).mend(descriptor)
    } catch {
      close()
      throw error
    }
  }

  private var length: Int {
    var state = stat()
    return fstat(descriptor, &state) == 0 ? Int(state.st_size) : 0
  }

  /// Whether the path means another file by now.
  private var isMoved: Bool {
    var opened = stat()
    var named = stat()
    guard fstat(descriptor, &opened) == 0, stat(path, &named) == 0 else { return true }
    return opened.st_ino != named.st_ino || opened.st_dev != named.st_dev
  }

  // MARK: - Pipes

  /// Whether there is a named pipe.
  static func isPipe(_ path: String) -> Bool {
    var state = stat()
    return stat(path, &state) == 0 && state.st_mode & S_IFMT == S_IFIFO
  }

  private func appendToPipe(_ bytes: [UInt8]) throws(StageError) {
    try writeRest()
    rest = bytes[...]
    do throws(StageError) {
      try writeRest()
    } catch {
      // Begun, it is as good as written: the rest goes before the next line.
      if rest.count < bytes.count, descriptor >= 0 { return }
      rest = []
      throw error
    }
  }

  /// Writes what the pipe takes.
  /// - Throws: when it does not take all of it.
  private func writeRest() throws(StageError) {
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress!, $0.count) }
      if count >= 0 {
        rest = rest.dropFirst(count)
      } else if errno == EAGAIN {
        throw StageError(.inputOutput, "the reader of \(path) does not keep up")
      } else if errno != EINTR {
        let problem = errno
        // A new reader begins with a new line.
        close()
        throw .file("cannot write", path, problem)
      }
    }
  }

  // MARK: - Rotation

  /// Renames the file to its name and the time, and begins a new one.
  private func putAside(_ now: WallTime) throws(StageError) {
    try? synchronise()
    var time = now
    // Two in a millisecond must not take each other's name.
    while access(asideName(time), F_OK) == 0 { time.seconds += 0.001 }
    if rename(path, asideName(time)) != 0 { throw .file("cannot rename", path, errno) }
    try open(path)
    guard let keep else { return }
    for name in asideNames().dropLast(keep) { unlink(name) }
  }

  private func asideName(_ time: WallTime) -> String {
    "\(path).\(time.rfc3339.filter { $0 != "-" && $0 != ":" && $0 != "." })"
  }

  /// The files put aside, the oldest first: the names end in the time.
  private func asideNames() -> [String] {
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
