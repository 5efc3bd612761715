import FluxGraph
import Glibc

/// A connection to a program on this machine that does not block, for stages on an audio thread.
final class UnixSocket {
  /// What a call has done.
  enum Progress {
    /// So many bytes went through.
    case bytes(Int)
    /// Nothing can be done at once.
    case wouldBlock
    /// The other side has ended it.
    case ended
  }

  let number: Int32
  private let path: String

  init(_ path: String) throws(StageError) {
    self.path = path
    number = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let room = MemoryLayout.size(ofValue: address.sun_path)
    guard path.utf8.count < room else {
      throw StageError(.badGraph, "\(path) is longer than the name of a socket can be, \(room - 1) bytes")
    }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    let result = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(number, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    guard result == 0 else {
      throw StageError(.unavailable, "nobody listens at \(path): \(String(cString: strerror(errno)))")
    }
  }

  deinit {
    if number >= 0 { close(number) }
  }

  func read(into room: UnsafeMutableRawBufferPointer) throws(StageError) -> Progress {
    let count = recv(number, room.baseAddress, room.count, 0)
    return count == 0 ? .ended : try progress(count, "read")
  }

  func write(_ bytes: UnsafeRawBufferPointer) throws(StageError) -> Progress {
    try progress(send(number, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL)), "written to")
  }

  /// Says that no more is written.
  func endWriting() { shutdown(number, Int32(SHUT_WR)) }

  private func progress(_ count: Int, _ verb: String) throws(StageError) -> Progress {
    if count >= 0 { return .bytes(count) }
    switch errno {
    case EAGAIN, EINTR: return .wouldBlock
    case EPIPE, ECONNRESET: return .ended
    default: throw StageError(.inputOutput, "\(path) cannot be \(verb): \(String(cString: strerror(errno)))")
    }
  }
}
