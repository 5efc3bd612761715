internal import FluxGraph

/// Delivers events to a receiver: keeps them in the spool, sends what the queue says, and tells what was given up.
actor WebhookCourier {
  struct Settings: Sendable {
    var url: String
    /// What the receiver is called in messages.
    var receiver: String
    var headers: [HTTPHeader]
    var signer: WebhookSigner
    var timeout: Duration
    var policy: DeliveryQueue.Policy
    var sync: FileSync
    /// Deliveries that wait in memory at most where there is no spool.
    var memoryLimit: Int
  }

  /// How long the end of the graph waits for what can be sent at once.
  private static let patience = Duration.seconds(10)

  private let settings: Settings
  private let context: StageContext
  private let spool: Spool?
  private var queue: DeliveryQueue
  private var lastNumber: UInt64 = 0
  private var timer: (any GraphTimer)?
  private var isFailing = false
  private var isSpoolFailing = false
  private var isOver = false
  private var atRest: CheckedContinuation<Void, Never>?

  init(_ settings: Settings, spool: Spool?, _ context: StageContext) {
    self.settings = settings
    self.spool = spool
    self.context = context
    queue = DeliveryQueue(policy: settings.policy)
  }

  /// Takes up what an earlier run has left.
  func resume() async throws {
    guard let spool else { return }
    let (left, damaged) = try await context.disk.run { (spool.deliveries, spool.damaged) }
    if damaged > 0 {
      context.notice(
        Notice("spool-damaged", "\(damaged) bytes of the spool could not be read", severity: .warning))
    }
    for delivery in left { queue.add(delivery, now: context.clock.now()) }
    if !left.isEmpty {
      context.notice(
        Notice(
          "resumed", "\(left.count) events of an earlier run are delivered first",
          details: [("count", JSONValue(left.count))]))
    }
    pump()
  }

  /// Accepts an event. Once this returns the event is in the spool, or, without one, in memory.
  func accept(_ delivery: Delivery) async {
    if queue.isGone {
      return await bury(
        DeadLetter(delivery: delivery, reason: "the receiver has said that it is gone", status: 410))
    }
    let isFull = spool == nil && queue.count >= settings.memoryLimit
    guard !isFull, let numbered = await keep(delivery) else {
      let place = spool == nil ? "too many events wait in memory" : "the spool is full"
      return await bury(DeadLetter(delivery: delivery, reason: place, status: nil))
    }
    queue.add(numbered, now: context.clock.now())
    pump()
  }

  /// Waits until everything that can be sent at once has been sent, but not for another try, and not for long. What is left
  /// stays in the spool, or is lost.
  func finish() async {
    let deadline = context.loop.schedule(at: context.clock.now().advanced(by: Self.patience)) {
      Task { await self.rest() }
    }
    if queue.isAnyInFlight { await withCheckedContinuation { atRest = $0 } }
    deadline.cancel()
    timer?.cancel()
    isOver = true
    let count = queue.count
    let left = queue.sending + queue.takeAll()
    if let spool {
      try? await context.disk.run { [clock = context.clock] in try spool.synchronise(now: clock.now()) }
      if count > 0 {
        context.notice(
          Notice(
            "spooled", "\(count) events are not delivered yet and stay in the spool",
            details: [("count", JSONValue(count))]))
      }
      return
    }
    for delivery in left {
      await bury(
        DeadLetter(delivery: delivery, reason: "the program ended before it could be delivered", status: nil))
    }
  }

  // MARK: - Sending

  private func pump() {
    guard !isOver else { return }
    let now = context.clock.now()
    while let delivery = queue.next(now: now) {
      Task { await send(delivery) }
    }
    timer?.cancel()
    timer = queue.wakeTime(now: now).map { time in
      context.loop.schedule(at: time) { Task { await self.pump() } }
    }
    if !queue.isAnyInFlight { rest() }
  }

  private func rest() {
    atRest?.resume()
    atRest = nil
  }

  private func send(_ delivery: Delivery) async {
    let body = delivery.content
    let type =
      delivery.body == nil || delivery.body!.hasPrefix("{") ? "application/json" : "text/plain; charset=utf-8"
    var headers = [
      HTTPHeader("Content-Type", type), HTTPHeader("User-Agent", "fluxgraph/\(FluxGraphVersion.text)"),
    ]
    // The user's own take the place of these, but never of the signature.
    headers.removeAll { header in
      settings.headers.contains { $0.name.lowercased() == header.name.lowercased() }
    }
    headers += settings.headers
    headers += settings.signer.headers(id: delivery.id, body: body, at: context.clock.wallTime())
    let request = HTTPRequest(
      method: "POST", url: settings.url, headers: headers, body: body, timeout: settings.timeout)
    var outcome: DeliveryQueue.Outcome
    do throws(NetworkFailure) {
      let response = try await context.http.response(to: request)
      let header = response.headers.first { $0.name.lowercased() == "retry-after" }
      let wait = header.flatMap { retryAfter($0.value, now: context.clock.wallTime()) }
      outcome = .answered(status: response.status, retryAfter: wait)
    } catch {
      outcome = .failed(error.message, canRetry: error.code != .badRequest)
    }
    await finished(delivery, outcome)
  }

  private func finished(_ delivery: Delivery, _ outcome: DeliveryQueue.Outcome) async {
    var failed = delivery
    failed.attempts += 1
    switch queue.finish(delivery.number, outcome, now: context.clock.now()) {
    case .delivered:
      if isFailing { context.notice(Notice("delivering", "\(settings.receiver) takes events again")) }
      isFailing = false
      await onSpool { spool in try spool.done(delivery.number) }
    case .retried(let reason):
      if !isFailing {
        context.notice(
          Notice(
            "retrying", "\(settings.receiver) does not take events: \(reason); it is tried again",
            severity: .warning))
      }
      isFailing = true
      await onSpool { [failed] spool in try spool.attempted(failed) }
    case .dead(let letter):
      await bury(letter)
      if queue.isGone {
        for delivery in queue.takeAll() {
          await bury(
            DeadLetter(delivery: delivery, reason: "the receiver has said that it is gone", status: 410))
        }
      }
    }
    pump()
  }

  // MARK: - Keeping

  /// The delivery with a number; nil when there is no room.
  private func keep(_ delivery: Delivery) async -> Delivery? {
    var numbered = delivery
    lastNumber += 1
    numbered.number = lastNumber
    guard let spool else { return numbered }
    do {
      let (kept, sync) = (delivery, settings.sync)
      let now = context.clock.now()
      return try await context.disk.run {
        let accepted = try spool.accept(kept)
        if sync != .never { try spool.synchronise(now: now, interval: sync == .turn ? .zero : .seconds(1)) }
        return accepted
      }
    } catch {
      reportSpool(error)
      // Better tried from memory than not at all. Numbers of the spool count up from 1 and never come here.
      numbered.number = UInt64.max - lastNumber
      return queue.count < settings.memoryLimit ? numbered : nil
    }
  }

  private func bury(_ letter: DeadLetter) async {
    context.notice(
      Notice(
        "undelivered", "\(settings.receiver) did not take an event: \(letter.reason)", severity: .warning,
        details: [
          ("original", letter.delivery.event), ("id", .string(letter.delivery.id)),
          ("attempts", JSONValue(letter.delivery.attempts)),
        ]))
    // Beside the notice's own `event`, the event itself is the `original`.
    let details = (letter.json.members ?? []).map { (name: $0.0 == "event" ? "original" : $0.0, value: $0.1) }
    let event = Notice(
      "undeliverable", letter.reason, severity: .error, stream: context.name, details: details)
    context.emit(.notice(event), port: "dead")
    await onSpool { spool in try spool.bury(letter) }
  }

  private func onSpool(_ body: @escaping @Sendable (Spool) throws -> Void) async {
    guard let spool else { return }
    do {
      try await context.disk.run { try body(spool) }
      isSpoolFailing = false
    } catch {
      reportSpool(error)
    }
  }

  private func reportSpool(_ error: any Error) {
    if !isSpoolFailing {
      context.notice(Notice("spool-failing", "\(error); events are kept in memory", severity: .warning))
    }
    isSpoolFailing = true
  }
}
