/// How a connection ended.
package struct WebSocketClosure: Equatable, Sendable {
  /// The peer's code; 1005 when its close frame had none, 1006 when there was no close frame; our own code
  /// when we closed because of the peer's error.
  package var code: WebSocketCloseCode
  package var reason = ""
  /// The peer's violation, when that is what ended the connection.
  package var error: WebSocketError?
}

/// When to ask whether the peer is alive, and how long to wait for what.
package struct WebSocketTiming: Equatable, Sendable {
  /// Time between pings; nil sends none.
  package var pingInterval: Duration?
  /// How long a pong may take.
  package var pongTimeout: Duration
  /// How long the peer may take to answer our close frame, and then to close the TCP stream.
  package var closeTimeout: Duration

  package init(
    pingInterval: Duration? = .seconds(20), pongTimeout: Duration = .seconds(20),
    closeTimeout: Duration = .seconds(5)
  ) {
    self.pingInterval = pingInterval
    self.pongTimeout = pongTimeout
    self.closeTimeout = closeTimeout
  }
}

/// How far what was given to the stream has come, in bytes.
package struct WebSocketDelivery: Equatable, Sendable {
  /// Given to the stream since its beginning.
  package var given: UInt64
  /// Of these, acknowledged by the other end's machine.
  package var delivered: UInt64

  package init(given: UInt64, delivered: UInt64) {
    self.given = given
    self.delivered = delivered
  }
}

/// An open WebSocket connection as a value, from the end of the handshake to the end of the TCP stream.
///
/// It decides; the code that owns the socket performs. Time comes with every call, as the time since any fixed moment. The owner
/// calls `receive` for bytes, `receiveEnd` when the stream ends, `tick` at `deadline`, and performs the actions in order.
///
/// A peer is dead when nothing moves: a pong that stays out means nothing while bytes arrive, or while the ping still stands behind
/// bytes that the peer's machine goes on acknowledging, as on a link that takes less than is sent.
package struct WebSocketConnectionState: Sendable {
  package enum Action: Equatable, Sendable {
    /// Write these bytes.
    case send([UInt8])
    /// A message for the user.
    case deliver(Message)
    /// The connection is over for the user, reported exactly once. Nothing is delivered afterwards.
    case closed(WebSocketClosure)
    /// Close the TCP stream once everything sent has been flushed. The last action.
    case disconnect
  }

  package enum Message: Equatable, Sendable {
    case text(WebSocketText)
    case binary([UInt8])
  }

  private enum Phase: Equatable, Sendable {
    case open
    /// Our close frame is out, the peer's is not in. Messages still arrive.
    case closing(deadline: Duration)
    /// Both frames exchanged; a client leaves closing the stream to the server (§7.1.1).
    case draining(deadline: Duration)
    case done
  }

  private enum Liveness: Equatable, Sendable {
    case idle(nextPing: Duration)
    case awaitingPong(PongWait)
  }

  private struct PongWait: Equatable, Sendable {
    let payload: [UInt8]
    var deadline: Duration
    /// Where in the stream the ping ends, while it may stand behind other bytes; nil once it has been delivered.
    var end: UInt64?
    /// How far the stream had come when last looked at.
    var delivered: UInt64
    /// Whether bytes have arrived since then.
    var hasReceived = false

    /// Whether something has moved since the last look, which then begins anew.
    mutating func moves(_ delivery: WebSocketDelivery?) -> Bool {
      var hasMoved = hasReceived
      hasReceived = false
      if let end, let delivery {
        // Once the ping is there, its answer has the usual time.
        if delivery.delivered >= end { self.end = nil }
        hasMoved = hasMoved || delivery.delivered > delivered
        delivered = max(delivered, delivery.delivered)
      }
      return hasMoved
    }
  }

  package let role: WebSocketRole
  private let timing: WebSocketTiming
  private let nextMaskKey: @Sendable () -> UInt32
  private var decoder: WebSocketFrameDecoder
  private var phase = Phase.open
  private var liveness: Liveness?
  private var pingCount: UInt64 = 0

  /// - Parameter maskKey: unpredictable numbers for a client's masks (§10.3); not asked by a server.
  package init(
    role: WebSocketRole, limits: WebSocketLimits = WebSocketLimits(),
    timing: WebSocketTiming = WebSocketTiming(), at now: Duration,
    maskKey: @escaping @Sendable () -> UInt32 = { UInt32.random(in: .min ... .max) }
  ) {
    self.role = role
    self.timing = timing
    nextMaskKey = maskKey
    decoder = WebSocketFrameDecoder(role: role, limits: limits)
    liveness = timing.pingInterval.map { .idle(nextPing: now + $0) }
  }

  /// Whether messages may be sent: the close handshake has not begun.
  package var isOpen: Bool { phase == .open }

  /// When to call `tick` next.
  package var deadline: Duration? {
    switch (phase, liveness) {
    case (.done, _): nil
    case (.closing(let deadline), _), (.draining(let deadline), _): deadline
    case (.open, .idle(let nextPing)): nextPing
    case (.open, .awaitingPong(let wait)): wait.deadline
    case (.open, nil): nil
    }
  }

  /// Appends a message's frame to `buffer`; false, and nothing appended, once the connection is closing.
  package mutating func append(
    _ opcode: WebSocketOpcode, payload: Span<UInt8>, to buffer: inout [UInt8]
  ) -> Bool {
    guard phase == .open else { return false }
    WebSocketFrameEncoder.append(opcode, payload: payload, maskKey: maskKey(), to: &buffer)
    return true
  }

  /// Appends a text message, as `append(_:payload:to:)`.
  package mutating func append(text: String, to buffer: inout [UInt8]) -> Bool {
    append(.text, payload: Array(text.utf8).span, to: &buffer)
  }

  /// Bytes arrived.
  package mutating func receive(_ bytes: Span<UInt8>, at now: Duration) -> [Action] {
    guard phase != .done else { return [] }
    if case .awaitingPong(var wait) = liveness, !wait.hasReceived {
      wait.hasReceived = true
      liveness = .awaitingPong(wait)
    }
    var actions: [Action] = []
    var position = 0
    do throws(WebSocketError) {
      while let event = try decoder.next(bytes, from: &position) { handle(event, now, &actions) }
    } catch {
      fail(error, &actions)
    }
    return actions
  }

  /// The peer ended the TCP stream, or it broke.
  package mutating func receiveEnd(at now: Duration) -> [Action] {
    switch phase {
    case .done: []
    case .draining: finish()
    case .open, .closing: finish(WebSocketClosure(code: .abnormal))
    }
  }

  /// Begins the close handshake. Without a code the peer sees 1005.
  package mutating func close(
    _ code: WebSocketCloseCode? = .normal, reason: String = "", at now: Duration
  ) -> [Action] {
    guard phase == .open else { return [] }
    phase = .closing(deadline: now + timing.closeTimeout)
    return [.send(closeFrame(code, reason))]
  }

  /// Time passed.
  /// - Parameter delivery: how far the stream has come, where that is known.
  package mutating func tick(at now: Duration, delivery: WebSocketDelivery? = nil) -> [Action] {
    guard let deadline, now >= deadline else { return [] }
    switch phase {
    case .done: return []
    case .draining: return finish()
    case .closing:
      return finish(
        WebSocketClosure(code: .abnormal, reason: "the peer did not answer the close frame"))
    case .open: return checkLiveness(now, delivery)
    }
  }

  private mutating func checkLiveness(_ now: Duration, _ delivery: WebSocketDelivery?) -> [Action] {
    if case .awaitingPong(var wait) = liveness, wait.moves(delivery) {
      wait.deadline = now + timing.pongTimeout
      liveness = .awaitingPong(wait)
      return []
    }
    guard case .idle = liveness else {
      return finish(
        WebSocketClosure(code: .abnormal, reason: "the peer did not answer a ping"))
    }
    pingCount += 1
    let payload = Array(String(pingCount).utf8)
    let ping = frame(.ping, payload)
    let isBehind = delivery.map { $0.delivered < $0.given } ?? false
    liveness = .awaitingPong(
      PongWait(
        payload: payload, deadline: now + timing.pongTimeout,
        end: isBehind ? delivery.map { $0.given + UInt64(ping.count) } : nil,
        delivered: delivery?.delivered ?? 0))
    return [.send(ping)]
  }

  private mutating func handle(_ event: WebSocketMessage, _ now: Duration, _ actions: inout [Action]) {
    switch event {
    case .text(let text): if isReceiving { actions.append(.deliver(.text(text))) }
    case .binary(let bytes): if isReceiving { actions.append(.deliver(.binary(bytes))) }
    case .ping(let payload): if phase == .open { actions.append(.send(frame(.pong, payload))) }
    case .pong(let payload):
      // An unsolicited pong is allowed and means nothing (§5.5.3).
      if case .awaitingPong(let wait) = liveness, wait.payload == payload {
        liveness = timing.pingInterval.map { .idle(nextPing: now + $0) }
      }
    case .close(let code, let reason): receiveClose(code, reason, now, &actions)
    }
  }

  private var isReceiving: Bool {
    switch phase {
    case .open, .closing: true
    case .draining, .done: false
    }
  }

  private mutating func receiveClose(
    _ code: WebSocketCloseCode?, _ reason: String, _ now: Duration, _ actions: inout [Action]
  ) {
    guard isReceiving else { return }
    if phase == .open { actions.append(.send(closeFrame(code, ""))) }
    actions.append(.closed(WebSocketClosure(code: code ?? .noStatus, reason: reason)))
    if role == .server {
      actions.append(.disconnect)
      phase = .done
    } else {
      phase = .draining(deadline: now + timing.closeTimeout)
    }
  }

  private mutating func fail(_ error: WebSocketError, _ actions: inout [Action]) {
    if phase == .open { actions.append(.send(closeFrame(error.closeCode, error.description))) }
    actions += finish(
      WebSocketClosure(code: error.closeCode, reason: error.description, error: error))
  }

  /// `closure` is nil when the user already knows.
  private mutating func finish(_ closure: WebSocketClosure? = nil) -> [Action] {
    phase = .done
    return (closure.map { [.closed($0)] } ?? []) + [.disconnect]
  }

  private func maskKey() -> UInt32? { role == .client ? nextMaskKey() : nil }

  private func frame(_ opcode: WebSocketOpcode, _ payload: [UInt8]) -> [UInt8] {
    var bytes: [UInt8] = []
    WebSocketFrameEncoder.append(opcode, payload: payload.span, maskKey: maskKey(), to: &bytes)
    return bytes
  }

  private func closeFrame(_ code: WebSocketCloseCode?, _ reason: String) -> [UInt8] {
    var bytes: [UInt8] = []
    WebSocketFrameEncoder.appendClose(code, reason: reason, maskKey: maskKey(), to: &bytes)
    return bytes
  }
}
