import CCurl
import FluxGraph
import Glibc
import Platform

/// What a connection moves its bytes through. Nothing here waits.
enum Transport {
  enum Outcome {
    case moved(Int)
    case wouldBlock
    /// The peer sends no more.
    case ended
    case failed(Failure)
  }

  /// An error whose peer is not known here.
  enum Failure {
    case errno(Int32)
    case curl(CURLcode, CurlEasy)

    func named(_ peer: String) -> NetworkFailure {
      switch self {
      case .errno(let number): lost(peer, String(cString: strerror(number)))
      case .curl(let code, let easy): lost(peer, easy.message(for: code))
      }
    }

    private func lost(_ peer: String, _ reason: String) -> NetworkFailure {
      NetworkFailure(.connectionLost, "The connection to \(peer) was lost (\(reason)).")
    }
  }

  case none
  /// A `CONNECT_ONLY` handle; it has a descriptor once it is connected.
  case curl(CurlEasy, descriptor: Int32?)
  case socket(Int32)

  var descriptor: Int32? {
    switch self {
    case .none: nil
    case .curl(_, let descriptor): descriptor
    case .socket(let descriptor): descriptor
    }
  }

  /// Whether epoll knows of every byte that can be read: TLS may have decrypted more than was asked for.
  var announcesAllInput: Bool {
    switch self {
    case .none, .curl: false
    case .socket: true
    }
  }

  /// Bytes the kernel has taken and the peer's machine has not acknowledged; 0 when that cannot be told.
  var unacknowledgedBytes: Int {
    var count: Int32 = 0
    guard let descriptor, ioctl(descriptor, UInt(TIOCOUTQ), &count) == 0 else { return 0 }
    return Int(max(0, count))
  }

  /// Has the kernel take no more than so many bytes beyond those that are on the way. What has no such limit goes without.
  func limitUnsent(_ bytes: Int32) {
    guard let descriptor else { return }
    var limit = bytes
    setsockopt(
      descriptor, Int32(IPPROTO_TCP), TCP_NOTSENT_LOWAT, &limit, socklen_t(MemoryLayout<Int32>.size))
  }

  func send(_ bytes: UnsafeRawBufferPointer) -> Outcome {
    switch self {
    case .none: return .wouldBlock
    case .curl(let easy, _):
      var count = 0
      let code = curl_easy_send(easy.handle, bytes.baseAddress, bytes.count, &count)
      if code == CURLE_OK { return count > 0 ? .moved(count) : .wouldBlock }
      return code == CURLE_AGAIN ? .wouldBlock : .failed(.curl(code, easy))
    case .socket(let descriptor):
      return Self.outcome(sendSome(bytes, to: descriptor))
    }
  }

  func receive(into buffer: UnsafeMutableRawBufferPointer) -> Outcome {
    switch self {
    case .none: return .wouldBlock
    case .curl(let easy, _):
      var count = 0
      let code = curl_easy_recv(easy.handle, buffer.baseAddress, buffer.count, &count)
      if code == CURLE_OK { return count > 0 ? .moved(count) : .ended }
      return code == CURLE_AGAIN ? .wouldBlock : .failed(.curl(code, easy))
    case .socket(let descriptor):
      return Self.outcome(receiveSome(descriptor, into: buffer))
    }
  }

  /// Takes a plain connection out of libcurl's hands. It stays there when there is no descriptor for it.
  mutating func becomeSocket(curl: CurlMulti) {
    guard case .curl(let easy, let descriptor?) = self else { return }
    // libcurl closes its own descriptor.
    let copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
    guard copy >= 0 else { return }
    curl.remove(easy)
    self = .socket(copy)
  }

  /// Ends our direction of a plain accepted connection. False when that cannot be done without closing.
  func finishSending() -> Bool {
    guard case .socket(let descriptor) = self else { return false }
    return shutdown(descriptor, Int32(SHUT_WR)) == 0
  }

  /// Closes the descriptor, after it was taken out of epoll.
  mutating func close(curl: CurlMulti) {
    switch self {
    case .none: break
    case .curl(let easy, _): curl.remove(easy)
    case .socket(let descriptor): _ = Glibc.close(descriptor)
    }
    self = .none
  }

  private static func outcome(_ transferred: Transferred) -> Outcome {
    switch transferred {
    case .bytes(let count): .moved(count)
    case .end: .ended
    case .notNow: .wouldBlock
    case .failed(let number): .failed(.errno(number))
    }
  }
}
