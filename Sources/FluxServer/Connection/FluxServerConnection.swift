import FluxGraph
import FluxProtocol
import HTTPCore
import NetLoop

/// One client of the server: owns its socket's bytes, its session and its words, and decides nothing itself.
///
/// Unchecked: touched on the loop thread only.
final class FluxServerConnection: @unchecked Sendable {
  /// How long a client may take for its request.
  private static let requestLimit = Duration.seconds(10)
  /// How long a client may take for the last it is sent.
  private static let farewellLimit = Duration.seconds(5)
  /// Half a minute of raw audio at once, which is heard in a few milliseconds.
  private static let messageLimits = WebSocketLimits(maximumFrameSize: 1 << 20, maximumMessageSize: 1 << 20)
  /// Bytes a client may leave unread before it is let go; a turn's messages are a few kilobytes a second.
  private static let unreadLimit = 8 << 20

  private enum Phase {
    case request(HTTPHeadParser)
    case session(Session)
    case refused
    case done
  }

  private struct Session {
    var socket: WebSocketConnectionState
    var machine: any ServedSession
    var words: any WordStream
    /// For the report.
    var client: String
    var query: String
    /// Why it ends, once that is known.
    var reason: String?
  }

  private let server: FluxServer
  private let connection: ByteConnection
  private let requestID: String
  private let opened: SuspendingClock.Instant
  private var phase = Phase.request(HTTPHeadParser(limit: 32 << 10))
  private var timer: LoopTimer?
  private var farewell: LoopTimer?
  private var faults: FaultInjector?
  /// Until when a slow reader reads nothing.
  private var pausedUntil = Duration.zero

  init(server: FluxServer, connection: ByteConnection, requestID: String, faults: FaultInjector?) {
    self.server = server
    self.faults = faults
    self.connection = connection
    self.requestID = requestID
    opened = connection.loop.now
  }

  func handle(_ event: ConnectionEvent) {
    switch event {
    case .connected: arm()
    case .received(let bytes): receive(bytes)
    case .drained: break
    case .closed(let error): closed(error)
    }
  }

  /// Whether a client is served; what is not a session yet need not be waited for.
  var isSession: Bool { if case .session = phase { true } else { false } }

  /// The server stops.
  func goAway() {
    guard case .session(var session) = phase else { return connection.close() }
    session.reason = session.reason ?? "the server stopped"
    let actions = session.socket.close(.goingAway, at: now)
    phase = .session(session)
    perform(actions)
    arm()
  }

  /// The server does not wait any longer.
  func abort() {
    connection.abort()
  }

  private var now: Duration { connection.loop.now - opened }

  private func receive(_ bytes: UnsafeRawBufferPointer) {
    let bytes = [UInt8](bytes)
    var position = 0
    if case .request(var parser) = phase {
      do throws(HTTPError) {
        guard let head = try parser.next(bytes.span, from: &position) else {
          phase = .request(parser)
          return
        }
        let request = ListenRequest(
          try HTTPRequestHead(head), access: server.options.access, key: server.options.key,
          hasRoom: server.hasRoom, requestID: requestID)
        answer(spoiled(request))
      } catch {
        answer(.malformed(error, requestID: requestID))
      }
    }
    guard position < bytes.count, case .session(var session) = phase else { return }
    session.machine.noteSign(now: now)
    let actions = session.socket.receive(bytes.span.extracting(position..<bytes.count), at: now)
    phase = .session(session)
    if let pause = faults?.pause(after: bytes.count) { pausedUntil = max(now, pausedUntil) + pause }
    perform(actions)
    arm()
  }

  /// The answer to a request, after the faults have had their say.
  private func spoiled(_ request: ListenRequest) -> ListenRequest? {
    switch faults?.upgrade {
    case nil, .proceed: request
    case .neverAnswer: nil
    case .refuse(let status, let retryAfter):
      .fault(status: status, retryAfter: retryAfter, requestID: requestID)
    }
  }

  private func answer(_ request: ListenRequest?) {
    let client = connection.remoteAddress ?? "a client"
    switch request {
    case nil:
      server.options.report(.refused(client: client, status: 0, message: "not answered, as a fault"))
      phase = .refused
    case .refuse(let status, let message, let response):
      server.options.report(.refused(client: client, status: status, message: message))
      phase = .refused
      connection.send(response)
      part()
    case .accept(let parameters, let response):
      connection.send(response)
      server.sessions += 1
      server.works(self)
      let loop = connection.loop
      let words = server.words.open { [weak self] answer in
        loop.execute { [weak self] in self?.take(answer) }
      }
      var machine = makeSession(parameters)
      let actions = machine.start()
      // No pings: a client that is silent for too long is let go anyway.
      let timing = WebSocketTiming(pingInterval: nil)
      let socket = WebSocketConnectionState(
        role: .server, limits: Self.messageLimits, timing: timing, at: now)
      phase = .session(
        Session(
          socket: socket, machine: machine, words: words, client: client, query: parameters.query()))
      perform(actions)
      arm()
    }
  }

  private func makeSession(_ parameters: ListenParameters) -> any ServedSession {
    if let recording = server.options.replay {
      return ReplayMachine(recording, server.recordedAudio, parameters: parameters, now: now)
    }
    return ServedSessionMachine(
      parameters: parameters, requestID: requestID,
      judge: server.words.makeSpeechJudge() ?? SpeechDetector(),
      wordLimit: server.words.patience, now: now)
  }

  private func take(_ answer: WordAnswer) {
    guard case .session(var session) = phase else { return }
    let actions = session.machine.take(answer, now: now)
    phase = .session(session)
    perform(actions)
    arm()
  }

  private func tick() {
    timer = nil
    switch phase {
    case .request:
      phase = .refused
      connection.close()
    case .session(var session):
      let machineActions = session.machine.tick(now: now)
      let socketActions = session.socket.tick(at: now)
      phase = .session(session)
      perform(machineActions)
      perform(socketActions)
      performFaults()
    case .refused, .done:
      return
    }
    arm()
  }

  private func perform(_ actions: [WebSocketConnectionState.Action]) {
    for action in actions {
      switch action {
      case .send(let bytes): send(bytes)
      case .deliver(let message): deliver(message)
      case .closed(let closure):
        let how =
          closure.code == .abnormal ? "the connection was lost" : "the client closed with \(closure.code)"
        note(reason: closure.reason.isEmpty ? how : "\(how), \(closure.reason)")
      case .disconnect: part()
      }
    }
  }

  private func deliver(_ message: WebSocketConnectionState.Message) {
    guard case .session(var session) = phase else { return }
    let actions =
      switch message {
      case .text(let text): session.machine.receive(text: text.string, now: now)
      case .binary(let bytes): session.machine.receive(binary: bytes, now: now)
      }
    phase = .session(session)
    perform(actions)
  }

  private func perform(_ actions: [ServedSessionMachine.Action]) {
    for action in actions {
      guard case .session(var session) = phase else { return }
      switch action {
      case .send(let text) where faults != nil:
        faults?.send(text, now: now)
      case .send(let text):
        var bytes: [UInt8] = []
        if session.socket.append(text: text, to: &bytes) { send(bytes) }
      case .recognise(let block): session.words.hear(block)
      case .abandonSegment: session.words.abandonSegment()
      case .notice(let notice): server.tell(notice)
      case .close(let code, let reason):
        note(reason: reason)
        let code = code.map { WebSocketCloseCode(rawValue: UInt16(truncatingIfNeeded: $0)) }
        if faults == nil { close(code) } else { faults?.finish(code: code?.rawValue, now: now) }
      case .drop(let reason):
        note(reason: reason)
        part()
      }
    }
    performFaults()
  }

  private func close(_ code: WebSocketCloseCode?, reason: String = "") {
    guard case .session(var session) = phase else { return }
    let actions = session.socket.close(code, reason: reason, at: now)
    phase = .session(session)
    perform(actions)
  }

  /// Does what the faults have made of the messages so far, as far as it is due.
  private func performFaults() {
    while case .session(let session) = phase, let step = faults?.next(now: now) {
      guard session.socket.isOpen else { continue }
      switch step {
      case .write(let bytes): send(bytes)
      case .close(let code, let reason, let cause):
        if let cause { note(reason: "fault: \(cause)") }
        close(code.map { WebSocketCloseCode(rawValue: UInt16(truncatingIfNeeded: $0)) }, reason: reason)
      case .drop(let bytes, let cause):
        note(reason: "fault: \(cause)")
        send(bytes)
        part()
      }
    }
  }

  private func send(_ bytes: [UInt8]) {
    connection.send(bytes)
    guard connection.bufferedBytes > Self.unreadLimit else { return }
    note(reason: "the client did not read its messages")
    connection.abort()
  }

  /// Closes once the client has taken what was sent to it, or has had the time: one that reads nothing would keep its place.
  private func part() {
    connection.closeWhenDrained()
    guard farewell == nil else { return }
    farewell = connection.loop.schedule(after: Self.farewellLimit) { [connection] in connection.abort() }
  }

  private func note(reason: String) {
    guard case .session(var session) = phase, session.reason == nil else { return }
    session.reason = reason
    phase = .session(session)
  }

  /// Sets the timer for whatever is due first, and holds the client back or lets it go on.
  private func arm() {
    let due: Duration?
    switch phase {
    case .request: due = Self.requestLimit
    case .session(var session):
      let isPaused = pausedUntil > now
      // A client that is not read cannot be heard.
      if isPaused { session.machine.noteSign(now: now) }
      due = [
        session.socket.deadline, session.machine.deadline, faults?.deadline, isPaused ? pausedUntil : nil,
      ]
      .compactMap { $0 }.min()
      if session.machine.holdsBack() || isPaused {
        connection.pauseReading()
      } else {
        connection.resumeReading()
      }
      phase = .session(session)
    case .refused, .done: due = nil
    }
    guard let due else {
      timer?.cancel()
      timer = nil
      return
    }
    let deadline = opened.advanced(by: due)
    // A timer that comes early only looks again.
    if let timer, timer.deadline <= deadline { return }
    timer?.cancel()
    timer = connection.loop.schedule(at: deadline) { [weak self] in self?.tick() }
  }

  private func closed(_ error: NetworkFailure?) {
    timer?.cancel()
    timer = nil
    farewell?.cancel()
    if case .session(let session) = phase {
      session.words.close()
      server.sessions -= 1
      server.options.report(
        .ended(
          client: session.client, requestID: requestID, query: session.query,
          seconds: session.machine.seconds, turns: session.machine.endedTurns,
          reason: session.reason ?? error.map { "\($0)" } ?? "the client went away"))
    }
    phase = .done
    server.forget(self)
  }
}
