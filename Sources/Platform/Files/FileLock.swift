internal import Glibc

/// A lock file that one program holds, or one part of a program, for as long as this value lives; what is killed has let go.
/// Its own processes do not hold it with it. It says who may use what, and keeps nobody from reading or writing.
package final class FileLock: Sendable {
  private let descriptor: Int32

  /// Takes the lock, or finds out at once that it is taken; `waiting(while:for:)` waits for it. Blocks for the file system only.
  /// - Parameters:
  ///   - path: a file, made when there is none, or a directory that is there.
  ///   - permissions: what a file that is made gets.
  /// - Throws: `FileLockError`.
  package init(_ path: String, permissions: UInt32 = 0o600) throws(FileLockError) {
    while true {
      var descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, permissions)
      if descriptor < 0 && errno == EISDIR { descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
      guard descriptor >= 0 else {
        let problem = errno
        throw .failed(.making(path, problem) ?? FileError("cannot open", path, problem))
      }
      guard uninterrupted({ flock(descriptor, LOCK_EX | LOCK_NB) }) == 0 else {
        let problem = errno
        let holder = problem == EWOULDBLOCK ? LockHolder(of: descriptor) : nil
        close(descriptor)
        throw problem == EWOULDBLOCK
          ? .held(path, by: holder) : .failed(FileError("cannot lock", path, problem))
      }
      if Self.isSame(descriptor, path) {
        self.descriptor = descriptor
        return
      }
      // Someone took the file away, and with it what the lock was worth.
      close(descriptor)
    }
  }

  deinit {
    // A program that is being started at this moment has the descriptor, too, for a while.
    flock(descriptor, LOCK_UN)
    close(descriptor)
  }

  private static func isSame(_ descriptor: Int32, _ path: String) -> Bool {
    var (open, named) = (stat(), stat())
    return fstat(descriptor, &open) == 0 && stat(path, &named) == 0 && open.st_dev == named.st_dev
      && open.st_ino == named.st_ino
  }
}

/// Why a lock could not be taken.
package enum FileLockError: Error, CustomStringConvertible {
  /// Someone has it; who, where the system says so.
  case held(String, by: LockHolder?)
  case failed(FileError)

  /// Whether the lock is only taken.
  package var isHeld: Bool { if case .held = self { true } else { false } }

  package var description: String {
    switch self {
    case .held(let path, let holder): "\(path) is in use by \(holder?.description ?? "another program")"
    case .failed(let error): "\(error)"
    }
  }
}

/// A program that holds a lock or listens on a socket, as messages name it.
package struct LockHolder: Sendable, Hashable, CustomStringConvertible {
  package var process: Int32

  package init(process: Int32) { self.process = process }

  package var isThisProgram: Bool { process == getpid() }

  /// Who has locked the file behind a descriptor; nil when it cannot be known, as with a program in another container.
  init?(of descriptor: Int32) {
    var state = stat()
    guard fstat(descriptor, &state) == 0, let text = try? readFile("/proc/locks") else { return nil }
    // 1: FLOCK  ADVISORY  WRITE 10600 fe:00:16220226 0 EOF
    for line in text.split(separator: UInt8(ascii: "\n")) {
      let words = line.split(separator: UInt8(ascii: " ")).map { String(decoding: $0, as: UTF8.self) }
      guard words.count >= 6, words[1] == "FLOCK", let process = Int32(words[4]), process > 0 else {
        continue
      }
      // The device is that of the disk, which with some file systems is not the one files are said to be on.
      guard words[5].split(separator: ":").last == "\(state.st_ino)"[...] else { continue }
      self.process = process
      return
    }
    return nil
  }

  /// "fluxgraph (process 4711)", or "this program".
  package var description: String {
    if isThisProgram { return "this program" }
    let name = (try? readFile("/proc/\(process)/comm")).map {
      String(decoding: $0.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
    }
    return name.flatMap { $0.isEmpty ? nil : "\($0) (process \(process))" } ?? "process \(process)"
  }
}
