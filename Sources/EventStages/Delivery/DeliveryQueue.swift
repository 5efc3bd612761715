internal import FluxGraph

/// Decides what is sent to a receiver, and when. A value: time is an argument, and nothing is sent here.
///
/// Shipments of one stream go out one after the other. The first may fail for as long as the policy's `order` says, which
/// holds up those behind it; then it is parked, goes on trying by itself, and the rest moves up.
struct DeliveryQueue: Sendable {
  struct Policy: Sendable {
    /// The waits between attempts, before jitter.
    var retries: [Duration]
    /// How long the first of a stream may hold up the others.
    var order: Duration
    /// Shipments at a time.
    var concurrency: Int
    /// How events of a stream are put together; nil for each by itself.
    var batch: Batch?
  }

  /// How an attempt went.
  enum Outcome: Sendable {
    /// The remark is a clause that says more than the status.
    case answered(status: Int, retryAfter: Duration?, remark: String? = nil)
    case delivered
    /// There was no answer, for this reason; whether another attempt could end differently.
    case failed(String, canRetry: Bool)
    /// There was none, as what is sent could not be read.
    case notMade
  }

  /// What becomes of a shipment after an attempt.
  enum Verdict: Sendable, Equatable {
    case delivered
    /// It is tried again, for this reason.
    case retried(reason: String)
    /// It is too large, and goes on as these, each a shipment of its own from now on.
    case split([Shipment])
    /// It is given up: a letter for each of its events.
    case dead([DeadLetter])
    /// Nothing was tried. It waits as it has.
    case postponed
  }

  private let policy: Policy
  private var lanes: [String: DeliveryLane] = [:]
  private var parked: [WaitingShipment] = []
  private var inFlight: [UInt64: WaitingShipment] = [:]
  /// The receiver asked for a pause, for all streams.
  private var pausedUntil: Instant?
  /// How often in a row it has.
  private var pauses = 0
  /// The receiver said that it is gone for good.
  private(set) var isGone = false
  /// Events that are not done, those in flight included.
  private(set) var count = 0
  /// About how many bytes of memory they take.
  private(set) var bytes = 0

  init(policy: Policy) {
    self.policy = policy
  }

  /// Whether something is being sent that has not failed in this run.
  var isAnyFirstInFlight: Bool { inFlight.values.contains { $0.firstFailure == nil } }

  mutating func add(_ delivery: Delivery, now: Instant) {
    enter([delivery])
    let stream = delivery.stream
    guard let batch = policy.batch else {
      return append(Shipment(delivery, isBatch: false), due: now, isSealed: true)
    }
    let size = delivery.size
    if lanes[stream]?.join(delivery, size: size, batch, now: now) == true { return }
    // With the brackets of the list.
    let isFull = batch.count <= 1 || size + 2 >= batch.size.bytes
    append(
      Shipment(delivery, isBatch: true), due: isFull ? now : now.advanced(by: batch.wait), isSealed: isFull,
      size: size + 2)
  }

  /// Adds a batch that was sent before, to be sent again as it is.
  mutating func add(_ batch: Shipment, now: Instant) {
    enter(batch.deliveries)
    append(batch, due: now, isSealed: true)
  }

  /// No batch waits for more events.
  mutating func sealAll(now: Instant) {
    for stream in lanes.keys { lanes[stream]!.sealLast(now) }
  }

  /// A shipment to send now; ask until there is none. Each must be followed by `finish`.
  /// - Parameter firstOnly: whether what has failed in this run is left alone, and what waits behind it.
  mutating func next(now: Instant, firstOnly: Bool = false) -> Shipment? {
    guard !isGone, inFlight.count < policy.concurrency, pausedUntil.map({ $0 <= now }) ?? true else {
      return nil
    }
    parkOverdue(now)
    if !firstOnly, let index = parked.firstIndex(where: { $0.due <= now }) {
      return begin(parked.remove(at: index))
    }
    let busy = busyStreams
    var best: (stream: String, number: UInt64)?
    for (stream, lane) in lanes where !busy.contains(stream) {
      guard let first = lane.first, first.due <= now, !firstOnly || first.firstFailure == nil else {
        continue
      }
      // The one that has waited longest, so that no stream starves.
      if best.map({ first.shipment.number < $0.number }) ?? true { best = (stream, first.shipment.number) }
    }
    guard let stream = best?.stream else { return nil }
    let entry = lanes[stream]!.takeFirst()
    if lanes[stream]!.isEmpty { lanes[stream] = nil }
    return begin(entry)
  }

  /// When there will be something to send, if nothing else happens; nil when there is nothing that waits for a time.
  func wakeTime(now: Instant) -> Instant? {
    guard !isGone, inFlight.count < policy.concurrency else { return nil }
    let busy = busyStreams
    var times = parked.map(\.due)
    for (stream, lane) in lanes where !busy.contains(stream) {
      guard let first = lane.first else { continue }
      times.append(first.due)
      // At this time it no longer holds up those behind it.
      if lane.count > 1, let failure = first.firstFailure {
        times.append(failure.advanced(by: policy.order))
      }
    }
    guard let first = times.min() else { return nil }
    return max(first, pausedUntil ?? first)
  }

  /// Says how the attempt at a shipment went.
  mutating func finish(_ number: UInt64, _ outcome: Outcome, now: Instant) -> Verdict {
    guard var entry = inFlight.removeValue(forKey: number) else { return .delivered }
    var status: Int?
    var wait = Duration.zero
    var isHopeless = false
    let reason: String
    switch outcome {
    case .delivered, .answered(200...299, _, _):
      pauses = 0
      pausedUntil = nil
      leave(entry.shipment.deliveries)
      return .delivered
    case .answered(let code, let retryAfter, let remark):
      status = code
      reason =
        "it answered with status \(code)"
        + (remark.map { ": \($0)" } ?? ((300...399).contains(code) ? ", and redirects are not followed" : ""))
      wait = min(retryAfter ?? .zero, .seconds(86_400))
      if code == 410 { isGone = true }
      if code == 413 {
        if let halves = entry.shipment.halves { return split(entry, halves, due: now.advanced(by: wait)) }
        isHopeless = true
      }
      if [429, 502, 504].contains(code) {
        pauses = min(pauses + 1, 6)
        let pause = max(wait, .seconds(5 << (pauses - 1)))
        pausedUntil = now.advanced(by: pause)
      }
    case .failed(let message, let canRetry):
      reason = message
      isHopeless = !canRetry
    case .notMade:
      entry.due = now.advanced(by: .seconds(1))
      putBack(entry)
      return .postponed
    }
    entry.shipment.attempts += 1
    let attempts = entry.shipment.attempts
    guard !isGone, !isHopeless, attempts <= policy.retries.count else {
      leave(entry.shipment.deliveries)
      return .dead(entry.shipment.deliveries.map { DeadLetter(delivery: $0, reason: reason, status: status) })
    }
    let scheduled = policy.retries[attempts - 1]
    entry.due = now.advanced(by: max(wait, scheduled + jitter(scheduled, entry.shipment)))
    entry.firstFailure = entry.firstFailure ?? now
    putBack(entry)
    return .retried(reason: reason)
  }

  private mutating func putBack(_ entry: WaitingShipment) {
    if entry.isParked {
      parked.append(entry)
    } else {
      lanes[entry.shipment.stream, default: DeliveryLane()].putBack(entry)
    }
  }

  /// Has the halves of a batch go in its place. They have not been tried yet, nor has what was too large failed.
  private mutating func split(_ entry: WaitingShipment, _ halves: [Shipment], due: Instant) -> Verdict {
    for half in halves.reversed() {
      var entry = entry
      entry.shipment = half
      entry.due = due
      entry.firstFailure = nil
      if entry.isParked {
        parked.insert(entry, at: 0)
      } else {
        lanes[half.stream, default: DeliveryLane()].putBack(entry)
      }
    }
    return .split(halves)
  }

  /// The events that are being sent just now.
  var sending: [Delivery] {
    inFlight.values.flatMap(\.shipment.deliveries).sorted { $0.number < $1.number }
  }

  /// Every event that is neither delivered nor in flight, in order, and empties the queue.
  mutating func takeAll() -> [Delivery] {
    let left = lanes.values.flatMap(\.shipments) + parked.map(\.shipment)
    lanes = [:]
    parked = []
    let deliveries = left.flatMap(\.deliveries).sorted { $0.number < $1.number }
    leave(deliveries)
    return deliveries
  }

  private mutating func enter(_ deliveries: [Delivery]) {
    count += deliveries.count
    bytes += deliveries.reduce(0) { $0 + $1.footprint }
  }

  private mutating func leave(_ deliveries: [Delivery]) {
    count -= deliveries.count
    bytes -= deliveries.reduce(0) { $0 + $1.footprint }
  }

  /// Streams with a shipment on its way that those behind it wait for.
  private var busyStreams: Set<String> {
    Set(inFlight.values.filter { !$0.isParked }.map(\.shipment.stream))
  }

  private mutating func append(_ shipment: Shipment, due: Instant, isSealed: Bool, size: Int = 0) {
    lanes[shipment.stream, default: DeliveryLane()]
      .append(WaitingShipment(shipment: shipment, due: due, isSealed: isSealed, size: size))
  }

  private mutating func begin(_ entry: WaitingShipment) -> Shipment {
    var entry = entry
    // Its answer may be lost: from now on these events go together, with one identifier.
    entry.isSealed = true
    inFlight[entry.shipment.number] = entry
    return entry.shipment
  }

  private mutating func parkOverdue(_ now: Instant) {
    for (stream, lane) in lanes {
      guard let failure = lane.first?.firstFailure, lane.count > 1,
        now.duration(since: failure) >= policy.order
      else { continue }
      var head = lanes[stream]!.takeFirst()
      head.isParked = true
      parked.append(head)
    }
  }

  /// Up to a fifth of the wait, so that many senders do not come back at once; the same for the same attempt.
  private func jitter(_ wait: Duration, _ shipment: Shipment) -> Duration {
    let share = SplitMix64.fraction(FNV1a.hash("\(shipment.id)/\(shipment.attempts)"))
    return .nanoseconds(Int64(Double(wait.nanoseconds) * 0.2 * share))
  }
}
