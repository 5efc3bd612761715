internal import FluxGraph
internal import Glibc

/// The way to a graph that runs with `--control PATH`. Blocks.
final class ControlConnection: Sendable {
  private let path: String
  private let descriptor: Int32

  /// - Throws: `StageError` when no graph takes commands there.
  init(_ path: String) throws(StageError) {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let bytes = Array(path.utf8)
    guard !bytes.isEmpty, bytes.count < MemoryLayout.size(ofValue: address.sun_path) else {
      throw StageError(.unavailable, "\(path) cannot be the path of a socket")
    }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw Self.failure(errno, path) }
    let status = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    guard status == 0 else {
      let error = errno
      close(descriptor)
      throw Self.failure(error, path)
    }
    self.descriptor = descriptor
    self.path = path
  }

  deinit { close(descriptor) }

  /// Gives up on an answer after this long.
  func limit(seconds: Int) {
    var time = timeval(tv_sec: seconds, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
    setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
  }

  func send(_ request: String) throws(StageError) {
    var rest = Array(request.utf8)[...]
    while !rest.isEmpty {
      switch rest.withUnsafeBytes({ sendSome($0, to: descriptor) }) {
      case .bytes(let count): rest = rest.dropFirst(count)
      case .failed(let problem): throw Self.failure(problem, path)
      case .notNow, .end: throw Self.failure(EAGAIN, path)
      }
    }
  }

  /// What has come; empty at the end.
  func receive() throws(StageError) -> [UInt8] {
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    switch buffer.withUnsafeMutableBytes({ receiveSome(descriptor, into: $0) }) {
    case .bytes(let count): return Array(buffer[..<count])
    case .end: return []
    case .notNow: throw Self.failure(EAGAIN, path)
    case .failed(let problem): throw Self.failure(problem, path)
    }
  }

  private static func failure(_ error: Int32, _ path: String) -> StageError {
    switch error {
    case ENOENT, ECONNREFUSED:
      StageError(
        .unavailable, "no graph takes commands at \(path)", help: "Start one with `run --control \(path)`.")
    default: StageError(.unavailable, "\(path): \(String(cString: strerror(error)))")
    }
  }
}
