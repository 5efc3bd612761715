internal import FluxGraph

/// Sees what passes over one WebSocket, before the stage that has it does. Called on the context's loop.
protocol WebSocketWatcher: Sendable {
  /// Something comes, or has happened.
  func received(_ event: WebSocketEvent)
  /// A message that is not empty goes out.
  func sent(binary bytes: UnsafeRawBufferPointer)
  /// A text message goes out.
  func sent(text: String)
  /// The stage begins the closing handshake.
  func closes(code: UInt16?, reason: String)
  /// The stage drops the connection; nothing follows.
  func aborts()
}

extension WebSocketWatcher {
  func sent(binary bytes: UnsafeRawBufferPointer) {}
  func sent(text: String) {}
  func closes(code: UInt16?, reason: String) {}
}

/// Opens WebSockets like the connector it stands for, and shows each to a watcher of its own.
struct WatchedConnector: WebSocketConnector {
  private let connector: any WebSocketConnector
  private let watcher: @Sendable (WebSocketRequest) -> (any WebSocketWatcher)?

  /// - Parameter watcher: who watches the connection that is about to be made; nil for nobody.
  init(
    _ connector: any WebSocketConnector,
    watcher: @escaping @Sendable (WebSocketRequest) -> (any WebSocketWatcher)?
  ) {
    self.connector = connector
    self.watcher = watcher
  }

  func connect(
    _ request: WebSocketRequest, handler: @escaping @Sendable (WebSocketEvent) -> Void
  ) -> any WebSocketConnection {
    guard let watcher = watcher(request) else { return connector.connect(request, handler: handler) }
    let connection = connector.connect(request) { event in
      watcher.received(event)
      handler(event)
    }
    return Watched(connection, watcher)
  }

  /// The connection as the stage has it.
  private final class Watched: WebSocketConnection {
    private let connection: any WebSocketConnection
    private let watcher: any WebSocketWatcher

    init(_ connection: any WebSocketConnection, _ watcher: any WebSocketWatcher) {
      self.connection = connection
      self.watcher = watcher
    }

    func send(binary bytes: UnsafeRawBufferPointer) {
      if !bytes.isEmpty { watcher.sent(binary: bytes) }
      connection.send(binary: bytes)
    }

    func send(text: String) {
      watcher.sent(text: text)
      connection.send(text: text)
    }

    func close(code: UInt16?, reason: String) {
      watcher.closes(code: code, reason: reason)
      connection.close(code: code, reason: reason)
    }

    func abort() {
      watcher.aborts()
      connection.abort()
    }

    var bufferedBytes: Int { connection.bufferedBytes }
    var blockedSince: Instant? { connection.blockedSince }
  }
}
