public import FluxGraph
internal import Synchronization

/// WebSockets that lead nowhere: what a stage sends is kept, what it receives comes from the test.
public final class FakeWebSockets: WebSocketConnector, Sendable {
  /// One connection a stage has asked for.
  public final class Connection: WebSocketConnection, Sendable {
    private struct State {
      var binary: [UInt8] = []
      var lengths: [Int] = []
      var texts: [String] = []
      var isAborted = false
      var closeCode: UInt16?
      var bufferedBytes = 0
      var blockedSince: Instant?
    }

    /// What was asked for.
    public let request: WebSocketRequest
    private let handler: @Sendable (WebSocketEvent) -> Void
    private let state = Mutex(State())

    init(_ request: WebSocketRequest, _ handler: @escaping @Sendable (WebSocketEvent) -> Void) {
      self.request = request
      self.handler = handler
    }

    /// Lets something happen to the connection.
    public func give(_ event: WebSocketEvent) { handler(event) }

    /// Gives a text message.
    public func give(_ text: String) { handler(.text(Array(text.utf8))) }

    /// All binary messages sent so far, one after the other.
    public var sentBytes: [UInt8] { state.withLock { $0.binary } }
    /// How many binary messages were sent.
    public var sentMessages: Int { state.withLock { $0.lengths.count } }
    /// The text messages sent so far.
    public var sentTexts: [String] { state.withLock { $0.texts } }
    /// Whether the stage dropped the connection.
    public var isAborted: Bool { state.withLock { $0.isAborted } }
    /// The length of each binary message sent so far, in bytes.
    public var sentLengths: [Int] { state.withLock { $0.lengths } }

    /// Makes the network stop taking bytes, or take them again.
    public func block(bufferedBytes: Int, since: Instant?) {
      state.withLock {
        $0.bufferedBytes = bufferedBytes
        $0.blockedSince = since
      }
    }

    public func send(binary bytes: UnsafeRawBufferPointer) {
      state.withLock {
        $0.binary.append(contentsOf: bytes)
        $0.lengths.append(bytes.count)
      }
    }

    public func send(text: String) { state.withLock { $0.texts.append(text) } }
    public func close(code: UInt16?, reason: String) { state.withLock { $0.closeCode = code } }
    public func abort() { state.withLock { $0.isAborted = true } }
    public var bufferedBytes: Int { state.withLock { $0.bufferedBytes } }
    public var blockedSince: Instant? { state.withLock { $0.blockedSince } }
  }

  private let made = Mutex<[Connection]>([])

  /// WebSockets nobody has asked for yet.
  public init() {}

  /// The connections asked for, in order.
  public var connections: [Connection] { made.withLock { $0 } }

  public func connect(
    _ request: WebSocketRequest, handler: @escaping @Sendable (WebSocketEvent) -> Void
  ) -> any WebSocketConnection {
    let connection = Connection(request, handler)
    made.withLock { $0.append(connection) }
    return connection
  }
}
