import CCurl
package import FluxGraph
import Glibc
internal import Platform

/// Where to listen.
package enum ListenAddress: Hashable, Sendable {
  /// A numeric address of this machine; port 0 lets the kernel choose one.
  case tcp(host: String = "127.0.0.1", port: UInt16)
  /// A Unix socket only the user may connect to (mode 0600). A file left by a program that ended is replaced.
  case unix(path: String)
}

/// Accepts connections for a loop; made by ``EventLoop/listen(on:accept:)``.
///
/// `Sendable`: the constants aside, everything is touched on the loop thread only.
package final class Listener: @unchecked Sendable {
  private static let acceptsPerTurn = 64
  /// How long to leave a full queue alone when descriptors or memory have run out. Trying again at once would spin,
  /// because the queue stays readable.
  private static let pauseWithoutDescriptors = Duration.milliseconds(100)

  /// The address with the port the kernel chose, as "127.0.0.1:40312" or the path of the Unix socket.
  package let address: String
  /// The port, also when 0 was asked for; nil for a Unix socket.
  package let port: UInt16?

  private let loop: EventLoop
  private let file: SocketFile?
  private let accept: @Sendable (ByteConnection) -> ConnectionHandler
  private var descriptor: Int32
  private var pause: LoopTimer?

  init(
    loop: EventLoop, address: ListenAddress, accept: @escaping @Sendable (ByteConnection) -> ConnectionHandler
  ) throws(NetworkFailure) {
    self.loop = loop
    self.accept = accept
    switch address {
    case .tcp(let host, let port):
      guard let wanted = SocketAddress(numericHost: host, port: port) else {
        throw NetworkFailure(
          .badRequest, "\(host) is not a numeric address to listen on; use 127.0.0.1 or ::1.")
      }
      descriptor = try Self.open(wanted, name: "\(wanted)")
      let bound = SocketAddress.local(of: descriptor)
      self.address = bound?.description ?? "\(wanted)"
      self.port = bound?.port
      file = nil
    case .unix(let path):
      guard let wanted = SocketAddress(path: path) else {
        throw NetworkFailure(.badRequest, "\(path) cannot be the path of a socket; it may have 107 bytes.")
      }
      // Whoever comes in the same moment waits, so that neither takes the other's socket for one that was left behind.
      let lock = try Self.lock(path)
      defer { withExtendedLifetime(lock) {} }
      try SocketFile.clear(path, wanted)
      descriptor = try Self.open(wanted, name: path)
      self.address = path
      port = nil
      file = SocketFile(path)
    }
  }

  /// Stops listening; accepted connections live on. Harmless when repeated. Any thread.
  package func close() {
    if loop.isOnLoop {
      release()
    } else if !loop.execute({ self.release() }) {
      // The loop has released it when it stopped.
    }
  }

  func begin() {
    guard descriptor >= 0 else { return }
    loop.agenda.own(self)
    resume()
  }

  func release() {
    guard descriptor >= 0 else { return }
    pause?.cancel()
    loop.poller.forget(descriptor, handler: self)
    // The file first: who finds one that nobody answers at takes it for left behind.
    file?.remove()
    _ = Glibc.close(descriptor)
    descriptor = -1
    loop.agenda.disown(self)
  }

  private func resume() {
    pause = nil
    guard descriptor >= 0 else { return }
    if loop.poller.watch(descriptor, for: .readable, handler: self) != 0 { rest() }
  }

  private func rest() {
    loop.poller.forget(descriptor, handler: self)
    pause = loop.schedule(after: Self.pauseWithoutDescriptors) { self.resume() }
  }

  private static func open(_ address: SocketAddress, name: String) throws(NetworkFailure) -> Int32 {
    let type = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
    let descriptor = socket(address.family, type, 0)
    guard descriptor >= 0 else { throw .system(errno, while: "listening on \(name)") }
    if address.family == AF_UNIX {
      // The file gets the mode of the socket, so there is no moment in which others may connect.
      fchmod(descriptor, 0o600)
    } else {
      var on: Int32 = 1
      setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
    }
    if address.withPointer({ bind(descriptor, $0, $1) }) == 0, Glibc.listen(descriptor, SOMAXCONN) == 0 {
      return descriptor
    }
    let error = errno
    _ = Glibc.close(descriptor)
    if error == EADDRINUSE {
      throw NetworkFailure(
        .addressInUse, "\(name) is in use by another program; stop it or choose another address.")
    }
    let failure = NetworkFailure.system(error, while: "listening on \(name)")
    if address.family == AF_UNIX, let making = FileError.making(name, error) {
      throw NetworkFailure(failure.code, "\(making).")
    }
    throw failure
  }

  /// Keeps others from beginning to listen on a Unix socket in the same directory.
  private static func lock(_ path: String) throws(NetworkFailure) -> FileLock? {
    do throws(FileLockError) {
      return try FileLock(directory(of: path))
    } catch {
      guard case .failed = error else { throw NetworkFailure(.addressInUse, "\(error).") }
      // A directory that cannot be locked, or is none: what is wrong shows when the socket is made.
      return nil
    }
  }
}

extension Listener: DescriptorHandler {
  func descriptorReady(_ descriptor: Int32, _ readiness: Readiness) {
    for _ in 0..<Self.acceptsPerTurn {
      guard self.descriptor >= 0 else { return }
      let accepted = CCurl_accept_nonblocking(descriptor)
      guard accepted >= 0 else {
        switch errno {
        case EAGAIN: return
        case EMFILE, ENFILE, ENOBUFS, ENOMEM: return rest()
        // The client gave up while it waited, or a network error of its own (accept(2)).
        default: continue
        }
      }
      var on: Int32 = 1
      // Fails on a Unix socket, which has no such delay.
      setsockopt(accepted, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
      let connection = ByteConnection(loop: loop, descriptor: accepted)
      connection.accepted(handler: accept(connection))
    }
  }
}

extension Listener: LoopOwned {
  func loopStops() {
    release()
  }
}

extension EventLoop {
  /// Listens. For each client `accept` returns the handler of its connection, on the loop thread; it may close the
  /// connection. The address is taken when this returns. Any thread.
  ///
  /// - Throws: ``NetworkFailure`` with ``NetworkFailure/Code/addressInUse``, ``NetworkFailure/Code/badRequest`` for an address
  ///   that is none, or ``NetworkFailure/Code/system`` (EACCES for a port below 1024).
  package func listen(
    on address: ListenAddress, accept: @escaping @Sendable (ByteConnection) -> ConnectionHandler
  ) throws(NetworkFailure) -> Listener {
    let listener = try Listener(loop: self, address: address, accept: accept)
    if !execute({ listener.begin() }) {
      listener.release()
      throw .stopped
    }
    return listener
  }
}
