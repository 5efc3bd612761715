// What a stage may ask of the network. The run-time supplies it over the program's one event-loop thread; tests fake it.

/// A header of an HTTP message.
public struct HTTPHeader: Sendable, Hashable {
  /// The header's name; case makes no difference.
  public var name: String
  /// The header's value, without the blanks around it.
  public var value: String

  /// A header: its name and its value.
  public init(_ name: String, _ value: String) {
    self.name = name
    self.value = value
  }
}

/// A request to open a WebSocket.
public struct WebSocketRequest: Sendable {
  /// `ws://` or `wss://`.
  public var url: String
  /// Headers beside those of the upgrade itself.
  public var headers: [HTTPHeader]
  /// The subprotocols offered, the preferred one first.
  public var subprotocols: [String]
  /// The time for name lookup, connection, TLS and upgrade together.
  public var timeout: Duration
  /// A PEM file of certificate authorities to trust instead of the system's.
  public var certificateAuthorities: String?
  /// The largest message accepted, in bytes.
  public var maximumMessageSize: Int
  /// How often a ping is sent; the peer has as long to answer it.
  public var pingInterval: Duration?

  /// A request; only the URL is needed.
  public init(
    url: String, headers: [HTTPHeader] = [], subprotocols: [String] = [], timeout: Duration = .seconds(10),
    certificateAuthorities: String? = nil, maximumMessageSize: Int = 16 << 20, pingInterval: Duration? = nil
  ) {
    self.url = url
    self.headers = headers
    self.subprotocols = subprotocols
    self.timeout = timeout
    self.certificateAuthorities = certificateAuthorities
    self.maximumMessageSize = maximumMessageSize
    self.pingInterval = pingInterval
  }
}

/// What happens on a WebSocket. Exactly one of `closed`, `refused` and `failed` comes, and nothing after it.
public enum WebSocketEvent: Sendable {
  /// The upgrade succeeded.
  case opened(headers: [HTTPHeader])
  /// A text message, as UTF-8, already checked.
  case text([UInt8])
  /// A binary message.
  case binary([UInt8])
  /// Everything that was sent has left; see `WebSocketConnection.bufferedBytes`.
  case drained
  /// The connection ended with a closing handshake. `code` is nil when the peer gave none (1005).
  case closed(code: UInt16?, reason: String)
  /// The server answered the upgrade with something else than 101.
  case refused(status: Int, headers: [HTTPHeader], body: [UInt8])
  /// The connection could not be made, or broke.
  case failed(NetworkFailure)
}

/// Why a connection could not be made or broke.
public struct NetworkFailure: Error, Sendable, CustomStringConvertible {
  /// What went wrong.
  public enum Code: String, Sendable, Hashable {
    /// The host's name is not known.
    case nameNotFound = "name-not-found"
    /// Nobody listens at the host's port.
    case connectionRefused = "connection-refused"
    /// The time for the whole request ran out.
    case timedOut = "timed-out"
    /// The certificate is not to be trusted, or TLS failed otherwise.
    case tls
    /// The certificate comes from an authority that is not trusted.
    case unknownAuthority = "unknown-authority"
    /// The proxy is not there, or refuses.
    case proxy
    /// What names the proxy cannot be understood.
    case proxySetting = "proxy-setting"
    /// The connection broke without a closing handshake.
    case connectionLost = "connection-lost"
    /// The peer broke the protocol.
    case protocolViolation = "protocol-violation"
    /// The URL or an option of the request cannot be used.
    case badRequest = "bad-request"
    /// Someone else listens at the address.
    case addressInUse = "address-in-use"
    /// Anything else; the message says what.
    case other
  }

  /// What went wrong.
  public var code: Code
  /// One plain sentence naming the host.
  public var message: String

  /// A failure: what went wrong, and one sentence about it that names the host.
  public init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  public var description: String { message }

  /// Whether trying again, without a change by the user, can succeed.
  public var isTransient: Bool {
    switch code {
    case .tls, .unknownAuthority, .badRequest, .proxySetting: false
    default: true
    }
  }
}

/// A WebSocket. Methods may be called from the context's loop only. What is sent before `opened` goes nowhere.
public protocol WebSocketConnection: AnyObject, Sendable {
  /// Sends a binary message. An empty one is not sent.
  func send(binary bytes: UnsafeRawBufferPointer)
  /// Sends a text message. An empty one is not sent.
  func send(text: String)
  /// Begins the closing handshake; `closed` follows. Without a code the frame carries none.
  func close(code: UInt16?, reason: String)
  /// Drops the connection at once; no event follows.
  func abort()
  /// Bytes handed over and not yet taken by the network.
  var bufferedBytes: Int { get }
  /// Since when the network has taken nothing although bytes are waiting; nil when none are.
  var blockedSince: Instant? { get }
}

/// Opens WebSockets.
public protocol WebSocketConnector: Sendable {
  /// Begins to open a WebSocket. `handler` is called on the context's loop.
  func connect(
    _ request: WebSocketRequest, handler: @escaping @Sendable (WebSocketEvent) -> Void
  ) -> any WebSocketConnection
}

/// A plain HTTP request.
public struct HTTPRequest: Sendable {
  /// `GET`, `POST` or another.
  public var method: String
  /// `http://` or `https://`.
  public var url: String
  /// Headers beside those the client sends by itself.
  public var headers: [HTTPHeader]
  /// The body; empty for none.
  public var body: [UInt8]
  /// The time for everything together.
  public var timeout: Duration
  /// The largest response body accepted, in bytes; more ends the transfer with a failure.
  public var maximumBodySize: Int
  /// A PEM file of certificate authorities to trust instead of the system's.
  public var certificateAuthorities: String?
  /// Whether status and headers are the answer, and its body only a remark, of which no more is given than came in a second.
  public var isHeadEnough = false

  /// A request; only method and URL are needed.
  public init(
    method: String, url: String, headers: [HTTPHeader] = [], body: [UInt8] = [],
    timeout: Duration = .seconds(20),
    maximumBodySize: Int = 1 << 20, certificateAuthorities: String? = nil
  ) {
    self.method = method
    self.url = url
    self.headers = headers
    self.body = body
    self.timeout = timeout
    self.maximumBodySize = maximumBodySize
    self.certificateAuthorities = certificateAuthorities
  }
}

/// The answer to an HTTP request.
public struct HTTPResponse: Sendable {
  /// The status, such as 200.
  public var status: Int
  /// The headers, in their order.
  public var headers: [HTTPHeader]
  /// The body.
  public var body: [UInt8]

  /// An answer: for tests, and for clients of one's own.
  public init(status: Int, headers: [HTTPHeader], body: [UInt8]) {
    self.status = status
    self.headers = headers
    self.body = body
  }
}

/// What happens to a download. `finished` comes once, as the last.
public enum HTTPStreamEvent {
  /// The head of the final response.
  case response(status: Int, headers: [HTTPHeader])
  /// A piece of the body; valid during the call only.
  case body(UnsafeRawBufferPointer)
  /// The end; nil when the body is complete.
  case finished(NetworkFailure?)
}

/// A download. Its methods may be called from any thread.
public protocol HTTPStream: AnyObject, Sendable {
  /// Has the server wait until `resume`.
  func pause()
  /// Has a paused download go on.
  func resume()
  /// Ends it; `finished` follows.
  func cancel()
}

/// Sends HTTP requests. Redirects are followed by downloads only.
public protocol HTTPClient: Sendable {
  /// Begins a download, of any length and duration. Redirects are followed, a few of them, and never from `https` to `http`.
  /// `certificateAuthorities` is a PEM file of those to trust instead of the system's. `handler` is called on the context's loop.
  func download(
    _ url: String, headers: [HTTPHeader], certificateAuthorities: String?,
    handler: @escaping @Sendable (HTTPStreamEvent) -> Void
  ) -> any HTTPStream
  /// Sends a request and returns the answer, whatever its status. Redirects are not followed. Throws
  /// `NetworkFailure`.
  func response(to request: HTTPRequest) async throws(NetworkFailure) -> HTTPResponse
  /// The proxy that reads requests to the URL and may answer them itself, in the words of a message: `proxy 10.0.0.1:3128 (from
  /// http_proxy)`. nil for those that go directly, or through a tunnel.
  func intermediary(for url: String) -> String?
}

extension HTTPClient {
  public func intermediary(for url: String) -> String? { nil }
}
