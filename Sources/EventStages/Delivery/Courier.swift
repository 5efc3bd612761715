internal import FluxGraph
internal import Synchronization

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
  /// The most bytes of events that wait in memory, and of those that are in a spool, too.
  private static let byteLimit = 16 << 20
  private static let spooledByteLimit = 4 << 20

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
  private var areDeadLettersFull = false
  private var isEnding = false
  /// Whether the end waits for further tries, too.
  private var isDraining = false
  private let drain: DeliveryDrain?
  private var isOver = false
  /// Given up after that: they have left the queue, and are still to be counted.
  private var givenUpLate: [Delivery] = []
  /// Attempts whose outcome is being written down, and who waits for that.
  private var settling = 0
  private var settled: CheckedContinuation<Void, Never>?
  private var atRest: CheckedContinuation<Void, Never>?
  /// When there was nothing left to come, and when an event was delivered last.
  private var sourceEnd: Instant?
  private var lastDelivery: Instant?
  private var endTimer: (any GraphTimer)?
  /// What has become of the events so far; shown as it changes.
  private var balance = DeliveryBalance() {
    didSet { meters.show(balance, before: oldValue) }
  }
  private let meters: DeliveryMeters
  /// Events that wait and that the spool has not taken, by number: it has failed, and is asked again.
  private var unkept: [UInt64: Delivery] = [:]
  /// Whether they are being put into the spool.
  private var isSaving = false
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
    meters = DeliveryMeters(context.metrics)
    drain = context.resource(DeliveryDrain.self)
    queue = DeliveryQueue(policy: settings.policy)
  }

  /// Opens the spool of a sink.
  static func spool(_ path: Path?, limit: ByteCount, _ context: StageContext) async throws -> Spool? {
    guard let path else { return nil }
    let (directory, name) = (context.resolve(path), context.name)
    return try await Spool.whenFree(directory: directory, name: name, limit: limit.bytes) { open in
      try await context.disk.run {
        context.disk.works(on: "\(directory)/\(name).spool")
        return try open()
      }
    }
  }

  /// Takes up what an earlier run has left.
  func resume() async throws {
    guard let spool else { return }
    let (left, damaged, highest) = try await context.disk.run {
      (spool.shipments, spool.damaged, spool.lastNumber)
    }
    lastNumber = highest
    balance.accepted += left.reduce(0) { $0 + $1.deliveries.count }
    if damaged > 0 {
      context.notice(
        Notice(
          "spool-damaged",
          "\(damaged) bytes of the spool could not be read; the file is kept as \(context.name).spool.damaged",
          severity: .warning, details: [("bytes", JSONValue(damaged))]))
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
    var delivery = delivery
    lastNumber += 1
    delivery.number = lastNumber
    balance.accepted += 1
    while true {
      if queue.isGone { return await buryGone([delivery]) }
      let place = await keep(delivery)
      guard case .none(let reason, let mayComeToBe) = place else {
        // What is in the spool need not be in memory, too.
        let isOutline = place.isSpool && queue.bytes >= Self.spooledByteLimit
        queue.add(isOutline ? delivery.outline : delivery, now: context.clock.now())
        return pump()
      }
      // Whoever asked for it waits, and with him the source.
      guard mayComeToBe, context.queue.policy.holdsSource, mayWait(), !Task.isCancelled else {
        return await bury([DeadLetter(delivery: delivery, reason: reason, status: nil)])
      }
      try? await Task.sleep(for: .milliseconds(20))
    }
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
    let own = ownDeadline()
    return context.end.sinkDeadline.map { min($0, own) } ?? own
  }

  private func ownDeadline() -> Instant {
    let end = sourceEnd ?? context.clock.now()
    if isDraining, let drain {
      let time = max(drain.time, settings.patience)
      return (drain.followsProgress ? max(lastDelivery ?? end, end) : end).advanced(by: time)
    }
    let next = max(lastDelivery ?? end, end).advanced(by: settings.patience)
    return settings.endLimit.map { min(next, end.advanced(by: $0)) } ?? next
  }

  /// Waits until everything that can be sent at once has been sent, but not for another try, unless there is a drain, and not
  /// for long. What is left stays in the spool, or is lost.
  /// - Throws: `StageError` when events were given up that no spool keeps.
  func finish() async throws(StageError) {
    let now = context.clock.now()
    isEnding = true
    sourceEnd = sourceEnd ?? now
    queue.sealAll(now: now)
    let isUnasked = context.end.onAsked { Task { await self.endIsAsked() } }
    isDraining = isUnasked && drain != nil
    waitOn()
    pump()
    if isBusy { await withCheckedContinuation { atRest = $0 } }
    for timer in [endTimer, timer, syncTimer] { timer?.cancel() }
    isOver = true
    if settling > 0 { await withCheckedContinuation { settled = $0 } }
    // One that is under way has something to say to the spool afterwards.
    while isSaving { try? await Task.sleep(for: .milliseconds(5)) }
    await saveUnkept()
    await onSpool { spool in try spool.synchronise() }
    let left = (queue.sending + queue.takeAll() + givenUpLate).compactMap {
      spool == nil ? $0 : unkept[$0.number]
    }
    let reason =
      "the graph ended before it could be delivered" + (spool == nil ? "" : ", and the spool did not take it")
    for delivery in left { emit(DeadLetter(delivery: delivery, reason: reason, status: nil)) }
    giveUp(left.count)
    // Whoever runs next may have it; an answer that is still to come is written down first.
    if queue.sending.isEmpty { await onSpool { spool in spool.close() } }
    try tellEnd()
  }

  /// Says what has not been delivered.
  private func tellEnd() throws(StageError) {
    let sum = " (\(balance.text))"
    if balance.lost > 0 {
      let text = balance.lost == 1 ? "1 event was" : "\(balance.lost) events were"
      let place = spool == nil ? "" : ", and neither the spool nor its dead letters had room"
      var error = StageError(
        .unavailable, "\(text) not delivered to \(settings.receiver)\(place)\(sum)",
        help: spool == nil
          ? "With `spool=DIR` they are kept, and delivered when the graph runs again."
          : "Give the spool room: with a larger `spool_limit`, on its disk, and by `fluxgraph spool redeliver`."
      )
      error.isLoss = true
      throw error
    }
    let (waiting, dead) = (balance.waiting, balance.dead)
    if waiting > 0 {
      let text =
        waiting == 1
        ? "1 event is not delivered yet and stays" : "\(waiting) events are not delivered yet and stay"
      context.notice(
        Notice(
          "spooled", "\(text) in the spool\(sum)", details: [("count", JSONValue(waiting))] + balance.members)
      )
    } else if dead > 0 {
      let text = dead == 1 ? "1 event was given up" : "\(dead) events were given up"
      context.notice(
        Notice(
          "given-up",
          "\(text), and \(spool == nil ? "left by the port `dead`" : "kept among the spool's dead letters")\(sum)",
          details: [("count", JSONValue(dead))] + balance.members))
    }
  }

  // MARK: - Sending

  private func pump() {
    guard !isOver else { return }
    let now = context.clock.now()
    while let shipment = queue.next(now: now, firstOnly: isEnding && !isDraining) {
      Task { await send(shipment) }
    }
    timer?.cancel()
    timer = queue.wakeTime(now: now).map { time in
      context.loop.schedule(at: time) { Task { await self.pump() } }
    }
    if !isBusy { rest() }
  }

  /// Whether there is something the end of the graph waits for.
  private var isBusy: Bool {
    isDraining ? queue.count > 0 && !queue.isGone : queue.isAnyFirstInFlight
  }

  /// What is under way has the time it has without a drain. Nobody wants to wait any longer.
  private func endIsAsked() {
    guard !isOver else { return }
    if isDraining { sourceEnd = context.clock.now() }
    isDraining = false
    waitOn()
    pump()
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
    if shipment.isBatch { await onSpool { spool in try spool.batched([shipment.deliveries]) } }
    let outcome = await carryWhole(shipment)
    settling += 1
    await finished(shipment, outcome)
    settling -= 1
    guard settling == 0 else { return }
    settled?.resume()
    settled = nil
  }

  /// Makes an attempt with what the spool has of the shipment.
  private func carryWhole(_ shipment: Shipment) async -> DeliveryQueue.Outcome {
    guard let spool, !shipment.isWhole else { return await carry(shipment) }
    do {
      let whole = try await context.disk.run { try shipment.filled(spool.whole(shipment.deliveries)) }
      return await carry(whole)
    } catch {
      reportSpool(error)
      return .notMade
    }
  }

  private func finished(_ shipment: Shipment, _ outcome: DeliveryQueue.Outcome) async {
    var failed = shipment
    failed.attempts += 1
    let verdict = queue.finish(shipment.number, outcome, now: context.clock.now())
    // The graph has ended without it; only a spool is there to hear that it has arrived after all.
    if isOver, verdict != .delivered {
      if case .dead(let letters) = verdict { givenUpLate += letters.map(\.delivery) }
      return
    }
    switch verdict {
    case .delivered:
      context.log.debug("delivered at attempt \(failed.attempts)")
      if isFailing { context.notice(Notice("delivering", "\(settings.receiver) takes events again")) }
      isFailing = false
      lastDelivery = context.clock.now()
      waitOn()
      await settle(shipment)
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
    case .split(let halves):
      context.log.info("\(shipment.deliveries.count) events at once are too many bytes; they go in two")
      await onSpool { spool in try spool.batched(halves.map(\.deliveries)) }
    case .dead(let letters):
      context.log.info("given up after attempt \(failed.attempts): \(letters.first?.reason ?? "")")
      await bury(letters)
      if queue.isGone { await buryGone(queue.takeAll()) }
    case .postponed: break
    }
    pump()
  }

  // MARK: - Keeping

  /// The most events that wait in memory.
  private var memoryLimit: Int { context.queue.policy.size }

  private enum Place {
    case spool, memory
    /// There is no room, for this reason; whether there may be some later.
    case none(String, mayComeToBe: Bool)

    var isSpool: Bool { if case .spool = self { true } else { false } }
  }

  /// Whether memory takes another event.
  private func hasRoom(beside count: Int) -> Bool { count < memoryLimit && queue.bytes < Self.byteLimit }

  /// Finds a delivery the place where it waits.
  private func keep(_ delivery: Delivery) async -> Place {
    guard let spool else {
      return hasRoom(beside: queue.count)
        ? .memory : .none("\(queue.count) events wait already", mayComeToBe: true)
    }
    do {
      let isSynced = settings.sync == .turn
      let (isKept, canHold) = try await context.disk.run {
        let isKept = try spool.keep(delivery)
        if isKept && isSynced { try spool.synchronise() }
        return (isKept, isKept || spool.canHold(delivery))
      }
      guard isKept else {
        return .none(
          canHold ? "the spool is full" : "it is larger than the spool takes", mayComeToBe: canHold)
      }
      if settings.sync == .interval { synchroniseSoon() }
      await spoolWorks()
      return .spool
    } catch {
      reportSpool(error)
      // Better tried from memory than not at all.
      guard hasRoom(beside: unkept.count) else {
        return .none(
          "\(context.masked("\(error)")), and \(unkept.count) events wait in memory", mayComeToBe: true)
      }
      unkept[delivery.number] = delivery
      return .memory
    }
  }

  /// Puts into the spool what it has not taken before.
  private func saveUnkept() async {
    // One at a time: what the first has saved would look to a second as though it was given up meanwhile.
    guard let spool, !unkept.isEmpty, !isSaving else { return }
    isSaving = true
    defer { isSaving = false }
    let all = unkept.values.sorted { $0.number < $1.number }
    let saved = Mutex<[UInt64]>([])
    do {
      try await context.disk.run {
        for delivery in all where try spool.keep(delivery) { saved.withLock { $0.append(delivery.number) } }
      }
      tellSpoolWorks()
    } catch {
      reportSpool(error)
    }
    for number in saved.withLock({ $0 }) where unkept.removeValue(forKey: number) == nil {
      // It has been delivered, or given up, in the meantime.
      await onSpool { spool in try spool.done(number) }
    }
  }

  /// What the spool says of a delivered shipment.
  private func settle(_ shipment: Shipment) async {
    // What arrives after the end was counted then.
    if !isOver { balance.delivered += shipment.deliveries.count }
    for delivery in shipment.deliveries { unkept[delivery.number] = nil }
    let numbers = shipment.deliveries.map(\.number)
    await onSpool { spool in
      // Each, although one could not be written down: those the spool does not know as a batch stand for themselves, and what is
      // forgotten here is written anew without them.
      var problem: (any Error)?
      for number in numbers {
        do { try spool.done(number) } catch { problem = error }
      }
      if let problem { throw problem }
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

  /// What no spool keeps is for those who listen at the port, and lost where nobody does.
  private func giveUp(_ count: Int) {
    if context.isLinked("dead") { balance.dead += count } else { balance.lost += count }
  }

  private func buryGone(_ deliveries: [Delivery]) async {
    await bury(
      deliveries.map {
        DeadLetter(delivery: $0, reason: "the receiver has said that it is gone", status: 410)
      })
  }

  private func bury(_ letters: [DeadLetter]) async {
    // A receiver may repeat what it was shown.
    let letters = await whole(letters).map { letter in
      var letter = letter
      letter.reason = context.masked(letter.reason)
      return letter
    }
    guard let first = letters.first else { return }
    for letter in letters { emit(letter) }
    tell(first.reason, letters.count)
    guard let spool else { return giveUp(letters.count) }
    do {
      let isKept = try await context.disk.run { try spool.bury(letters) }
      for letter in letters { unkept[letter.delivery.number] = nil }
      if isKept { balance.dead += letters.count } else { giveUp(letters.count) }
      if !isKept && !areDeadLettersFull {
        context.notice(
          Notice(
            "dead-letters-full", "the file of dead letters is full, and takes no more until it is emptied",
            severity: .error))
      }
      areDeadLettersFull = !isKept
      await spoolWorks()
    } catch {
      reportSpool(error)
      // What is in the spool stays there, and is tried again by the next run.
      let numbers = letters.map(\.delivery.number)
      let kept = (try? await context.disk.run { numbers.filter { spool.contains($0) } }) ?? []
      // One that has just been put into the spool must not be taken out of it as though it was given up.
      for number in numbers where !kept.contains(number) { unkept[number] = nil }
      giveUp(letters.count - kept.count)
    }
  }

  /// The letters with what they say. Those that cannot be read just now stay in the spool, for the next run.
  private func whole(_ letters: [DeadLetter]) async -> [DeadLetter] {
    guard let spool, letters.contains(where: { !$0.delivery.isWhole }) else { return letters }
    do {
      let deliveries = try await context.disk.run { try spool.whole(letters.map(\.delivery)) }
      return zip(letters, deliveries).map { letter, delivery in
        DeadLetter(delivery: delivery, reason: letter.reason, status: letter.status)
      }
    } catch {
      reportSpool(error)
      return letters.filter(\.delivery.isWhole)
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
    } catch {
      reportSpool(error)
    }
  }

  private func reportSpool(_ error: any Error) {
    if !isSpoolFailing {
      context.notice(
        Notice(
          "spool-failing", "\(error); events are kept in memory until it can be written", severity: .warning))
    }
    isSpoolFailing = true
  }

  /// The spool has taken something: it may take what it has not taken before.
  private func spoolWorks() async {
    if unkept.isEmpty { tellSpoolWorks() } else { await saveUnkept() }
  }

  private func tellSpoolWorks() {
    if isSpoolFailing { context.notice(Notice("spool-working", "the spool takes events again")) }
    isSpoolFailing = false
  }
}
