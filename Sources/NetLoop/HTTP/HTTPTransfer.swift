import CCurl
package import FluxGraph
import Glibc

/// What happens to a transfer. Delivered on the loop thread.
package enum HTTPEvent {
  /// The head of the final response; not given if it never comes about.
  case response(HTTPResponseHead)
  /// A piece of the body; valid during the call only.
  case body(UnsafeRawBufferPointer)
  /// The end, with nil when the response is complete, whatever its status. Exactly once, always the last event.
  case finished(NetworkFailure?)
}

package typealias HTTPHandler = @Sendable (HTTPTransfer, HTTPEvent) -> Void

/// One HTTP request and its response; made by ``EventLoop/transfer(_:handler:)``.
///
/// `Sendable`: the operations go to the loop thread, where everything that changes is touched.
package final class HTTPTransfer: @unchecked Sendable {
  private enum State { case new, waiting, running, finished }

  /// Bytes libcurl may hand over before they are delivered; it pauses the transfer beyond.
  private static let incomingLimit = 131_072

  fileprivate let loop: EventLoop
  /// What is asked for now: redirects change it.
  private var request: HTTPRequest
  private let redirectLimit: Int
  private var route: ConnectionRoute?
  private var deadline: SuspendingClock.Instant?
  /// libcurl's own limit goes on while the process is stopped, and would not read the answer that came meanwhile.
  private var timer: LoopTimer?
  /// Whether the response leads elsewhere, and its body is of no interest.
  private var isRedirecting = false
  private var handler: HTTPHandler?
  private var state = State.new
  private var easy: CurlEasy?
  private var parser = HTTPResponseHeadParser()
  private var isHeadDelivered = false
  private var hasHead = false
  private var incoming: [UInt8] = []
  private var bodySize = 0
  private var isPaused = false
  private var isPausedInCurl = false
  private var isQueued = false
  private var isCancelledEarly = false
  /// Why one of our callbacks stopped libcurl.
  private var abortReason: NetworkFailure?
  /// How libcurl ended, kept until everything before it is delivered.
  private var outcome: Result<Void, NetworkFailure>?

  init(loop: EventLoop, request: HTTPRequest, handler: @escaping HTTPHandler) {
    self.loop = loop
    self.request = request
    redirectLimit = request.maximumRedirects
    self.handler = handler
  }

  // MARK: - Operations

  /// Delivers nothing until ``resume()``; the server has to wait. The time-out goes on. Any thread.
  package func pause() {
    onLoop { $0.isPaused = true }
  }

  /// Goes on after ``pause()``. Any thread.
  package func resume() {
    onLoop {
      $0.isPaused = false
      $0.queueDelivery()
    }
  }

  /// Ends the transfer with ``NetworkFailure/Code/cancelled`` unless it has finished. Any thread.
  package func cancel() {
    onLoop { transfer in
      // One that is still on its way to the loop ends when it arrives: nobody may be ready to hear of it before.
      if transfer.state == .new {
        transfer.isCancelledEarly = true
      } else {
        transfer.finishLater(.cancelled)
      }
    }
  }

  private func onLoop(_ body: @escaping @Sendable (HTTPTransfer) -> Void) {
    if loop.isOnLoop { body(self) } else { loop.execute { body(self) } }
  }

  // MARK: - Course

  /// Joins the transfers that wait for their turn.
  func waitForTurn() {
    guard state == .new else { return }
    loop.agenda.own(self)
    if isCancelledEarly { return finishLater(.cancelled) }
    if let flaw = request.flaw { return finishLater(NetworkFailure(.badRequest, flaw)) }
    state = .waiting
    loop.agenda.transfers.append(self)
  }

  func begin() {
    guard state == .waiting else { return }
    state = .running
    let route: ConnectionRoute
    do throws(NetworkFailure) {
      route = try request.route(loop)
    } catch {
      return finishLater(error)
    }
    self.route = route
    guard let easy = request.makeHandle(route) else {
      return finishLater(.system(ENOMEM, while: "asking \(peer)"))
    }
    self.easy = easy
    if let timeout = request.timeout {
      let deadline = self.deadline ?? loop.now.advanced(by: timeout)
      self.deadline = deadline
      timer = loop.schedule(at: deadline) { [weak self] in
        guard let self, state == .running, outcome == nil, let easy = self.easy else { return }
        finishLater(NetworkFailure(CURLE_OPERATION_TIMEDOUT, of: easy, by: route))
      }
    }
    let me = Unmanaged.passUnretained(self).toOpaque()
    easy.set(CURLOPT_WRITEDATA, pointer: me)
    _ = CCurl_setopt_write_callback(easy.handle, CURLOPT_WRITEFUNCTION) { bytes, size, count, context in
      guard let context else { return 0 }
      let me = Unmanaged<HTTPTransfer>.fromOpaque(context).takeUnretainedValue()
      return me.takeBody(UnsafeRawBufferPointer(start: bytes, count: size * count))
    }
    easy.set(CURLOPT_HEADERDATA, pointer: me)
    _ = CCurl_setopt_write_callback(easy.handle, CURLOPT_HEADERFUNCTION) { bytes, size, count, context in
      guard let context else { return 0 }
      let me = Unmanaged<HTTPTransfer>.fromOpaque(context).takeUnretainedValue()
      return me.takeHeader(UnsafeRawBufferPointer(start: bytes, count: size * count))
    }
    if !loop.curl.add(easy, owner: self) { finishLater(.system(ENOMEM, while: "asking \(peer)")) }
  }

  private var peer: String { request.peer ?? "the server" }

  // MARK: - Within libcurl's callbacks

  // Neither may call libcurl or the handler, who might; they keep what came and put the delivery on the agenda.

  private func takeHeader(_ line: UnsafeRawBufferPointer) -> Int {
    switch parser.add(line) {
    case .more: break
    case .tooLarge:
      abortReason = NetworkFailure(
        .bodyTooLarge, "The headers of the answer of \(peer) are larger than allowed.")
      return 0
    case .complete:
      let head = parser.head
      // It cannot be the server's: a proxy was handed the request.
      if head.status == 407, let route, let proxy = route.proxy, !route.isTunnelled {
        abortReason = NetworkFailure(refused: head.status, by: route, proxy)
        return 0
      }
      isRedirecting = redirectLimit > 0 && head.isRedirect && head.headers["Location"] != nil
      if head.status >= 200 && !isRedirecting { hasHead = true }
      if hasHead { queueDelivery() }
    }
    return line.count
  }

  private func takeBody(_ bytes: UnsafeRawBufferPointer) -> Int {
    // Stops libcurl: the place it leads to is asked next.
    if isRedirecting { return 0 }
    if isPaused || incoming.count >= Self.incomingLimit {
      isPausedInCurl = true
      return Int(CURL_WRITEFUNC_PAUSE)
    }
    guard bytes.count <= request.maximumBodySize - bodySize else {
      abortReason = NetworkFailure(
        .bodyTooLarge,
        "The answer of \(peer) is larger than the \(request.maximumBodySize) bytes allowed.")
      return 0
    }
    bodySize += bytes.count
    hasHead = true
    incoming.append(contentsOf: bytes)
    queueDelivery()
    return bytes.count
  }

  // MARK: - Delivery

  private func queueDelivery() {
    guard !isQueued, state != .new else { return }
    isQueued = true
    loop.agenda.deliveries.append(self)
  }

  func deliver() {
    isQueued = false
    if hasHead && !isHeadDelivered && !isPaused {
      isHeadDelivered = true
      handler?(self, .response(parser.head))
    }
    if !incoming.isEmpty && !isPaused && state != .finished {
      let bytes = incoming.takeAll()
      bytes.withUnsafeBytes { handler?(self, .body($0)) }
    }
    // The handler may have paused or cancelled in either call.
    guard incoming.isEmpty, !isPaused || state == .finished else { return }
    if let outcome {
      finish(outcome)
    } else if isPausedInCurl, let easy {
      isPausedInCurl = false
      // Hands over at once what libcurl has kept; if that is refused, it says so here and nowhere else.
      let code = curl_easy_pause(easy.handle, CURLPAUSE_CONT)
      if code != CURLE_OK { transferFinished(code) }
    }
  }

  private func finish(_ outcome: Result<Void, NetworkFailure>) {
    guard let handler else { return }
    self.handler = nil
    release()
    loop.agenda.disown(self)
    switch outcome {
    case .success: handler(self, .finished(nil))
    case .failure(let error): handler(self, .finished(error))
    }
  }

  /// Ends now, drops what is not delivered, and tells so in the turn's end.
  private func finishLater(_ error: NetworkFailure) {
    guard state != .finished else { return }
    release()
    incoming = []
    isHeadDelivered = true
    outcome = .failure(error)
    queueDelivery()
  }

  private func release() {
    if state == .waiting { loop.agenda.transfers.removeAll { $0 === self } }
    state = .finished
    timer?.cancel()
    timer = nil
    guard let easy else { return }
    self.easy = nil
    loop.curl.remove(easy)
  }
}

extension HTTPTransfer: CurlOwner {
  func transferFinished(_ code: CURLcode) {
    guard state == .running, outcome == nil, let easy, let route else { return }
    if isRedirecting {
      follow()
    } else if code == CURLE_OK, !parser.isComplete {
      // libcurl takes what came of a head for all of it.
      outcome = .failure(
        NetworkFailure(.connectionLost, "\(peer) closed the connection before its answer was complete."))
    } else if code == CURLE_OK {
      // Also of a redirect without a place to go to, and of a response without a body.
      hasHead = true
      outcome = .success(())
    } else {
      outcome = .failure(abortReason ?? NetworkFailure(code, of: easy, by: route))
    }
    queueDelivery()
  }

  private func follow() {
    do throws(NetworkFailure) {
      guard let next = try request.redirected(by: parser.head) else {
        throw NetworkFailure(
          .tooManyRedirects, "\(peer) redirects the request once more, after \(redirectLimit) redirects.")
      }
      release()
      isRedirecting = false
      parser = HTTPResponseHeadParser()
      request = next
      state = .waiting
      loop.agenda.transfers.append(self)
    } catch {
      outcome = .failure(error)
    }
  }
}

extension HTTPTransfer: LoopOwned {
  func loopStops() {
    finishLater(.stopped)
  }
}

extension EventLoop {
  /// Makes a request and hands the response over in pieces. One transfer begins in a turn of the loop. Any thread.
  ///
  /// When the loop has stopped the handler hears so at once, on the calling thread.
  @discardableResult
  package func transfer(_ request: HTTPRequest, handler: @escaping HTTPHandler) -> HTTPTransfer {
    let transfer = HTTPTransfer(loop: self, request: request, handler: handler)
    begin(transfer, handler)
    return transfer
  }

  private func begin(_ transfer: HTTPTransfer, _ handler: HTTPHandler) {
    if !execute({ transfer.waitForTurn() }) { handler(transfer, .finished(.stopped)) }
  }

  /// Makes a request and returns the whole response, whatever its status.
  ///
  /// - Throws: ``NetworkFailure``; ``NetworkFailure/Code/cancelled`` when the task was cancelled.
  package func response(for request: HTTPRequest) async throws(NetworkFailure) -> HTTPResponse {
    let collector = ResponseCollector(isHeadEnough: request.isHeadEnough)
    let transfer = HTTPTransfer(loop: self, request: request) { transfer, event in
      collector.add(transfer, event)
    }
    let result = await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        collector.continuation = continuation
        // The hand-over to the loop thread orders the line above before every use of the collector there.
        begin(transfer) { transfer, event in collector.add(transfer, event) }
      }
    } onCancel: {
      transfer.cancel()
    }
    return try result.get()
  }
}

/// Puts a response together; written before the transfer begins, then touched on the loop thread only, which is the
/// proof of `Sendable`.
private final class ResponseCollector: @unchecked Sendable {
  /// How long the body of an answer may take whose head is enough.
  private static let bodyLimit = Duration.seconds(1)

  var continuation: CheckedContinuation<Result<HTTPResponse, NetworkFailure>, Never>?
  private let isHeadEnough: Bool
  private var timer: LoopTimer?
  private var response = HTTPResponse(status: 0)

  init(isHeadEnough: Bool) {
    self.isHeadEnough = isHeadEnough
  }

  func add(_ transfer: HTTPTransfer, _ event: HTTPEvent) {
    switch event {
    case .response(let head):
      response.status = head.status
      response.headers = head.headers
      // A body that ends soon leaves a connection that can be used again; no other is waited for.
      if isHeadEnough { timer = transfer.loop.schedule(after: Self.bodyLimit) { transfer.cancel() } }
    case .body(let bytes): response.body.append(contentsOf: bytes)
    case .finished(let error):
      timer?.cancel()
      let isAnswered = isHeadEnough && response.status != 0
      continuation?.resume(returning: error.flatMap { isAnswered ? nil : .failure($0) } ?? .success(response))
      continuation = nil
    }
  }
}
