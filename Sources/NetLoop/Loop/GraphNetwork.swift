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

  package func response(
    to request: FluxGraph.HTTPRequest
  ) async throws(NetworkFailure) -> FluxGraph.HTTPResponse {
    var inner = HTTPRequest(
      method: request.method, url: request.url,
      headers: request.headers.map { HTTPHeader($0.name, $0.value) },
      body: request.body, timeout: request.timeout, allowsHTTP2: true,
      maximumBodySize: request.maximumBodySize, authorityFile: request.certificateAuthorities)
    inner.isHeadEnough = request.isHeadEnough
    do throws(NetError) {
      let response = try await loop.response(for: inner)
      return FluxGraph.HTTPResponse(
        status: response.status,
        headers: response.head.headers.map { FluxGraph.HTTPHeader($0.name, $0.value) },
        body: response.body)
    } catch {
      throw NetworkFailure(error)
    }
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
    _ url: String, headers: [FluxGraph.HTTPHeader], certificateAuthorities: String?,
    handler: @escaping @Sendable (HTTPStreamEvent) -> Void
  ) -> any HTTPStream {
    let request = HTTPRequest(
      method: "GET", url: url, headers: headers.map { HTTPHeader($0.name, $0.value) }, timeout: nil,
      maximumRedirects: Self.redirectLimit, maximumBodySize: .max, acceptsRadio: true,
      authorityFile: certificateAuthorities)
    return loop.transfer(request) { _, event in
      switch event {
      case .response(let head):
        handler(
          .response(
            status: head.status, headers: head.headers.map { FluxGraph.HTTPHeader($0.name, $0.value) }))
      case .body(let bytes): handler(.body(bytes))
      case .finished(let error): handler(.finished(error.map { NetworkFailure($0) }))
      }
    }
  }
}

extension HTTPTransfer: HTTPStream {}

extension LoopTimer: GraphTimer {}

extension NetworkFailure {
  /// The loop's own error in the words of the stage interface.
  init(_ error: NetError) {
    let code: Code =
      switch error.code {
      case .nameNotFound: .nameNotFound
      case .connectionRefused, .unreachable: .connectionRefused
      case .timedOut: .timedOut
      case .certificate(.unknownAuthority): .unknownAuthority
      case .certificate, .authorityFile, .handshake: .tls
      case .proxyRefused, .proxyUnavailable: .proxy
      case .proxySetting: .proxySetting
      case .connectionLost: .connectionLost
      case .invalidRequest: .badRequest
      case .tooManyRedirects, .bodyTooLarge: .protocolViolation
      case .addressInUse: .addressInUse
      case .cancelled, .loopStopped, .system, .other: .other
      }
    // A sentence of its own there, the beginning of one here.
    self.init(
      code, error.description.hasSuffix(".") ? String(error.description.dropLast()) : error.description)
  }
}
