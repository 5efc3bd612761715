package import FluxGraph

/// The event loop as stages are given it: WebSockets, HTTP and timers over the one thread `net`.
package struct GraphNetwork: GraphLoop, WebSocketConnector, HTTPClient {
  let loop: EventLoop

  package init(_ loop: EventLoop) {
    self.loop = loop
  }

  // MARK: - GraphLoop

  package func execute(_ body: @escaping @Sendable () -> Void) {
    loop.execute(body)
  }

  package func signal(_ body: @escaping @Sendable () -> Void) -> any GraphSignal {
    loop.signal(body)
  }

  package func schedule(at time: Instant, _ body: @escaping @Sendable () -> Void) -> any GraphTimer {
    loop.schedule(after: time.duration(since: .now()), body)
  }

  package var absence: Duration { loop.absence }

  // MARK: - WebSocketConnector

  package func connect(
    _ request: WebSocketRequest, handler: @escaping @Sendable (WebSocketEvent) -> Void
  ) -> any WebSocketConnection {
    guard let url = WebSocketURL(request.url) else {
      loop.execute {
        handler(.failed(NetworkFailure(.badRequest, "this is no WebSocket URL that can be used")))
      }
      return NoConnection()
    }
    let client = WebSocketClient(loop: loop, url: url, request: request, handler: handler)
    loop.execute { client.start() }
    return client
  }

  /// What a request that cannot be made is answered with: it takes everything and does nothing.
  private final class NoConnection: WebSocketConnection {
    func send(binary bytes: UnsafeRawBufferPointer) {}
    func send(text: String) {}
    func close(code: UInt16?, reason: String) {}
    func abort() {}
    let bufferedBytes = 0
    let blockedSince: Instant? = nil
  }

  // MARK: - HTTPClient

  package func response(to request: HTTPRequest) async throws(NetworkFailure) -> HTTPResponse {
    var request = request
    request.allowsHTTP2 = true
    return try await loop.response(for: request)
  }
}

extension GraphNetwork {
  package func intermediary(for url: String) -> String? {
    guard let route = try? HTTPRequest(url: url).route(loop), !route.isTunnelled else { return nil }
    return route.proxy.flatMap { $0.isHTTP ? $0.title : nil }
  }

  /// Redirects followed: radio stations do send one from station to mirror to server.
  private static var redirectLimit: Int { 8 }

  package func download(
    _ url: String, headers: HTTPHeaders, certificateAuthorities: String?,
    handler: @escaping @Sendable (HTTPStreamEvent) -> Void
  ) -> any HTTPStream {
    var request = HTTPRequest(
      url: url, headers: headers, timeout: nil, maximumBodySize: .max,
      certificateAuthorities: certificateAuthorities)
    request.maximumRedirects = Self.redirectLimit
    request.acceptsRadio = true
    return loop.transfer(request) { _, event in
      switch event {
      case .response(let head): handler(.response(status: head.status, headers: head.headers))
      case .body(let bytes): handler(.body(bytes))
      case .finished(let failure): handler(.finished(failure))
      }
    }
  }
}

extension HTTPTransfer: HTTPStream {}

extension LoopTimer: GraphTimer {}
