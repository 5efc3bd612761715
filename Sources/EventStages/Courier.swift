internal import FluxGraph

/// Delivers events: keeps them in the spool, sends what the queue says, and tells what was given up.
actor Courier {
  struct Settings: Sendable {
    /// What the receiver is called in messages.
    var receiver: String
    var policy: DeliveryQueue.Policy
    var sync: FileSync
    /// How long the end of the graph waits for the receiver to take another event.
    var patience: Duration
    /// How long it waits in all; nil for as long as events are taken.
    var endLimit: Duration?
  }

  /// Notices of events that are given up come no more often, and count those between.
  private static let noticeInterval = Duration.seconds(10)

  private let settings: Settings
  private let context: StageContext
  private let spool: Spool?
  private let carry: @Sendable (Shipment) async -> DeliveryQueue.Outcome
  private var queue: DeliveryQueue
  private var lastNumber: UInt64 = 0
  private var timer: (any GraphTimer)?
  private var syncTimer: (any GraphTimer)?
  private var isFailing = false
  private var isSpoolFailing = false
  private var isEnding = false
  private var isOver = false
  private var atRest: CheckedContinuation<Void, Never>?
  /// When there was nothing left to come, and when an event was delivered last.
  private var sourceEnd: Instant?
  private var lastDelivery: Instant?
  private var endTimer: (any GraphTimer)?
  /// Events given up that nothing keeps.
  private var lost = 0
  private var lastNotice: Instant?
  private var untold = 0

  /// - Parameter carry: makes one attempt.
  init(
    _ settings: Settings, spool: Spool?, _ context: StageContext,
    carry: @escaping @Sendable (Shipment) async -> DeliveryQueue.Outcome
  ) {
    self.settings = settings
    self.spool = spool
    self.context = context
    self.carry = carry
    queue = DeliveryQueue(policy: settings.policy)
  }

  /// Opens the spool of a sink.
  static func spool(_ path: Path?, limit: ByteCount, _ context: StageContext) async throws -> Spool? {
    guard let path else { return nil }
    let (directory, name) = (context.resolve(path), context.name)
    return try await Spool.whenFree(directory: directory, name: name, limit: limit.bytes) {
      try await context.disk.run($0)
    }
  }

  /// Takes up what an earlier run has left.
  func resume() async throws {
    guard let spool else { return }
    let (left, damaged) = try await context.disk.run { (spool.shipments, spool.damaged) }
    if damaged > 0 {
      context.notice(
        Notice("spool-damaged", "\(damaged) bytes of the spool could not be read", severity: .warning))
    }
    let now = context.clock.now()
    for shipment in left {
      if shipment.isBatch {
        queue.add(shipment, now: now)
      } else {
        queue.add(shipment.deliveries[0], now: now)
      }
    }
    if queue.count > 0 {
      context.notice(
        Notice(
          "resumed", "\(queue.count) events of an earlier run are delivered first",
          details: [("count", JSONValue(queue.count))]))
    }
    pump()
  }

  /// Accepts an event. Once this returns the event is in the spool, or, without one, in memory, or given up.
  func accept(_ delivery: Delivery) async {
    while true {
      if queue.isGone { return await buryGone([delivery]) }
      if spool != nil || queue.count < memoryLimit, let numbered = await keep(delivery) {
        queue.add(numbered, now: context.clock.now())
        return pump()
      }
      // Whoever asked for it waits, and with him the source.
      guard context.queue.policy.holdsSource, mayWait(), !Task.isCancelled else { break }
      try? await Task.sleep(for: .milliseconds(20))
    }
    let place = spool == nil ? "\(memoryLimit) events wait already" : "the spool is full"
    await bury([DeadLetter(delivery: delivery, reason: place, status: nil)])
  }

  /// Whether an event may wait for room: for as long as there is a source to hold back; after its end as `finish` does.
  private func mayWait() -> Bool {
    guard context.queue.hasEnded() else { return true }
    let now = context.clock.now()
    if sourceEnd == nil { sourceEnd = now }
    return !isFailing && now < deadline()
  }

  /// When the end of the graph waits no longer for the receiver.
  private func deadline() -> Instant {
    let end = sourceEnd ?? context.clock.now()
    let next = max(lastDelivery ?? end, end).advanced(by: settings.patience)
    return settings.endLimit.map { min(next, end.advanced(by: $0)) } ?? next
  }

  /// Waits until everything that can be sent at once has been sent, but not for another try, and not for long. What is left
  /// stays in the spool, or is lost.
  /// - Throws: `StageError` when events were given up that no spool keeps.
  func finish() async throws(StageError) {
    let now = context.clock.now()
    isEnding = true
    sourceEnd = sourceEnd ?? now
    queue.sealAll(now: now)
    waitOn()
    pump()
    if queue.isAnyFirstInFlight { await withCheckedContinuation { atRest = $0 } }
    for timer in [endTimer, timer, syncTimer] { timer?.cancel() }
    isOver = true
    let count = queue.count
    let left = queue.sending + queue.takeAll()
    if spool != nil {
      await onSpool { spool in try spool.synchronise() }
      if count > 0 {
        context.notice(
          Notice(
            "spooled", "\(count) events are not delivered yet and stay in the spool",
            details: [("count", JSONValue(count))]))
      }
      return
    }
    for delivery in left {
      emit(
        DeadLetter(delivery: delivery, reason: "the graph ended before it could be delivered", status: nil))
    }
    lost += left.count
    guard lost > 0 else { return }
    throw StageError(
      .unavailable, "\(lost) event\(lost == 1 ? " was" : "s were") not delivered to \(settings.receiver)",
      help: "With `spool=DIR` they are kept, and delivered when the graph runs again.")
  }

  // MARK: - Sending

  private func pump() {
    guard !isOver else { return }
    let now = context.clock.now()
    while let shipment = queue.next(now: now, firstOnly: isEnding) {
      Task { await send(shipment) }
    }
    timer?.cancel()
    timer = queue.wakeTime(now: now).map { time in
      context.loop.schedule(at: time) { Task { await self.pump() } }
    }
    if !queue.isAnyFirstInFlight { rest() }
  }

  /// Has the end of the graph wait for one event more.
  private func waitOn() {
    guard isEnding else { return }
    endTimer?.cancel()
    endTimer = context.loop.schedule(at: deadline()) { Task { await self.rest() } }
  }

  private func rest() {
    atRest?.resume()
    atRest = nil
  }

  private func send(_ shipment: Shipment) async {
    // Before it leaves: whoever gets it twice gets it with the same identifier.
    if shipment.isBatch, shipment.attempts == 0 {
      await onSpool { spool in try spool.batched(shipment.deliveries) }
    }
    await finished(shipment, await carry(shipment))
  }

  private func finished(_ shipment: Shipment, _ outcome: DeliveryQueue.Outcome) async {
    var failed = shipment
    failed.attempts += 1
    let verdict = queue.finish(shipment.number, outcome, now: context.clock.now())
    // The graph has ended without it; only a spool is there to hear that it has arrived after all.
    if isOver, verdict != .delivered { return }
    switch verdict {
    case .delivered:
      context.log.debug("delivered at attempt \(failed.attempts)")
      if isFailing { context.notice(Notice("delivering", "\(settings.receiver) takes events again")) }
      isFailing = false
      lastDelivery = context.clock.now()
      waitOn()
      await onSpool { spool in try spool.done(shipment.number) }
    case .retried(let reason):
      context.log.info("attempt \(failed.attempts) failed: \(reason)")
      if !isFailing {
        context.notice(
          Notice(
            "retrying", "\(settings.receiver) does not take events: \(reason); it is tried again",
            severity: .warning))
      }
      isFailing = true
      await onSpool { [failed] spool in try spool.attempted(failed) }
    case .dead(let letters):
      context.log.info("given up after attempt \(failed.attempts): \(letters.first?.reason ?? "")")
      await bury(letters)
      if queue.isGone { await buryGone(queue.takeAll()) }
    }
    pump()
  }

  // MARK: - Keeping

  /// The most events that wait in memory.
  private var memoryLimit: Int { context.queue.policy.size }

  /// The delivery with a number; nil when there is no room.
  private func keep(_ delivery: Delivery) async -> Delivery? {
    var numbered = delivery
    lastNumber += 1
    numbered.number = lastNumber
    guard let spool else { return numbered }
    do {
      let (kept, isSynced) = (delivery, settings.sync == .turn)
      let accepted = try await context.disk.run {
        let accepted = try spool.accept(kept)
        if isSynced { try spool.synchronise() }
        return accepted
      }
      if settings.sync == .interval { synchroniseSoon() }
      isSpoolFailing = false
      return accepted
    } catch {
      reportSpool(error)
      // Better tried from memory than not at all. Numbers of the spool count up from 1 and never come here.
      numbered.number = UInt64.max - lastNumber
      return queue.count < memoryLimit ? numbered : nil
    }
  }

  private func synchroniseSoon() {
    guard syncTimer == nil else { return }
    syncTimer = context.loop.schedule(at: context.clock.now().advanced(by: .seconds(1))) {
      Task { await self.synchronise() }
    }
  }

  private func synchronise() async {
    syncTimer = nil
    await onSpool { spool in try spool.synchronise() }
  }

  private func buryGone(_ deliveries: [Delivery]) async {
    await bury(
      deliveries.map {
        DeadLetter(delivery: $0, reason: "the receiver has said that it is gone", status: 410)
      })
  }

  private func bury(_ letters: [DeadLetter]) async {
    // A receiver may repeat what it was shown.
    let letters = letters.map { letter in
      var letter = letter
      letter.reason = context.masked(letter.reason)
      return letter
    }
    guard let first = letters.first else { return }
    for letter in letters { emit(letter) }
    if spool == nil { lost += letters.count }
    tell(first.reason, letters.count)
    guard let spool else { return }
    do {
      let isKept = try await context.disk.run { try spool.bury(letters) }
      isSpoolFailing = false
      if isKept { return }
      context.notice(
        Notice(
          "dead-letters-full", "the file of dead letters is full, and takes no more until it is emptied",
          severity: .error))
    } catch {
      reportSpool(error)
    }
  }

  private func emit(_ letter: DeadLetter) {
    let delivery = letter.delivery
    context.emit(
      .notice(
        .undeliverable(
          delivery.event, reason: letter.reason, status: letter.status, attempts: delivery.attempts,
          identifier: delivery.id, body: delivery.body, stream: context.name)), port: "dead")
  }

  /// Tells of events that were given up: at once, and then now and then.
  private func tell(_ reason: String, _ count: Int) {
    untold += count
    let now = context.clock.now()
    if let lastNotice, now.duration(since: lastNotice) < Self.noticeInterval { return }
    let text = untold == 1 ? "an event" : "\(untold) events"
    context.notice(
      Notice(
        "undelivered", "\(settings.receiver) did not take \(text): \(reason)", severity: .warning,
        details: [("count", JSONValue(untold))]))
    lastNotice = now
    untold = 0
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
