internal import FluxGraph

/// The clients of an `sse` stage, and what they have been sent.
///
/// Each client has a place in the history and is sent what comes after it as far as the network takes it; what a slow one has not
/// been sent when it is no longer kept, it misses. So a client costs a bounded amount of memory, and holds up nobody.
///
/// Unchecked: everything that changes is touched on the loop only.
final class EventBroadcast: @unchecked Sendable {
  private static let clientLimit = 64
  /// Bytes handed to the network ahead of a client.
  private static let windowSize = 256 << 10
  /// How often clients that hear nothing are told that the connection is there.
  private static let heartbeat = Duration.seconds(10)
  /// How long a client may take nothing before it is let go.
  private static let patience = Duration.seconds(20)
  /// How long clients may take for the last events.
  private static let farewell = Duration.seconds(2)

  private final class Client {
    let reply: any HTTPReply
    /// The number of the last event it was given.
    var position: Int
    /// Whether it was given anything since the last heartbeat.
    var wasWritten = true

    init(_ reply: any HTTPReply, position: Int) {
      self.reply = reply
      self.position = position
    }
  }

  private let context: StageContext
  private let policy: EventRequestPolicy
  /// Tells the events of this run from those of another one, at the same address.
  private let run: String
  private var history = EventHistory()
  private var clients: [Int: Client] = [:]
  private var clientCount = 0
  private var listener: (any HTTPListener)?
  private var timer: (any GraphTimer)?
  private var isEnding = false
  private var whenEmpty: (@Sendable () -> Void)?

  init(_ context: StageContext, _ policy: EventRequestPolicy) {
    self.context = context
    self.policy = policy
    run = String(Int(context.clock.wallTime().seconds * 1000), radix: 36)
  }

  deinit {
    listener?.close()
    let replies = clients.values.map(\.reply)
    context.loop.execute { for reply in replies { reply.abort() } }
  }

  /// Loop only.
  func start(_ listener: any HTTPListener) {
    self.listener = listener
    beat()
  }

  /// Any thread.
  func publish(_ event: Event) {
    guard case .text(let name)? = event.value(of: "event") else { return }
    let data = event.json.serialized
    let isLasting = ["EndOfTurn", "Notice"].contains(name)
    context.loop.execute { [self] in
      history.append(isLasting: isLasting) { number in
        Array("id: \(run)-\(number)\nevent: \(name.onOneLine)\ndata: \(data)\n\n".utf8)
      }
      for client in clients.values { feed(client) }
    }
  }

  /// Sends everybody the last events, and returns when they have them, or have had the time.
  func finish() async {
    await withCheckedContinuation { (done: CheckedContinuation<Void, Never>) in
      context.loop.execute { [self] in
        listener?.close()
        timer?.cancel()
        isEnding = true
        if clients.isEmpty { return done.resume() }
        whenEmpty = { done.resume() }
        for client in clients.values { feed(client) }
        timer = context.loop.schedule(at: context.clock.now().advanced(by: Self.farewell)) { [self] in
          for client in clients.values { client.reply.abort() }
        }
      }
    }
  }

  // MARK: - Requests

  /// Loop only.
  func answer(_ request: HTTPServerRequest, _ reply: any HTTPReply) {
    switch policy.answer(to: request) {
    case .page:
      reply.send(
        HTTPResponse(
          status: 200,
          headers: Self.headers + [
            HTTPHeader("Content-Type", "text/html; charset=utf-8"),
            HTTPHeader("Content-Security-Policy", CaptionPage.contentSecurityPolicy),
          ], body: CaptionPage.html))
    case .events(let identifier):
      guard clients.count < Self.clientLimit, !isEnding else {
        return refuse(
          reply, 503, "There are too many readers; try again later.", [HTTPHeader("Retry-After", "5")])
      }
      serve(reply, after: position(of: identifier), isReader: request.method == "GET")
    case .refused(let status, let message, let headers): refuse(reply, status, message, headers)
    }
  }

  private func refuse(_ reply: any HTTPReply, _ status: Int, _ message: String, _ headers: HTTPHeaders) {
    reply.send(
      HTTPResponse(
        status: status,
        headers: Self.headers + headers + [HTTPHeader("Content-Type", "text/plain; charset=utf-8")],
        body: Array("\(message)\n".utf8)))
  }

  private static let headers: HTTPHeaders = [
    HTTPHeader("Cache-Control", "no-store, no-transform"), HTTPHeader("X-Content-Type-Options", "nosniff"),
    HTTPHeader("Referrer-Policy", "no-referrer"), HTTPHeader("Cross-Origin-Resource-Policy", "same-origin"),
  ]

  /// What stands between, such as nginx, is told to pass events on as they come, or it would collect them; see `no-transform` too.
  private static let streamHeaders: HTTPHeaders = [
    HTTPHeader("Content-Type", "text/event-stream; charset=utf-8"), HTTPHeader("X-Accel-Buffering", "no"),
  ]

  /// The number in an identifier of this run; 0, which is everything, for any other.
  private func position(of identifier: String?) -> Int {
    guard let identifier, identifier.hasPrefix("\(run)-"),
      let number = Int(identifier.dropFirst(run.count + 1))
    else { return 0 }
    return (0...history.newest).contains(number) ? number : 0
  }

  private func serve(_ reply: any HTTPReply, after position: Int, isReader: Bool) {
    let client = Client(reply, position: position)
    clientCount += 1
    let key = clientCount
    // HEAD is answered with the head alone.
    if isReader { clients[key] = client }
    reply.begin(status: 200, headers: Self.headers + Self.streamHeaders) { [weak self] event in
      guard let self, let client = clients[key] else { return }
      switch event {
      case .drained: feed(client)
      case .ended:
        clients[key] = nil
        if clients.isEmpty, let whenEmpty {
          self.whenEmpty = nil
          timer?.cancel()
          whenEmpty()
        }
      }
    }
    guard isReader else { return }
    feed(client)
  }

  // MARK: - Sending

  /// Gives a client what it has not had, as far as the network has room for it.
  private func feed(_ client: Client) {
    while client.reply.bufferedBytes < Self.windowSize {
      guard let entry = history.first(after: client.position) else {
        if isEnding {
          client.reply.write(Array(": end\n".utf8))
          client.reply.end()
        }
        return
      }
      client.reply.write(entry.bytes)
      client.position = entry.number
      client.wasWritten = true
    }
  }

  /// A comment is a line without an empty one behind it: some readers take that for the end of an event without data.
  private func beat() {
    let now = context.clock.now()
    for client in clients.values {
      if let since = client.reply.blockedSince, now.duration(since: since) >= Self.patience {
        client.reply.abort()
      } else if !client.wasWritten && client.reply.bufferedBytes == 0 {
        client.reply.write(Array(": still here\n".utf8))
      }
      client.wasWritten = false
    }
    timer = context.loop.schedule(at: now.advanced(by: Self.heartbeat)) { [weak self] in self?.beat() }
  }
}
