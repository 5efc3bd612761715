public import FluxGraph
internal import Synchronization

/// WebSockets that lead nowhere: what a stage sends is kept, what it receives comes from the test.
public final class FakeWebSockets: WebSocketConnector, Sendable {
  /// What a stage does with a connection, as its peer sees it.
  public enum Action: Sendable {
    /// It asks for the connection.
    case connect
    /// It sends a text message.
    case text(String)
    /// It sends a binary message.
    case binary([UInt8])
    /// It begins the closing handshake.
    case close(code: UInt16?)
  }

  /// Plays the other end of every connection: answers with `give`. Called on the world's loop, after the stage has acted.
  public typealias Peer = @Sendable (Connection, Action) -> Void
  /// One connection a stage has asked for.
  public final class Connection: WebSocketConnection, Sendable {
    private struct State {
      var binary: [UInt8] = []
      var lengths: [Int] = []
      var texts: [String] = []
      var isAborted = false
      var closeCode: UInt16?
      var bufferedBytes = 0
      var takenBytes: Int?
      var blockedSince: Instant?
    }

    /// What was asked for.
    public let request: WebSocketRequest
    private let handler: @Sendable (WebSocketEvent) -> Void
    private let loop: (any GraphLoop)?
    private let peer: Peer?
    private let state = Mutex(State())

    init(
      _ request: WebSocketRequest, loop: (any GraphLoop)?, peer: Peer?,
      _ handler: @escaping @Sendable (WebSocketEvent) -> Void
    ) {
      self.request = request
      self.loop = loop
      self.peer = peer
      self.handler = handler
    }

    /// Tells the peer, later, as a network does: the stage must not be called while it calls.
    fileprivate func announce(_ action: Action) {
      guard let peer, let loop else { return }
      loop.execute { peer(self, action) }
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

    /// Makes the network have taken so many of all bytes of binary messages ever sent; the others wait to be sent.
    public func take(bytes: Int) { state.withLock { $0.takenBytes = bytes } }

    public func send(binary bytes: UnsafeRawBufferPointer) {
      state.withLock {
        $0.binary.append(contentsOf: bytes)
        $0.lengths.append(bytes.count)
      }
      announce(.binary(Array(bytes)))
    }

    public func send(text: String) {
      state.withLock { $0.texts.append(text) }
      announce(.text(text))
    }

    public func close(code: UInt16?, reason: String) {
      state.withLock { $0.closeCode = code }
      announce(.close(code: code))
    }

    public func abort() { state.withLock { $0.isAborted = true } }
    public var bufferedBytes: Int {
      state.withLock { state in
        state.takenBytes.map { max(0, state.binary.count - $0) } ?? state.bufferedBytes
      }
    }
    public var blockedSince: Instant? { state.withLock { $0.blockedSince } }
  }

  private let made = Mutex<[Connection]>([])

  private let loop: (any GraphLoop)?
  private let peer: Peer?

  /// WebSockets nobody has asked for yet, whose other end is the test.
  public convenience init() { self.init(loop: nil, peer: nil) }

  /// - Parameters:
  ///   - loop: where a connection asked for is announced to the peer.
  ///   - peer: plays the other end; nil where the test gives everything itself.
  init(loop: (any GraphLoop)?, peer: Peer?) {
    self.loop = loop
    self.peer = peer
  }

  /// The connections asked for, in order.
  public var connections: [Connection] { made.withLock { $0 } }

  public func connect(
    _ request: WebSocketRequest, handler: @escaping @Sendable (WebSocketEvent) -> Void
  ) -> any WebSocketConnection {
    let connection = Connection(request, loop: loop, peer: peer, handler)
    made.withLock { $0.append(connection) }
    connection.announce(.connect)
    return connection
  }
}
