internal import FluxGraph
internal import Glibc

/// A file that is open for reading, read without blocking where the kernel allows it.
struct FileDescriptor: ~Copyable {
  /// What the system calls it.
  let number: Int32
  private let isOwned: Bool
  /// What the file is called in messages.
  let name: String

  /// Opens a file.
  /// - Throws: `StageError` with code `inputOutput`.
  init(opening path: String) throws(StageError) {
    // Not blocking: a named pipe without a writer would hold the audio thread in `open`.
    number = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    name = path
    isOwned = true
    guard number >= 0 else { throw Self.failure("cannot open", path, errno) }
    var status = stat()
    if fstat(number, &status) == 0, status.st_mode & S_IFMT == S_IFDIR {
      throw StageError(.inputOutput, "\(path) is a directory, not a file")
    }
  }

  /// Standard input. It is not closed, and its mode is left as it is: others may share it.
  init(standardInput: Void) {
    number = STDIN_FILENO
    name = "standard input"
    isOwned = false
  }

  deinit {
    if isOwned && number >= 0 { close(number) }
  }

  /// The size of a regular file in bytes; nil for everything else.
  var size: Int? {
    var status = stat()
    guard fstat(number, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
    return Int(status.st_size)
  }

  /// Where the next `read` begins; nil for what has no places.
  var offset: Int? {
    let offset = lseek(number, 0, SEEK_CUR)
    return offset < 0 ? nil : Int(offset)
  }

  /// Appends what can be read at once.
  /// - Throws: `StageError` with code `inputOutput`.
  func read(into bytes: inout ByteBuffer, _ context: StageContext) throws(StageError) -> SourceProgress {
    guard isReady else {
      context.wakeWhenReadable(number)
      return .waiting
    }
    var transferred = Transferred.end
    bytes.append { room in
      transferred = readSome(number, into: room)
      return if case .bytes(let count) = transferred { count } else { 0 }
    }
    switch transferred {
    case .bytes: return .produced
    case .end where !awaitsWriter: return .finished
    case .end, .notNow:
      context.wakeWhenReadable(number)
      return .waiting
    case .failed(let problem): throw Self.failure("cannot read", name, problem)
    }
  }

  /// Whether this is a named pipe that nobody has opened for writing yet: a writer that has gone shows as a hang-up.
  private var awaitsWriter: Bool {
    var status = stat()
    guard isOwned, fstat(number, &status) == 0, status.st_mode & S_IFMT == S_IFIFO else { return false }
    var entry = pollfd(fd: number, events: Int16(POLLIN), revents: 0)
    return poll(&entry, 1, 0) == 0
  }

  /// The bytes from `offset` on, as many as there are up to `count`.
  /// - Throws: `StageError` with code `inputOutput`.
  func bytes(at offset: Int, count: Int) throws(StageError) -> [UInt8] {
    guard count > 0, offset >= 0 else { return [] }
    var bytes = [UInt8](repeating: 0, count: count)
    let (filled, problem) = bytes.withUnsafeMutableBytes { readAll($0, of: number, at: offset) }
    if problem != 0 { throw Self.failure("cannot read", name, problem) }
    bytes.removeLast(count - filled)
    return bytes
  }

  /// Has the next `read` begin at `offset`.
  func seek(to offset: Int) throws(StageError) {
    if lseek(number, offset, SEEK_SET) < 0 { throw Self.failure("cannot read", name, errno) }
  }

  /// Standard input may be in blocking mode, so it is asked before it is read.
  private var isReady: Bool {
    if isOwned { return true }
    var entry = pollfd(fd: number, events: Int16(POLLIN), revents: 0)
    return poll(&entry, 1, 0) != 0
  }

  private static func failure(_ what: String, _ name: String, _ code: Int32) -> StageError {
    StageError(.inputOutput, "\(what) \(name): \(String(cString: strerror(code)))")
  }
}
