internal import Glibc

/// A file that is open for writing, and closed with its last reference. The one place where a file is opened for that; what it
/// does blocks.
public final class OutputFile {
  /// What may be at the path already.
  public enum Opening: Sendable {
    /// What is written goes behind what is there, also if others write there too.
    case appending
    /// Nothing may be there.
    case new
    /// What is there is emptied.
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

  /// Opens the file. Nothing here waits for the reader of a pipe: without one it fails with ENXIO.
  /// - Parameter permissions: of a file that was not there, before the umask.
  /// - Throws: `FileError`; with EEXIST when something is at the path of a `new` one.
  public init(_ path: String, _ opening: Opening, permissions: UInt32 = 0o666) throws(FileError) {
    try makeDirectories(above: path)
    let flags =
      switch opening {
      case .appending: O_APPEND
      case .new: O_EXCL
      case .replacing: O_TRUNC
      }
    let opened = uninterrupted {
      open(path, O_WRONLY | O_CREAT | O_NONBLOCK | O_CLOEXEC | flags, permissions)
    }
    guard opened >= 0 else { throw Self.failure(path, opening, errno) }
    var state = stat()
    isRegular = fstat(opened, &state) == 0 && state.st_mode & S_IFMT == S_IFREG
    descriptor = opened
    appends = opening == .appending
    self.path = path
  }

  deinit { close(descriptor) }

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
      throw FileError("cannot write", path, problem)
    }
    end = before + bytes.count
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
    let (count, problem) = writeAll(bytes, to: descriptor, at: offset)
    return (count, problem == 0 ? nil : FileError("cannot write", path, problem))
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
public func isPipe(_ path: String) -> Bool {
  var state = stat()
  return stat(path, &state) == 0 && state.st_mode & S_IFMT == S_IFIFO
}

/// A path that was taken already, with a number before its ending: `talk-2.wav`.
public func numbered(_ path: String, _ number: Int) -> String {
  let slash = path.lastIndex(of: "/") ?? path.startIndex
  let dot = path[slash...].lastIndex(of: ".") ?? path.endIndex
  return path[..<dot] + "-\(number)" + path[dot...]
}
