public import FluxGraph
internal import Synchronization

/// An HTTP server nobody can reach: its requests come from the test, and its answers are kept.
public final class FakeHTTPServer: HTTPServer, Sendable {
  /// A place a stage listens at.
  public final class Listener: HTTPListener, Sendable {
    /// What was asked for.
    public let address: ServerAddress
    /// The port, one from 40000 upwards when 0 was asked for.
    public let port: UInt16
    private let handler: @Sendable (HTTPServerRequest, any HTTPReply) -> Void
    private let closed = Atomic(false)

    init(
      _ address: ServerAddress, _ port: UInt16,
      _ handler: @escaping @Sendable (HTTPServerRequest, any HTTPReply) -> Void
    ) {
      self.address = address
      self.port = port
      self.handler = handler
    }

    /// Lets a request arrive, and returns its answer as far as it has come.
    public func give(_ request: HTTPServerRequest) -> Reply {
      let reply = Reply()
      handler(request, reply)
      return reply
    }

    /// Whether the stage has stopped listening.
    public var isClosed: Bool { closed.load(ordering: .relaxed) }

    public func close() { closed.store(true, ordering: .relaxed) }
  }

  /// The answer to a request, and how the network takes it.
  public final class Reply: HTTPReply, Sendable {
    private struct State {
      var status: Int?
      var headers: HTTPHeaders = []
      var body: [UInt8] = []
      var isEnded = false
      var isAborted = false
      var bufferedBytes = 0
      var blockedSince: Instant?
      var handler: (@Sendable (HTTPReplyEvent) -> Void)?
    }

    private let state = Mutex(State())

    /// The status; nil before the answer.
    public var status: Int? { state.withLock { $0.status } }
    /// The headers of the answer.
    public var headers: HTTPHeaders { state.withLock { $0.headers } }
    /// Everything written so far.
    public var body: [UInt8] { state.withLock { $0.body } }
    /// Whether the stage has said that nothing more comes.
    public var isEnded: Bool { state.withLock { $0.isEnded } }
    /// Whether the stage has dropped the connection.
    public var isAborted: Bool { state.withLock { $0.isAborted } }

    /// The value of a header.
    public func header(_ name: String) -> String? {
      headers[name]
    }

    /// Lets something happen to an answer that was begun: `ended` when the client has gone.
    public func give(_ event: HTTPReplyEvent) {
      state.withLock { state in
        defer { if event == .ended { state.handler = nil } }
        return state.handler
      }?(event)
    }

    /// Makes the network stop taking bytes, or take them again.
    public func block(bufferedBytes: Int, since: Instant?) {
      state.withLock {
        $0.bufferedBytes = bufferedBytes
        $0.blockedSince = since
      }
    }

    public func send(_ response: HTTPResponse) {
      state.withLock {
        guard $0.status == nil else { return }
        $0.status = response.status
        $0.headers = response.headers
        $0.body = response.body
        $0.isEnded = true
      }
    }

    public func begin(
      status: Int, headers: HTTPHeaders, handler: @escaping @Sendable (HTTPReplyEvent) -> Void
    ) {
      state.withLock {
        guard $0.status == nil else { return }
        $0.status = status
        $0.headers = headers
        $0.handler = handler
      }
    }

    public func write(_ bytes: [UInt8]) {
      state.withLock {
        guard !$0.isEnded, !$0.isAborted else { return }
        $0.body += bytes
        // A network that takes nothing.
        if $0.blockedSince != nil { $0.bufferedBytes += bytes.count }
      }
    }

    public func end() { state.withLock { $0.isEnded = true } }
    public func abort() { state.withLock { $0.isAborted = true } }
    public var bufferedBytes: Int { state.withLock { $0.bufferedBytes } }
    public var blockedSince: Instant? { state.withLock { $0.blockedSince } }
  }

  private let made = Mutex<[Listener]>([])

  public init() {}

  /// The places stages listen at, in order.
  public var listeners: [Listener] { made.withLock { $0 } }

  public func listen(
    on address: ServerAddress, handler: @escaping @Sendable (HTTPServerRequest, any HTTPReply) -> Void
  ) throws(NetworkFailure) -> any HTTPListener {
    let listener = made.withLock { made -> Listener? in
      let taken = made.filter { !$0.isClosed }.map(\.port)
      if taken.contains(address.port) { return nil }
      let port = address.port == 0 ? (40_000...).first { !taken.contains($0) } ?? 0 : address.port
      let listener = Listener(address, port, handler)
      made.append(listener)
      return listener
    }
    guard let listener else { throw NetworkFailure(.addressInUse, "\(address) is in use") }
    return listener
  }
}
