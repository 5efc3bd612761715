import CCurl
import FluxGraph
import Glibc
internal import Platform

/// The file of a Unix socket that a listener has made.
struct SocketFile {
  private let path: String
  /// As it was made: another program may put its own in its place.
  private let made: stat

  init(_ path: String) {
    self.path = path
    var state = stat()
    lstat(path, &state)
    made = state
  }

  /// Takes the file away, unless it is another program's by now.
  func remove() {
    var now = stat()
    guard lstat(path, &now) == 0, now.st_dev == made.st_dev, now.st_ino == made.st_ino else { return }
    unlink(path)
  }

  /// Makes room at a path: removes a socket that nobody listens on.
  /// - Throws: `NetworkFailure`: `addressInUse` where a program listens, `invalidRequest` where something else has the path.
  static func clear(_ path: String, _ address: SocketAddress) throws(NetworkFailure) {
    var state = stat()
    guard lstat(path, &state) == 0 else { return }
    guard state.st_mode & S_IFMT == S_IFSOCK else {
      throw NetworkFailure(.badRequest, "\(path) is there already and is no socket; choose another path.")
    }
    let type = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
    let probe = socket(AF_UNIX, type, 0)
    guard probe >= 0 else { return }
    defer { _ = Glibc.close(probe) }
    guard address.withPointer({ connect(probe, $0, $1) }) == 0 else {
      if errno == ECONNREFUSED { unlink(path) }
      return
    }
    let holder = listener(behind: probe)?.description ?? "another program"
    throw NetworkFailure(.addressInUse, "\(path) is in use by \(holder); stop it or choose another address.")
  }

  /// Who listens at the other end of a connection.
  private static func listener(behind descriptor: Int32) -> LockHolder? {
    // struct ucred: process, user and group.
    var credentials: (Int32, Int32, Int32) = (0, 0, 0)
    var size = socklen_t(MemoryLayout.size(ofValue: credentials))
    guard getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &credentials, &size) == 0, credentials.0 > 0 else {
      return nil
    }
    return LockHolder(process: credentials.0)
  }
}
