// What a stage may ask of the network. The run-time supplies it over the program's one event-loop thread; tests fake it.

/// A request to open a WebSocket.
public struct WebSocketRequest: Sendable {
  /// `ws://` or `wss://`.
  public var url: String
  /// Headers beside those of the upgrade itself.
  public var headers: HTTPHeaders
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

  public init(
    url: String, headers: HTTPHeaders = [], subprotocols: [String] = [], timeout: Duration = .seconds(10),
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
  case opened(headers: HTTPHeaders)
  /// A text message, as UTF-8, already checked.
  case text([UInt8])
  /// A binary message.
  case binary([UInt8])
  /// Everything that was sent has left; see `WebSocketConnection.bufferedBytes`.
  case drained
  /// The connection ended with a closing handshake. `code` is nil when the peer gave none (1005).
  case closed(code: UInt16?, reason: String)
  /// The server answered the upgrade with something else than 101.
  case refused(status: Int, headers: HTTPHeaders, body: [UInt8])
  /// The connection could not be made, or broke.
  case failed(NetworkFailure)
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

/// What happens to a download. `finished` comes once, as the last.
public enum HTTPStreamEvent {
  /// The head of the final response.
  case response(status: Int, headers: HTTPHeaders)
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
    _ url: String, headers: HTTPHeaders, certificateAuthorities: String?,
    handler: @escaping @Sendable (HTTPStreamEvent) -> Void
  ) -> any HTTPStream
  /// Sends a request and returns the answer, whatever its status. Redirects are not followed. Throws `NetworkFailure`.
  func response(to request: HTTPRequest) async throws(NetworkFailure) -> HTTPResponse
  /// The proxy that reads requests to the URL and may answer them itself, in the words of a message: `proxy 10.0.0.1:3128 (from
  /// http_proxy)`. nil for those that go directly, or through a tunnel.
  func intermediary(for url: String) -> String?
}

extension HTTPClient {
  public func intermediary(for url: String) -> String? { nil }
}
