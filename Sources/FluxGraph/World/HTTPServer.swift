// What a stage may offer on the network. The run-time supplies it over the program's one event-loop thread; tests fake it.

/// Answers HTTP/1.1 requests. Bodies of requests are not read: such a request is handed over like any other, and its connection
/// closed after the answer.
public protocol HTTPServer: Sendable {
  /// Begins to listen; the address is taken when this returns. `handler` is called on the context's loop for every request, and
  /// answers it there, at once or later.
  /// - Throws: `NetworkFailure`, with `addressInUse` when someone else listens there.
  func listen(
    on address: ServerAddress, handler: @escaping @Sendable (HTTPServerRequest, any HTTPReply) -> Void
  ) throws(NetworkFailure) -> any HTTPListener
}

/// A place requests arrive at. Its methods may be called from any thread.
public protocol HTTPListener: AnyObject, Sendable {
  /// The port, also when 0 was asked for.
  var port: UInt16 { get }
  /// Stops listening. Answers that are under way go on.
  func close()
}

/// The head of a request.
public struct HTTPServerRequest: Sendable {
  /// As it was sent: `GET`.
  public var method: String
  /// What stands before the first `?`, as it was sent.
  public var path: String
  /// In their order.
  public var headers: HTTPHeaders

  public init(method: String, path: String, headers: HTTPHeaders = []) {
    self.method = method
    self.path = path
    self.headers = headers
  }
}

/// What happens to an answer of any length.
public enum HTTPReplyEvent: Sendable, Hashable {
  /// Everything that was written has gone to the network.
  case drained
  /// The answer is over: delivered, or the client is gone. Once, as the last.
  case ended
}

/// The answer to one request: whole, or bit by bit. Methods may be called from the context's loop only; those that come too late
/// do nothing. To `HEAD`, only the head of what is given is sent.
public protocol HTTPReply: AnyObject, Sendable {
  /// Sends a whole answer.
  func send(_ response: HTTPResponse)
  /// Begins an answer of any length, at whose end the connection closes. `handler` is called on the loop, never from within a
  /// method of the reply.
  func begin(
    status: Int, headers: HTTPHeaders, handler: @escaping @Sendable (HTTPReplyEvent) -> Void)
  /// Continues the answer that was begun. What the network does not take at once is kept, without a bound: see `bufferedBytes`.
  func write(_ bytes: [UInt8])
  /// Ends the answer once all of it has been sent.
  func end()
  /// Drops the connection at once.
  func abort()
  /// Bytes written and not yet taken by the network.
  var bufferedBytes: Int { get }
  /// Since when the network has taken nothing although bytes are waiting; nil when none are.
  var blockedSince: Instant? { get }
}
