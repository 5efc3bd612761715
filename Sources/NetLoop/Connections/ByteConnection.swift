import CCurl
package import FluxGraph
import Glibc

/// What happens to a connection. Delivered on the loop thread.
package enum ConnectionEvent {
  /// The connection is there; the first event, not given if it never comes about. Send the first bytes from within
  /// this event: libcurl may close a connection nobody has used while others begin.
  case connected
  /// Bytes arrived; valid during the call only.
  case received(UnsafeRawBufferPointer)
  /// All bytes given to ``ByteConnection/send(_:)-(UnsafeRawBufferPointer)`` went to the kernel.
  case drained
  /// The connection ended, with nil when the peer or we closed it in order. Exactly once, always the last event.
  case closed(NetworkFailure?)
}

package typealias ConnectionHandler = @Sendable (ByteConnection, ConnectionEvent) -> Void

/// A stream of bytes in both directions: an outgoing connection made by ``EventLoop/connect(_:handler:)``, plain or
/// TLS, or a plain one accepted by a ``Listener``.
///
/// Loop thread only, which every operation checks; that makes it `Sendable`. It sends what was queued in a turn of
/// the loop at the turn's end, as one write where it fits. It does not limit what is queued: the caller looks at
/// ``bufferedBytes`` and ``blockedSince``.
package final class ByteConnection: @unchecked Sendable {
  enum State { case waiting, connecting, open, lingering, closed }

  /// Reads of 64 KiB before other connections get their turn.
  private static let readsPerTurn = 4
  /// Bytes the kernel holds of an outgoing connection beyond what is on the way. Its own limit is 4 MiB, two minutes of audio, which
  /// would wait there on a slow link while we believe it sent.
  private static let unsentLimit: Int32 = 16 << 10
  /// How long a connection that we ended waits for the peer to have read everything.
  private static let lingerTime = Duration.seconds(2)

  package let loop: EventLoop
  let request: ConnectRequest?
  private(set) var state: State
  // Accesses to these two are not checked: one thread has them, and they call nobody back.
  @exclusivity(unchecked) private var transport: Transport
  @exclusivity(unchecked) private var outgoing = OutgoingBuffer()
  private var handler: ConnectionHandler?
  private var isQueuedToSend = false
  private var isQueuedToRead = false
  private var closesWhenDrained = false
  private var closeReason: NetworkFailure?
  /// Of the wait for a turn to connect, or of the lingering.
  private var timer: LoopTimer?
  private var connectDeadline: SuspendingClock.Instant?
  private var route: ConnectionRoute?

  /// All bytes ever given to `send`.
  package private(set) var givenBytes: UInt64 = 0
  /// Since when the kernel has taken nothing although bytes wait for it.
  private var refusedSince: SuspendingClock.Instant?
  /// When the peer's machine was last seen to acknowledge something since then, and what it had not.
  private var acknowledged: (at: SuspendingClock.Instant, left: Int)?
  /// Whether ``pauseReading()`` is in force.
  package private(set) var isReadingPaused = false

  /// An outgoing connection that waits for its turn.
  init(loop: EventLoop, request: ConnectRequest, handler: @escaping ConnectionHandler) {
    self.loop = loop
    self.request = request
    self.handler = handler
    state = .waiting
    transport = .none
  }

  /// An accepted connection.
  init(loop: EventLoop, descriptor: Int32) {
    self.loop = loop
    request = nil
    state = .connecting
    transport = .socket(descriptor)
  }

  // MARK: - Operations

  /// Bytes given to `send` that the kernel has not taken.
  package var bufferedBytes: Int {
    loop.preconditionOnLoop()
    return outgoing.count
  }

  /// Since when the peer has accepted nothing although bytes wait for it; nil when none wait or they move. On a slow link the kernel
  /// takes nothing for long while it sends what it holds: what the peer's machine acknowledges meanwhile has moved, as far as it is
  /// looked at.
  package var blockedSince: SuspendingClock.Instant? {
    loop.preconditionOnLoop()
    guard let refusedSince else {
      acknowledged = nil
      return nil
    }
    let left = transport.unacknowledgedBytes
    let last = acknowledged ?? (refusedSince, left)
    let moved = left < last.left ? loop.now : max(last.at, refusedSince)
    acknowledged = (moved, left)
    return moved
  }

  /// Bytes given to `send` that the peer's machine has not acknowledged: those that wait here, in the kernel and on the way.
  package var undeliveredBytes: Int {
    loop.preconditionOnLoop()
    return outgoing.count + transport.unacknowledgedBytes
  }

  /// Whether bytes may be sent.
  package var isOpen: Bool { state == .open && !closesWhenDrained }

  /// Address and port of the other end ("127.0.0.1:40312"), the proxy's if there is one; nil when not connected or not over IP.
  package var remoteAddress: String? {
    loop.preconditionOnLoop()
    return transport.descriptor.flatMap(SocketAddress.remote)?.description
  }

  /// Queues a copy of the bytes. Ignored when the connection is not open: its end is told by an event.
  package func send(_ bytes: UnsafeRawBufferPointer) {
    loop.preconditionOnLoop()
    guard isOpen, !bytes.isEmpty else { return }
    givenBytes &+= UInt64(bytes.count)
    queue(bytes)
  }

  /// Sends the bytes at once as far as the kernel takes them, and queues a copy of the rest. Only what was queued is
  /// followed by `drained`. Ignored when the connection is not open.
  package func sendAtOnce(_ bytes: UnsafeRawBufferPointer) {
    loop.preconditionOnLoop()
    // TLS wants to be offered the same bytes again, from the same place.
    guard isOpen, outgoing.count == 0, case .socket = transport else { return send(bytes) }
    givenBytes &+= UInt64(bytes.count)
    switch transport.send(bytes) {
    case .moved(bytes.count): break
    case .moved(let count): queue(UnsafeRawBufferPointer(rebasing: bytes[count...]))
    case .wouldBlock: queue(bytes)
    case .ended: end(NetworkFailure(.connectionLost, "The connection to \(peer) was lost."))
    case .failed(let failure): end(failure.named(peer))
    }
  }

  /// Queues a copy of the bytes. Ignored when the connection is not open.
  package func send(_ bytes: Span<UInt8>) {
    bytes.withUnsafeBytes { send($0) }
  }

  /// Queues a copy of the bytes. Ignored when the connection is not open.
  package func send(_ bytes: [UInt8]) {
    bytes.withUnsafeBytes { send($0) }
  }

  /// Stops reading, so that the peer has to wait. It also hides that the peer went away, until bytes are sent.
  package func pauseReading() {
    loop.preconditionOnLoop()
    guard !isReadingPaused else { return }
    isReadingPaused = true
    updateInterest()
  }

  package func resumeReading() {
    loop.preconditionOnLoop()
    guard isReadingPaused else { return }
    isReadingPaused = false
    updateInterest()
    // TLS may hold bytes that epoll does not announce.
    queueToRead()
  }

  /// Closes at once; bytes still queued get one attempt, the rest is dropped. `closed(nil)` follows later in the
  /// turn, nothing else. Harmless when repeated.
  package func close() {
    loop.preconditionOnLoop()
    if state == .open && outgoing.count > 0 && refusedSince == nil { _ = offerQueued() }
    end(nil)
  }

  /// Closes when everything queued has been sent, and on an accepted connection read by the peer or two seconds
  /// later. Takes no more bytes; delivers only what `close` delivers. A peer that reads nothing is the caller's to
  /// limit in time, see ``blockedSince``.
  package func closeWhenDrained() {
    loop.preconditionOnLoop()
    guard state == .open else { return end(nil) }
    closesWhenDrained = true
    queueToSend()
  }

  /// Closes so that the peer sees a reset; what is queued is dropped.
  package func abort() {
    loop.preconditionOnLoop()
    if let descriptor = transport.descriptor, state == .open || state == .lingering {
      var option = linger(l_onoff: 1, l_linger: 0)
      setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
    }
    end(nil)
  }

  // MARK: - Beginning

  /// Joins the connects that wait for their turn; the time-out of the request starts here.
  func waitForTurn() {
    guard state == .waiting, let request else { return }
    guard request.isValid else {
      return end(NetworkFailure(.badRequest, "\(request.host) cannot be the name of a host."))
    }
    let deadline = loop.now.advanced(by: request.timeout)
    connectDeadline = deadline
    loop.agenda.own(self)
    loop.agenda.waitingConnects[ObjectIdentifier(self)] = self
    loop.agenda.connects.enqueue(ObjectIdentifier(self), host: request.peer)
    timer = loop.schedule(at: deadline) {
      self.end(
        NetworkFailure(
          .timedOut, "\(request.peer) did not answer other connections in time; this one never began.")
      )
    }
  }

  func beginConnect() {
    guard state == .waiting, let request, let connectDeadline else { return }
    timer?.cancel()
    timer = nil
    state = .connecting
    let route: ConnectionRoute
    do throws(NetworkFailure) {
      route = try request.route(loop)
    } catch {
      return end(error)
    }
    self.route = route
    guard let easy = request.makeHandle(route, loop: loop, timeout: connectDeadline - loop.now) else {
      return end(.system(ENOMEM, while: "connecting to \(request.peer)"))
    }
    transport = .curl(easy, descriptor: nil)
    if !loop.curl.add(easy, owner: self) { end(.system(ENOMEM, while: "connecting to \(request.peer)")) }
  }

  /// Begins the life of an accepted connection.
  func accepted(handler: @escaping ConnectionHandler) {
    self.handler = handler
    loop.agenda.own(self)
    // The accepting code may have closed it already.
    if state == .connecting { opened() }
  }

  private func opened() {
    state = .open
    handler?(self, .connected)
    // The first send pins the connection in libcurl, so it cannot wait for the turn's end.
    if state == .open { sendQueued() }
    guard state == .open else { return }
    updateInterest()
    receive()
  }

  // MARK: - Sending

  private func queue(_ bytes: UnsafeRawBufferPointer) {
    outgoing.append(bytes, from: loop.chunks)
    queueToSend()
  }

  private func queueToSend() {
    guard !isQueuedToSend, refusedSince == nil || closesWhenDrained else { return }
    isQueuedToSend = true
    loop.agenda.senders.append(self)
  }

  func sendQueued() {
    isQueuedToSend = false
    guard state == .open, refusedSince == nil || outgoing.count == 0 else { return }
    sendNow()
  }

  private func sendNow() {
    let wasEmpty = outgoing.count == 0
    if let error = offerQueued() { return finish(error) }
    updateInterest()
    guard outgoing.count == 0 else { return }
    if !wasEmpty && !closesWhenDrained { handler?(self, .drained) }
    if closesWhenDrained && state == .open && outgoing.count == 0 { waitForPeerToRead() }
  }

  /// Offers the queue to the kernel until it refuses.
  private func offerQueued() -> NetworkFailure? {
    var isMoving = false
    while let front = outgoing.front {
      switch transport.send(front) {
      case .moved(let count):
        outgoing.consume(count, pool: loop.chunks)
        isMoving = true
      case .wouldBlock:
        outgoing.freezeFront()
        if isMoving || refusedSince == nil { refusedSince = loop.now }
        return nil
      case .ended:
        return NetworkFailure(.connectionLost, "The connection to \(peer) was lost.")
      case .failed(let error):
        return error.named(peer)
      }
    }
    refusedSince = nil
    return nil
  }

  /// Tells the peer that nothing more comes and waits until it closes. Closing with unread input would make the
  /// kernel send a reset, which can destroy what the peer has not read (RFC 9112 §9.6).
  private func waitForPeerToRead() {
    guard request == nil, transport.finishSending() else { return end(nil) }
    state = .lingering
    isReadingPaused = false
    updateInterest()
    timer = loop.schedule(after: Self.lingerTime) { self.end(nil) }
    queueToRead()
  }

  // MARK: - Receiving

  private func queueToRead() {
    guard !isQueuedToRead, state == .open || state == .lingering else { return }
    isQueuedToRead = true
    loop.agenda.readers.append(self)
  }

  func continueReading() {
    isQueuedToRead = false
    receive()
  }

  private func receive() {
    guard !isQueuedToRead else { return }
    for _ in 0..<Self.readsPerTurn {
      guard state == .open || state == .lingering, !isReadingPaused else { return }
      switch transport.receive(into: loop.receiveBuffer) {
      case .moved(let count):
        if state == .open && !closesWhenDrained {
          handler?(self, .received(UnsafeRawBufferPointer(rebasing: loop.receiveBuffer[..<count])))
        }
        if count < loop.receiveBuffer.count && transport.announcesAllInput { return }
      case .wouldBlock: return
      case .ended: return finish(nil)
      case .failed(let error): return finish(error.named(peer))
      }
    }
    if !isReadingPaused { queueToRead() }
  }

  private func updateInterest() {
    guard state == .open || state == .lingering, let descriptor = transport.descriptor else { return }
    var interest: Readiness = []
    if !isReadingPaused { interest.insert(.readable) }
    if refusedSince != nil { interest.insert(.writable) }
    // With nothing asked for, epoll would still report a hang-up, in every turn.
    guard !interest.isEmpty else { return loop.poller.forget(descriptor, handler: self) }
    let status = loop.poller.watch(descriptor, for: interest, handler: self)
    if status != 0 { end(.system(status, while: "watching the connection to \(peer)")) }
  }

  // MARK: - Ending

  private var peer: String { request?.peer ?? "the client" }

  /// Ends and tells so at once; only from the loop itself, not within an operation of the caller's.
  private func finish(_ error: NetworkFailure?) {
    guard release(state == .lingering ? nil : error) else { return }
    tellClosed()
  }

  /// Ends, and tells so at the turn's end.
  private func end(_ error: NetworkFailure?) {
    guard release(error) else { return }
    loop.agenda.closed.append(self)
  }

  /// Gives everything back; false when that has been done before.
  private func release(_ error: NetworkFailure?) -> Bool {
    guard state != .closed else { return false }
    let previous = state
    state = .closed
    closeReason = error
    refusedSince = nil
    timer?.cancel()
    timer = nil
    if let request {
      if previous == .waiting {
        loop.agenda.waitingConnects[ObjectIdentifier(self)] = nil
        loop.agenda.connects.withdraw(ObjectIdentifier(self), host: request.peer)
      } else if previous == .connecting {
        loop.agenda.connects.finish(host: request.peer)
      }
    }
    if let descriptor = transport.descriptor { loop.poller.forget(descriptor, handler: self) }
    transport.close(curl: loop.curl)
    outgoing.removeAll(pool: loop.chunks)
    return true
  }

  func tellClosed() {
    // Cleared first: the handler often holds its connection.
    let handler = self.handler
    self.handler = nil
    loop.agenda.disown(self)
    handler?(self, .closed(closeReason))
  }
}

extension ByteConnection: DescriptorHandler {
  func descriptorReady(_ descriptor: Int32, _ readiness: Readiness) {
    if refusedSince != nil && (readiness.contains(.writable) || readiness.isFailed) && state == .open {
      sendNow()
    }
    // A hang-up with reading paused is noticed by the send above.
    if readiness.contains(.readable) || readiness.isFailed { receive() }
  }
}

extension ByteConnection: CurlOwner {
  func transferFinished(_ code: CURLcode) {
    guard state == .connecting, case .curl(let easy, _) = transport, let request, let route else { return }
    guard code == CURLE_OK, let descriptor = easy.activeSocket else {
      return finish(NetworkFailure(code, of: easy, by: route))
    }
    self.route = nil
    transport = .curl(easy, descriptor: descriptor)
    // A plain connection needs libcurl no more, which keeps 10 KiB for each and looks it up for every send.
    if !request.isSecure, easy.long(CURLINFO_HTTP_CONNECTCODE) == 0 {
      transport.becomeSocket(curl: loop.curl)
    }
    transport.limitUnsent(Self.unsentLimit)
    loop.agenda.connects.finish(host: request.peer)
    opened()
  }
}

extension ByteConnection: LoopOwned {
  func loopStops() {
    end(.stopped)
  }
}
