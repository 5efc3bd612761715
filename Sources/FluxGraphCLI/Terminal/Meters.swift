internal import FluxGraph
internal import Synchronization

/// Counts notices by their words.
final class NoticeMeter: Sendable {
  private let counts = Mutex<[String: Int]>([:])

  func count(_ notice: Notice) { counts.withLock { $0[notice.notice, default: 0] += 1 } }

  /// By their words, in alphabetical order.
  var all: [(notice: String, count: Int)] {
    counts.withLock { $0 }.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
  }

  func number(of notice: String) -> Int { counts.withLock { $0[notice] ?? 0 } }
}

/// Counts the WebSockets that are opened by way of it.
final class ConnectionMeter: WebSocketConnector {
  struct Counts: Sendable, Hashable {
    /// Connections there are.
    var open = 0
    /// Connections there have been.
    var opened = 0
    /// Attempts the service has refused or that have failed.
    var failed = 0
  }

  private let connector: any WebSocketConnector
  private let state = Mutex(Counts())

  init(_ connector: any WebSocketConnector) {
    self.connector = connector
  }

  var counts: Counts { state.withLock { $0 } }

  func connect(
    _ request: WebSocketRequest, handler: @escaping @Sendable (WebSocketEvent) -> Void
  ) -> any WebSocketConnection {
    let course = Course(self)
    let connection = connector.connect(request) { event in
      course.see(event)
      handler(event)
    }
    return Metered(connection, course)
  }

  /// What becomes of one connection: each end of it is counted once.
  private final class Course: Sendable {
    private enum Stage { case connecting, open, over }

    private let stage = Mutex(Stage.connecting)
    private let meter: ConnectionMeter

    init(_ meter: ConnectionMeter) {
      self.meter = meter
    }

    func see(_ event: WebSocketEvent) {
      switch event {
      case .opened:
        stage.withLock { $0 = .open }
        meter.state.withLock { counts in
          counts.open += 1
          counts.opened += 1
        }
      case .closed, .failed, .refused: end(countsFailure: true)
      case .text, .binary, .drained: break
      }
    }

    func end(countsFailure: Bool) {
      let before = stage.withLock { stage in
        defer { stage = .over }
        return stage
      }
      meter.state.withLock { counts in
        switch before {
        case .open: counts.open -= 1
        case .connecting where countsFailure: counts.failed += 1
        case .connecting, .over: break
        }
      }
    }
  }

  /// The connection as the stage has it.
  private final class Metered: WebSocketConnection {
    private let connection: any WebSocketConnection
    private let course: Course

    init(_ connection: any WebSocketConnection, _ course: Course) {
      self.connection = connection
      self.course = course
    }

    func send(binary bytes: UnsafeRawBufferPointer) { connection.send(binary: bytes) }
    func send(text: String) { connection.send(text: text) }
    func close(code: UInt16?, reason: String) { connection.close(code: code, reason: reason) }

    func abort() {
      course.end(countsFailure: false)
      connection.abort()
    }

    var bufferedBytes: Int { connection.bufferedBytes }
    var blockedSince: Instant? { connection.blockedSince }
  }
}
