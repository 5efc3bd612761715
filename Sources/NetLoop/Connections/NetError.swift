import Glibc

/// Why a connection, transfer or listener failed. The description is one sentence for the user.
package struct NetError: Error, Hashable, Sendable, CustomStringConvertible {
  package enum Code: Hashable, Sendable {
    /// The name of the host has no address, or the name service does not answer.
    case nameNotFound
    case connectionRefused
    /// No route to the host, or its network is down.
    case unreachable
    case timedOut
    /// The server's certificate was not accepted.
    case certificate(CertificateProblem)
    /// The file of certificate authorities cannot be read.
    case authorityFile
    /// The TLS handshake failed for another reason.
    case handshake
    /// The proxy answered CONNECT with this HTTP status, or 0 when it failed otherwise.
    case proxyRefused(status: Int)
    /// The proxy cannot be found or reached, or says nothing.
    case proxyUnavailable
    /// What names the proxy cannot be understood.
    case proxySetting
    /// Reset, or closed in the middle of something.
    case connectionLost
    /// The request cannot be sent as it is: URL, host, method or header.
    case invalidRequest
    case tooManyRedirects
    case bodyTooLarge
    case cancelled
    case loopStopped
    /// Another program, or another listener, has the address.
    case addressInUse
    /// A system call failed; the number is its `errno`.
    case system(Int32)
    /// Another libcurl error; the number is its `CURLcode`.
    case other(UInt32)
  }

  package enum CertificateProblem: Hashable, Sendable {
    case unknownAuthority, expired, notYetValid, wrongHost, other
  }

  package var code: Code
  package var description: String

  package init(_ code: Code, _ description: String) {
    self.code = code
    self.description = description
  }

  static func system(_ number: Int32, while doing: String) -> NetError {
    NetError(.system(number), "There was an error while \(doing): \(String(cString: strerror(number))).")
  }

  package static let cancelled = NetError(.cancelled, "The request was cancelled.")
  package static let loopStopped = NetError(.loopStopped, "The network is shut down.")
}
