import FluxGraph
import HTTPCore

/// A WebSocket to a server: the handshake and the connection's state machine over a byte connection. Loop thread only.
final class WebSocketClient: WebSocketConnection, @unchecked Sendable {
  // Unchecked: touched on the loop thread only, as the protocol demands.

  private enum Phase {
    case connecting
    case handshaking(WebSocketClientHandshake)
    case open
    case over
  }

  private let loop: EventLoop
  private let url: WebSocketURL
  private let request: WebSocketRequest
  private let handler: @Sendable (FluxGraph.WebSocketEvent) -> Void
  private var phase = Phase.connecting
  // Accesses are not checked: it calls nobody back but for a mask.
  @exclusivity(unchecked) private var state: WebSocketConnectionState?
  private var connection: ByteConnection?
  private var timer: LoopTimer?
  private let began: SuspendingClock.Instant

  init(
    loop: EventLoop, url: WebSocketURL, request: WebSocketRequest,
    handler: @escaping @Sendable (FluxGraph.WebSocketEvent) -> Void
  ) {
    self.loop = loop
    self.url = url
    self.request = request
    self.handler = handler
    began = loop.now
  }

  /// Begins to connect. On the loop.
  func start() {
    guard case .connecting = phase else { return }
    let target = ConnectRequest(
      isSecure: url.isSecure, host: url.host, port: url.port, timeout: request.timeout,
      authorityFile: request.certificateAuthorities)
    // Until it is connected its own time-out counts, which knows what was being waited for.
    connection = loop.connect(target) { [self] _, event in handle(event) }
  }

  private func handle(_ event: ConnectionEvent) {
    switch event {
    case .connected: beginHandshake()
    case .received(let bytes): receive(Span(_unsafeElements: bytes.assumingMemoryBound(to: UInt8.self)))
    case .drained: if case .open = phase { handler(.drained) }
    case .closed(let error): connectionEnded(error)
    }
  }

  // MARK: - The opening handshake

  private func beginHandshake() {
    guard case .connecting = phase else { return }
    arm(at: began.advanced(by: request.timeout))
    var generator = SystemRandomNumberGenerator()
    var fields = request.headers
    if fields["User-Agent"] == nil {
      // Some services refuse requests without one.
      fields.add("User-Agent", userAgent)
    }
    do throws(WebSocketHandshakeError) {
      let handshake = try WebSocketClientHandshake(
        host: url.hostHeader, target: url.target, nonce: (generator.next(), generator.next()),
        headers: fields,
        subprotocols: request.subprotocols)
      phase = .handshaking(handshake)
      connection?.send(handshake.request)
    } catch {
      fail(NetworkFailure(.badRequest, "\(url.host): \(error)"))
    }
  }

  private func receive(_ bytes: Span<UInt8>) {
    switch phase {
    case .connecting, .over: return
    case .open: perform(state?.receive(bytes, at: elapsed) ?? [])
    case .handshaking(var handshake):
      var position = 0
      do throws(WebSocketHandshakeError) {
        let outcome = try handshake.receive(bytes, from: &position)
        phase = .handshaking(handshake)
        if let outcome { settle(outcome) }
      } catch {
        fail(NetworkFailure(.protocolViolation, "\(url.host) did not answer as a WebSocket server: \(error)"))
      }
      if case .open = phase, position < bytes.count {
        perform(state?.receive(bytes.extracting(position...), at: elapsed) ?? [])
      }
    }
  }

  private func settle(_ outcome: WebSocketClientHandshake.Outcome) {
    switch outcome {
    case .accepted(let headers, _):
      phase = .open
      state = WebSocketConnectionState(
        role: .client,
        limits: WebSocketLimits(
          maximumFrameSize: request.maximumMessageSize, maximumMessageSize: request.maximumMessageSize),
        timing: WebSocketTiming(
          pingInterval: request.pingInterval, pongTimeout: request.pingInterval ?? .seconds(20)),
        at: elapsed, maskKey: { [loop] in loop.maskKeys.next() })
      handler(.opened(headers: headers))
      arm()
    case .refused(let status, _, let headers, let body):
      end(
        .refused(
          status: status, headers: headers, body: body)
      )
    }
  }

  // MARK: - The open connection

  private func perform(_ actions: [WebSocketConnectionState.Action]) {
    for action in actions {
      switch action {
      case .send(let bytes): connection?.send(bytes)
      case .deliver(.text(let text)): handler(.text(text.bytes))
      case .deliver(.binary(let bytes)): handler(.binary(bytes))
      case .closed(let closure): report(closure)
      case .disconnect: connection?.closeWhenDrained()
      }
    }
    arm()
  }

  private func report(_ closure: WebSocketClosure) {
    guard case .open = phase else { return }
    if let error = closure.error {
      end(
        .failed(NetworkFailure(.protocolViolation, "\(url.host) broke the WebSocket protocol: \(error)")),
        keep: true)
    } else if closure.code == .abnormal {
      let reason =
        closure.reason.isEmpty ? "the connection to \(url.host) was lost" : "\(url.host): \(closure.reason)"
      end(.failed(NetworkFailure(.connectionLost, reason)), keep: true)
    } else {
      let code = closure.code == .noStatus ? nil : closure.code.rawValue
      end(.closed(code: code, reason: closure.reason), keep: true)
    }
  }

  private func connectionEnded(_ error: NetworkFailure?) {
    timer?.cancel()
    switch phase {
    case .over: break
    case .connecting:
      end(
        .failed(
          error ?? NetworkFailure(.connectionLost, "\(url.host) closed the connection")))
    case .handshaking(var handshake):
      if let error {
        end(.failed(error))
      } else {
        do throws(WebSocketHandshakeError) {
          settle(try handshake.receiveEnd())
        } catch let problem {
          end(.failed(NetworkFailure(.connectionLost, "\(url.host) did not answer the upgrade: \(problem)")))
        }
      }
    case .open: perform(state?.receiveEnd(at: elapsed) ?? [])
    }
    connection = nil
  }

  // MARK: - The end

  private func fail(_ failure: NetworkFailure) {
    end(.failed(failure))
  }

  /// Tells the owner, once. `keep` leaves the byte connection to the closing handshake.
  private func end(_ event: FluxGraph.WebSocketEvent, keep: Bool = false) {
    if case .over = phase { return }
    phase = .over
    if !keep {
      timer?.cancel()
      connection?.close()
      connection = nil
    }
    handler(event)
  }

  // MARK: - Time

  private var delivery: WebSocketDelivery? {
    guard let connection else { return nil }
    let given = connection.givenBytes
    // With TLS a few bytes more are under way than were given.
    return WebSocketDelivery(given: given, delivered: given - min(given, UInt64(connection.undeliveredBytes)))
  }

  private var elapsed: Duration { began.duration(to: loop.now) }

  /// Sees to it that the state machine is called when it wants to be. A timer that fires too early does no harm; a new one for
  /// each message would cost more than the message.
  private func arm() {
    guard let deadline = state?.deadline, connection != nil else {
      timer?.cancel()
      timer = nil
      return
    }
    let time = began.advanced(by: deadline)
    if let timer, timer.deadline <= time { return }
    arm(at: time)
  }

  private func arm(at time: SuspendingClock.Instant) {
    timer?.cancel()
    timer = loop.schedule(at: time) { [self] in
      timer = nil
      switch phase {
      case .connecting, .handshaking:
        fail(
          NetworkFailure(
            .timedOut, "\(url.host) did not accept the connection within \(request.timeout.seconds) s"))
      case .open, .over: perform(state?.tick(at: elapsed, delivery: delivery) ?? [])
      }
    }
  }

  // MARK: - WebSocketConnection

  func send(binary bytes: UnsafeRawBufferPointer) {
    guard !bytes.isEmpty else { return }
    let payload = Span<UInt8>(_unsafeElements: bytes.assumingMemoryBound(to: UInt8.self))
    // Frames are put together in one place for all connections: sending allocates nothing once warm, and a connection at rest
    // holds nothing.
    loop.frame.removeAll(keepingCapacity: true)
    guard state?.append(.binary, payload: payload, to: &loop.frame) == true else { return }
    loop.frame.withUnsafeBytes { connection?.sendAtOnce($0) }
  }

  func send(text: String) {
    var frame: [UInt8] = []
    if state?.append(text: text, to: &frame) == true { connection?.send(frame) }
  }

  func close(code: UInt16?, reason: String) {
    perform(state?.close(code.map(WebSocketCloseCode.init), reason: reason, at: elapsed) ?? [])
  }

  func abort() {
    timer?.cancel()
    phase = .over
    connection?.close()
    connection = nil
  }

  var bufferedBytes: Int { connection?.bufferedBytes ?? 0 }

  var blockedSince: Instant? {
    guard let since = connection?.blockedSince else { return nil }
    return Instant.now().advanced(by: .zero - since.duration(to: loop.now))
  }
}

/// Who we are to servers.
private let userAgent = "fluxgraph/\(FluxGraphVersion.text)"
