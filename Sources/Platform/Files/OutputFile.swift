internal import Glibc

/// A file that is open for writing, and closed with its last reference. The one place where a file is opened for that; what it
/// does blocks.
///
/// While it is open no other program of ours writes the same file, except that several may append to one. A file that was made
/// and took nothing, as on a full disk, is taken away again.
public final class OutputFile {
  /// What may be at the path already.
  public enum Opening: Sendable {
    /// What is written goes behind what is there, also if others write there too.
    case appending
    /// Nothing may be there.
    case new
    /// What is there is emptied, where the disk has room for something else.
    case replacing
  }

  /// The path it was opened by.
  public let path: String
  private let descriptor: Int32
  private let appends: Bool
  /// Whether it is a file, and not a pipe or a device.
  public let isRegular: Bool
  /// Where the next piece goes in a file of its own.
  private var end = 0
  /// Whether there was nothing at the path before.
  private let isMade: Bool
  /// Whether the first that was to be written could not be.
  private var tookNothing = false

  /// Opens the file. Nothing here waits for the reader of a pipe: without one it fails with ENXIO.
  /// - Parameter permissions: of a file that was not there, before the umask.
  /// - Throws: `FileError`; with EEXIST when something is at the path of a `new` one, with EBUSY when another program writes it.
  public init(_ path: String, _ opening: Opening, permissions: UInt32 = 0o666) throws(FileError) {
    try makeDirectories(above: path)
    let flags =
      switch opening {
      case .appending: O_APPEND
      case .new: O_EXCL
      // Emptied when that can do no harm.
      case .replacing: Int32(0)
      }
    isMade = access(path, F_OK) != 0
    let opened = uninterrupted {
      open(path, O_WRONLY | O_CREAT | O_NONBLOCK | O_CLOEXEC | flags, permissions)
    }
    guard opened >= 0 else { throw Self.failure(path, opening, errno) }
    var state = stat()
    isRegular = fstat(opened, &state) == 0 && state.st_mode & S_IFMT == S_IFREG
    descriptor = opened
    appends = opening == .appending
    self.path = path
    guard isRegular else { return }
    try lock(opening)
    if opening == .replacing { try empty() }
  }

  deinit {
    if isMade, tookNothing, length == 0, !isMoved { unlink(path) }
    // A program that is being started at this moment has the descriptor, too, for a while.
    flock(descriptor, LOCK_UN)
    close(descriptor)
  }

  /// Keeps other programs of ours from writing the file; where the file system knows no locks, it goes without.
  private func lock(_ opening: Opening) throws(FileError) {
    let kind = opening == .appending ? LOCK_SH : LOCK_EX
    guard uninterrupted({ flock(descriptor, kind | LOCK_NB) }) != 0, errno == EWOULDBLOCK else { return }
    let holder = LockHolder(of: descriptor)?.description ?? "another program"
    throw FileError("\(holder) is already writing", path, EBUSY)
  }

  private func empty() throws(FileError) {
    var disk = statvfs()
    // What is there is better than nothing.
    if length > 0, fstatvfs(descriptor, &disk) == 0, disk.f_bavail == 0 {
      throw FileError("cannot write", path, ENOSPC)
    }
    try truncate(to: 0)
  }

  private static func failure(_ path: String, _ opening: Opening, _ code: Int32) -> FileError {
    FileError.making(path, code)
      ?? FileError(opening == .appending ? "cannot open" : "cannot create", path, code)
  }

  /// Appends all bytes or none of them: what was written of a piece that did not fit is taken back.
  public func append(_ bytes: [UInt8]) throws(FileError) {
    guard isRegular else {
      let problem = bytes.withUnsafeBytes { writeAll($0, to: descriptor) }.problem
      if problem != 0 { throw FileError("cannot write", path, problem) }
      return
    }
    let before = appends ? length : end
    let problem = bytes.withUnsafeBytes { bytes in
      appends ? writeAll(bytes, to: descriptor) : writeAll(bytes, to: descriptor, at: before)
    }.problem
    guard problem == 0 else {
      ftruncate(descriptor, before)
      if before == 0 { tookNothing = true }
      throw FileError("cannot write", path, problem)
    }
    end = before + bytes.count
    tookNothing = false
  }

  /// Writes what is taken at once, as of a pipe. Returns how much that was; 0 when the reader does not keep up.
  public func offer(_ bytes: ArraySlice<UInt8>) throws(FileError) -> Int {
    let count = bytes.withUnsafeBytes { bytes in
      uninterrupted { Glibc.write(descriptor, bytes.baseAddress, bytes.count) }
    }
    if count >= 0 { return count }
    if errno == EAGAIN { return 0 }
    throw FileError("cannot write", path, errno)
  }

  /// Writes at a place of a file that is not `appending`. Returns how many bytes were written: all of them unless there was a
  /// problem, which comes with it.
  public func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) -> (count: Int, problem: FileError?) {
    let isFirst = isRegular && length == 0
    let (count, problem) = writeAll(bytes, to: descriptor, at: offset)
    if problem == 0 {
      tookNothing = false
      return (count, nil)
    }
    if isFirst {
      ftruncate(descriptor, 0)
      tookNothing = true
    }
    return (isFirst ? 0 : count, FileError("cannot write", path, problem))
  }

  /// Cuts the file off behind so many bytes.
  public func truncate(to length: Int) throws(FileError) {
    if ftruncate(descriptor, length) != 0 { throw FileError("cannot write", path, errno) }
    end = length
  }

  /// Makes what was written survive a power failure.
  public func synchronise() throws(FileError) {
    if fdatasync(descriptor) != 0 { throw FileError("cannot write", path, errno) }
  }

  /// Bytes in the file.
  public var length: Int {
    var state = stat()
    return fstat(descriptor, &state) == 0 ? Int(state.st_size) : 0
  }

  /// When it was last written, in seconds since 1970.
  public var lastWrite: Double {
    var state = stat()
    return fstat(descriptor, &state) == 0 ? Double(state.st_mtim.tv_sec) : 0
  }

  /// Whether the path means another file by now, or none: it was moved away, deleted or replaced.
  public var isMoved: Bool {
    var opened = stat()
    var named = stat()
    guard fstat(descriptor, &opened) == 0, stat(path, &named) == 0 else { return true }
    return opened.st_ino != named.st_ino || opened.st_dev != named.st_dev
  }
}

/// Whether there is a named pipe.
public func isPipe(_ path: String) -> Bool { kind(of: path) == S_IFIFO }

/// Whether there is a file, and not a directory, a pipe or a device.
public func isRegularFile(_ path: String) -> Bool { kind(of: path) == S_IFREG }

private func kind(of path: String) -> mode_t {
  var state = stat()
  return stat(path, &state) == 0 ? state.st_mode & S_IFMT : 0
}

/// A path that was taken already, with a number before its ending: `talk-2.wav`.
public func numbered(_ path: String, _ number: Int) -> String {
  let slash = path.lastIndex(of: "/") ?? path.startIndex
  let dot = path[slash...].lastIndex(of: ".") ?? path.endIndex
  return path[..<dot] + "-\(number)" + path[dot...]
}
