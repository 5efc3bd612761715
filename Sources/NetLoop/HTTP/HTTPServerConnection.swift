import FluxGraph
import HTTPCore

/// One client of an HTTP server: reads its requests, one after the other, and writes the answers.
///
/// Unchecked: touched on the loop thread only.
final class HTTPServerConnection: @unchecked Sendable {
  /// How long a client may take for a request, also between two.
  private static let requestLimit = Duration.seconds(30)
  private static let headLimit = 16 << 10
  /// Bytes of answers a client may leave unread before another request of it is looked at.
  private static let unreadLimit = 64 << 10

  private enum Phase {
    case reading
    /// A request was handed over, and its answer has not begun.
    case answering(HTTPServerReply)
    case streaming(HTTPServerReply)
    /// Nothing more will be read or sent.
    case done
  }

  let connection: ByteConnection
  private let service: HTTPService
  private var phase = Phase.reading
  private var parser = HTTPHeadParser(limit: headLimit)
  /// What came behind the request that is being answered.
  private var unread: [UInt8] = []
  private var timer: LoopTimer?

  init(_ service: HTTPService, _ connection: ByteConnection) {
    self.service = service
    self.connection = connection
  }

  func handle(_ event: ConnectionEvent) {
    switch event {
    case .connected: arm()
    case .received(let bytes): receive(bytes)
    case .drained:
      if case .streaming(let reply) = phase { reply.tell(.drained) }
      readRequests()
    case .closed:
      timer?.cancel()
      let reply: HTTPServerReply? =
        switch phase {
        case .answering(let reply), .streaming(let reply): reply
        case .reading, .done: nil
        }
      phase = .done
      reply?.over()
      service.forget(self)
    }
  }

  func closeUnlessAnswering() {
    guard case .reading = phase else { return }
    phase = .done
    connection.close()
  }

  // MARK: - Requests

  private func arm() {
    timer?.cancel()
    timer = connection.loop.schedule(after: Self.requestLimit) { [weak self] in self?.closeUnlessAnswering() }
  }

  private func receive(_ bytes: UnsafeRawBufferPointer) {
    switch phase {
    case .reading, .answering:
      unread.append(contentsOf: bytes)
      readRequests()
      // Requests that come early have to wait, but not many of them.
      if case .done = phase { return }
      if unread.count > Self.headLimit { connection.close() }
    case .streaming, .done: break
    }
  }

  private func readRequests() {
    // Whoever does not read the answers to its requests gets no more of them.
    while case .reading = phase, !unread.isEmpty, connection.bufferedBytes <= Self.unreadLimit {
      var position = 0
      do throws(HTTPError) {
        let head = try parser.next(unread.span, from: &position)
        unread.removeFirst(position)
        guard let head else { return }
        take(try HTTPRequestHead(head))
      } catch {
        refuse(error)
      }
    }
  }

  private func take(_ head: HTTPRequestHead) {
    timer?.cancel()
    let headers = head.headers
    // A body that is not read would be taken for the next request.
    let hasBody =
      headers["Transfer-Encoding"] != nil || headers.values("Content-Length").contains { $0 != "0" }
    let reply = HTTPServerReply(
      self, hasBody: head.method != "HEAD", closes: hasBody || !head.isKeptAlive)
    phase = .answering(reply)
    service.works(self)
    service.handler(
      HTTPServerRequest(
        method: head.method, path: head.path,
        headers: headers), reply)
  }

  private func refuse(_ error: HTTPError) {
    connection.send(
      HTTPResponse.bytes(
        status: error.status, body: Array("\(error)\n".utf8), contentType: "text/plain; charset=utf-8",
        closes: true))
    finish()
  }

  // MARK: - Answers

  /// A whole answer has been written.
  func answered(closes: Bool) {
    guard case .answering = phase else { return }
    if closes { return finish() }
    phase = .reading
    service.idles(self)
    arm()
    // From here, so that answers given at once do not pile up calls.
    let loop = connection.loop
    if !unread.isEmpty { loop.execute { self.readRequests() } }
  }

  func began(_ reply: HTTPServerReply) {
    guard case .answering = phase else { return }
    phase = .streaming(reply)
    unread = []
  }

  /// Closes once everything has been sent, or the client has had time to take it.
  func finish() {
    if case .streaming = phase {} else { phase = .done }
    service.idles(self)
    connection.closeWhenDrained()
    timer?.cancel()
    timer = connection.loop.schedule(after: Self.requestLimit) { [connection] in connection.abort() }
  }
}

/// The answer to one request of an `HTTPServerConnection`.
///
/// Unchecked: touched on the loop thread only.
final class HTTPServerReply: HTTPReply, @unchecked Sendable {
  /// nil once the answer is over.
  private var client: HTTPServerConnection?
  /// False for the answer to HEAD.
  private let hasBody: Bool
  private let closes: Bool
  private var handler: (@Sendable (HTTPReplyEvent) -> Void)?

  init(_ client: HTTPServerConnection, hasBody: Bool, closes: Bool) {
    self.client = client
    self.hasBody = hasBody
    self.closes = closes
  }

  func send(_ response: HTTPResponse) {
    guard let client, handler == nil else { return }
    self.client = nil
    var headers = response.headers
    headers.add("Content-Length", String(response.body.count))
    if closes { headers.add("Connection", "close") }
    client.connection.send(HTTPResponse.head(status: response.status, headers: headers))
    if hasBody { client.connection.send(response.body) }
    client.answered(closes: closes)
  }

  func begin(
    status: Int, headers: HTTPHeaders, handler: @escaping @Sendable (HTTPReplyEvent) -> Void
  ) {
    guard let client, self.handler == nil else { return }
    self.handler = handler
    var fields = headers
    fields.add("Connection", "close")
    client.connection.send(HTTPResponse.head(status: status, headers: fields))
    client.began(self)
    if !hasBody { end() }
  }

  func write(_ bytes: [UInt8]) {
    guard hasBody, handler != nil else { return }
    client?.connection.send(bytes)
  }

  func end() {
    guard handler != nil else { return }
    client?.finish()
  }

  func abort() { client?.connection.abort() }

  var bufferedBytes: Int { client?.connection.bufferedBytes ?? 0 }

  var blockedSince: Instant? {
    guard let client, let since = client.connection.blockedSince else { return nil }
    return Instant.now().advanced(by: .zero - (client.connection.loop.now - since))
  }

  func tell(_ event: HTTPReplyEvent) { handler?(event) }

  /// The connection has closed.
  func over() {
    client = nil
    let handler = handler
    self.handler = nil
    handler?(.ended)
  }
}
