/// Why a connection could not be made, or broke; the one error of the network, from the socket to the stage.
public struct NetworkFailure: Error, Sendable, Hashable, CustomStringConvertible {
  /// What went wrong.
  public enum Code: Sendable, Hashable {
    /// The name of the host has no address, or the name service does not answer.
    case nameNotFound
    /// Nobody listens at the host's port.
    case connectionRefused
    /// No route to the host, or its network is down.
    case unreachable
    /// The time ran out.
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
    /// The peer broke the protocol.
    case protocolViolation
    /// The request cannot be sent as it is: URL, host, method or header.
    case badRequest
    /// It redirects again and again.
    case tooManyRedirects
    /// More came than was wanted.
    case bodyTooLarge
    /// It was cancelled.
    case cancelled
    /// The program's network is shut down.
    case stopped
    /// Another program, or another listener, has the address.
    case addressInUse
    /// A system call failed; the number is its `errno`.
    case system(Int32)
    /// Anything else, which the message says; the number is libcurl's, or 0.
    case other(UInt32)

    /// Anything else, which the message says.
    public static let other = Code.other(0)
    /// The certificate comes from an authority that is not trusted.
    public static let unknownAuthority = Code.certificate(.unknownAuthority)
  }

  /// What is wrong with a certificate.
  public enum CertificateProblem: Sendable, Hashable {
    /// Nobody who is trusted has signed it; its time is over, or to come; it is another host's; something else.
    case unknownAuthority, expired, notYetValid, wrongHost, other
  }

  /// What went wrong.
  public var code: Code
  /// One plain sentence naming the host, without a full stop.
  public var message: String

  public init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message.hasSuffix(".") ? String(message.dropLast()) : message
  }

  public var description: String { message }

  /// Whether trying again, without a change by the user, can succeed.
  public var isTransient: Bool {
    switch code {
    case .certificate, .authorityFile, .handshake, .badRequest, .proxySetting: false
    default: true
    }
  }

  package static let cancelled = NetworkFailure(.cancelled, "the request was cancelled")
  package static let stopped = NetworkFailure(.stopped, "the network is shut down")
}
