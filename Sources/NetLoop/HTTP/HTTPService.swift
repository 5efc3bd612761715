package import FluxGraph

extension GraphNetwork: HTTPServer {
  package func listen(
    on address: ServerAddress, handler: @escaping @Sendable (HTTPServerRequest, any HTTPReply) -> Void
  ) throws(NetworkFailure) -> any HTTPListener {
    let service = HTTPService(handler)
    let listener = try loop.listen(on: .tcp(host: address.host, port: address.port)) { connection in
      service.accept(connection)
    }
    return HTTPServicePort(listener, service, loop)
  }
}

/// What listens for a service, and stops doing so.
private final class HTTPServicePort: HTTPListener {
  let port: UInt16
  private let listener: Listener
  private let service: HTTPService
  private let loop: EventLoop

  init(_ listener: Listener, _ service: HTTPService, _ loop: EventLoop) {
    self.listener = listener
    self.service = service
    self.loop = loop
    port = listener.port ?? 0
  }

  func close() {
    listener.close()
    loop.execute { [service] in service.close() }
  }
}

/// The clients of one HTTP server.
///
/// Unchecked: the handler aside, everything is touched on the loop thread only.
final class HTTPService: @unchecked Sendable {
  let handler: @Sendable (HTTPServerRequest, any HTTPReply) -> Void
  private var connections: [ObjectIdentifier: HTTPServerConnection] = [:]
  private var idle = IdleConnections()
  private var isClosed = false

  init(_ handler: @escaping @Sendable (HTTPServerRequest, any HTTPReply) -> Void) {
    self.handler = handler
  }

  func accept(_ connection: ByteConnection) -> ConnectionHandler {
    guard !isClosed else {
      connection.close()
      return { _, _ in }
    }
    let client = HTTPServerConnection(self, connection)
    connections[ObjectIdentifier(client)] = client
    idles(client)
    return { _, event in client.handle(event) }
  }

  /// A client waits for nothing but its own next request: another one may have to make room.
  func idles(_ client: HTTPServerConnection) {
    guard let other = idle.add(ObjectIdentifier(client)) else { return }
    connections[other]?.connection.close()
  }

  /// An answer is under way.
  func works(_ client: HTTPServerConnection) { idle.remove(ObjectIdentifier(client)) }

  func forget(_ client: HTTPServerConnection) {
    idle.remove(ObjectIdentifier(client))
    connections[ObjectIdentifier(client)] = nil
  }

  /// Lets clients go that are waiting for no answer.
  func close() {
    isClosed = true
    for client in connections.values { client.closeUnlessAnswering() }
  }
}
