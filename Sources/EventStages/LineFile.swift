internal import FluxGraph
internal import Glibc

/// A file lines are appended to, kept open as long as its path stays the same. Used on the disk thread only.
///
/// A line is written whole or not at all: what was written of one that did not fit is taken back. A file that somebody
/// moved away, as logrotate does, is opened anew.
final class LineFile: @unchecked Sendable {
  // Unchecked: the stage that owns it uses it on the disk thread alone.
  private let rotation: FileRotation
  /// Files put aside that are kept; nil for all.
  private let keep: Int?
  private var descriptor: Int32 = -1
  private var path = ""
  private var lastWrite = WallTime(seconds: 0)
  private var lastSync = WallTime(seconds: 0)
  private var hasUnsynced = false

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
  /// - Throws: `StageError` with code `inputOutput`. Nothing of the lines is in the file then.
  func append(_ bytes: [UInt8], to path: String, now: WallTime) throws(StageError) {
    if descriptor < 0 || path != self.path || isMoved { try open(path) }
    var length = length
    if rotation.isDue(count: length, added: bytes.count, lastWrite: lastWrite, now: now) {
      try putAside(now)
      length = 0
    }
    let problem = writeWhole(bytes, to: descriptor)
    if problem != 0 {
      // Only regular files can be cut; for others a torn line is their reader's to see.
      ftruncate(descriptor, length)
      throw .file("cannot write", path, problem)
    }
    lastWrite = now
    hasUnsynced = true
  }

  /// Makes what was written survive a power failure, at most once in `interval`.
  func synchronise(now: WallTime, interval: Double = 0) throws(StageError) {
    guard hasUnsynced, now.seconds - lastSync.seconds >= interval else { return }
    lastSync = now
    // Pipes and devices cannot be synchronised and need not be.
    if fdatasync(descriptor) != 0 && errno != EINVAL && errno != EROFS {
      throw .file("cannot write", path, errno)
    }
    hasUnsynced = false
  }

  func close() {
    if descriptor >= 0 { Glibc.close(descriptor) }
    descriptor = -1
  }

  private func open(_ path: String) throws(StageError) {
    if hasUnsynced { try? synchronise(now: lastWrite) }
    close()
    makeDirectories(above: path)
    descriptor = Glibc.open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0o666)
    // What can only be written, such as a pipe, cannot hold a torn line either.
    if descriptor < 0 { descriptor = Glibc.open(path, O_WRONLY | O_APPEND | O_CLOEXEC) }
    guard descriptor >= 0 else { throw .file("cannot open", path, errno) }
    self.path = path
    var state = stat()
    if fstat(descriptor, &state) == 0 { lastWrite = WallTime(seconds: Double(state.st_mtim.tv_sec)) }
    try mendLastLine()
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

  /// A program that was killed, or a machine that lost its power, may have left the beginning of a line. It is cut off when
  /// it is the beginning of an event; anything else only gets the line end it lacks.
  private func mendLastLine() throws(StageError) {
    var state = stat()
    guard fstat(descriptor, &state) == 0, state.st_mode & S_IFMT == S_IFREG, state.st_size > 0 else { return }
    let limit = 1 << 24
    let start = max(0, Int(state.st_size) - limit)
    var tail = [UInt8](repeating: 0, count: Int(state.st_size) - start)
    guard pread(descriptor, &tail, tail.count, start) == tail.count, tail.last != UInt8(ascii: "\n") else {
      return
    }
    let lineStart = (tail.lastIndex(of: UInt8(ascii: "\n")) ?? -1) + 1
    let line = Array(tail[lineStart...])
    let isTorn = line.starts(with: #"{"v":"#.utf8) && (try? JSONValue.parse(line.span)) == nil
    let problem =
      isTorn && (lineStart > 0 || start == 0)
      ? (ftruncate(descriptor, start + lineStart) == 0 ? 0 : errno)
      : writeWhole([UInt8(ascii: "\n")], to: descriptor)
    if problem != 0 { throw .file("cannot write", path, problem) }
  }

  // MARK: - Rotation

  /// Renames the file to its name and the time, and begins a new one.
  private func putAside(_ now: WallTime) throws(StageError) {
    try? synchronise(now: now)
    let stamp = now.rfc3339.filter { $0 != "-" && $0 != ":" && $0 != "." }
    if rename(path, "\(path).\(stamp)") != 0 { throw .file("cannot rename", path, errno) }
    try open(path)
    guard let keep else { return }
    for name in asideNames().dropLast(keep) { unlink(name) }
  }

  /// The files put aside, the oldest first: the names end in the time.
  private func asideNames() -> [String] {
    let slash = path.lastIndex(of: "/").map { path.index(after: $0) } ?? path.startIndex
    let directory = slash == path.startIndex ? "." : String(path[..<slash])
    let prefix = path[slash...] + "."
    guard let listing = opendir(directory) else { return [] }
    defer { closedir(listing) }
    var names: [String] = []
    while let entry = readdir(listing) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      let stamp = name.dropFirst(prefix.count)
      let isStamp =
        stamp.utf8.count == 19 && stamp.last == "Z"
        && stamp.dropLast().allSatisfy { $0.isNumber || $0 == "T" }
      if name.hasPrefix(prefix), isStamp { names.append(String(path[..<slash]) + name) }
    }
    return names.sorted()
  }
}
