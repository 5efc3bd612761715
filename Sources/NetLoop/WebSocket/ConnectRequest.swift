import CCurl
import FluxGraph

/// Where to connect to, and how.
package struct ConnectRequest: Hashable, Sendable {
  /// Whether the connection is TLS (`https`, `wss`). Certificates are always verified.
  package var isSecure: Bool
  /// A name, an IPv4 address or an IPv6 address without brackets.
  package var host: String
  package var port: UInt16
  /// For everything until ``ConnectionEvent/connected``: waiting for a turn, name lookup, proxy, TCP, TLS.
  package var timeout = Duration.seconds(10)
  /// A PEM file of the only certificate authorities to trust; nil means `SSL_CERT_FILE` (or `CURL_CA_BUNDLE`) and
  /// `SSL_CERT_DIR`, or the system's.
  package var authorityFile: String?
  /// A proxy's URL, which may hold credentials; nil means `http_proxy`, `https_proxy`, `all_proxy` and `no_proxy` as curl(1)
  /// describes them, but for this machine, which has none; "" means none. An HTTP proxy is always asked for a tunnel (CONNECT).
  package var proxy: String?

  /// Host and port as they appear in a URL.
  var peer: String { host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]:\(port)" : "\(host):\(port)" }

  /// A host with characters that end the host part of a URL would lead somewhere else.
  var isValid: Bool {
    !host.isEmpty && host.utf8.count <= 255
      && host.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7F && !"/\\@?#[]<>\"%".utf8.contains($0) }
  }

  /// - Throws: ``NetworkFailure`` when the environment, or `authorityFile`, names what cannot be used.
  func route(_ loop: EventLoop) throws(NetworkFailure) -> ConnectionRoute {
    try ConnectionRoute(
      isSecure: isSecure, host: host, port: port, proxy: proxy, isTunnelled: true,
      authorityFile: authorityFile, loop)
  }

  func makeHandle(_ route: ConnectionRoute, loop: EventLoop, timeout: Duration) -> CurlEasy? {
    guard let easy = CurlEasy() else { return nil }
    easy.set(CURLOPT_URL, "\(isSecure ? "https" : "http")://\(peer)/")
    easy.set(CURLOPT_CONNECT_ONLY, 1)
    if isSecure, let cache = loop.connectionCaches.next() { easy.use(cache) }
    easy.set(CURLOPT_HTTPPROXYTUNNEL, 1)
    // Only the proxy's answer passes through libcurl's buffer, which otherwise takes 16 KiB for each connection.
    easy.set(CURLOPT_BUFFERSIZE, 1024)
    easy.setTimeout(CURLOPT_CONNECTTIMEOUT_MS, timeout)
    route.apply(to: easy)
    return easy
  }
}

extension EventLoop {
  /// Connects. The handler hears `connected` and what follows, or `closed` with the reason. At most 16 connects to
  /// a host and port are in flight, one begins in a turn; the others wait. Any thread.
  ///
  /// When the loop has stopped the handler hears so at once, on the calling thread.
  @discardableResult
  package func connect(_ request: ConnectRequest, handler: @escaping ConnectionHandler) -> ByteConnection {
    let connection = ByteConnection(loop: self, request: request, handler: handler)
    let isAccepted = execute { connection.waitForTurn() }
    if !isAccepted { handler(connection, .closed(.stopped)) }
    return connection
  }
}
