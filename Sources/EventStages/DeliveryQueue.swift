internal import FluxGraph

/// Decides what is sent to a receiver, and when. A value: time is an argument, and nothing is sent here.
///
/// Deliveries of one stream go out one after the other. The first may fail for as long as the policy's `order` says, which
/// holds up those behind it; then it is parked, goes on trying by itself, and the rest moves up.
struct DeliveryQueue: Sendable {
  struct Policy: Sendable {
    /// The waits between attempts, before jitter.
    var retries: [Duration]
    /// How long the first of a stream may hold up the others.
    var order: Duration
    /// Requests at a time.
    var concurrency: Int
  }

  /// How an attempt went.
  enum Outcome: Sendable {
    case answered(status: Int, retryAfter: Duration?)
    /// There was no answer, for this reason; whether another attempt could end differently.
    case failed(String, canRetry: Bool)
  }

  /// What becomes of a delivery after an attempt.
  enum Verdict: Sendable, Equatable {
    case delivered
    /// It is tried again, for this reason.
    case retried(reason: String)
    case dead(DeadLetter)
  }

  private struct Entry: Sendable {
    var delivery: Delivery
    var due: Instant
    var firstFailure: Instant?
    var isParked = false
  }

  private let policy: Policy
  /// The deliveries of each stream, in order.
  private var lanes: [String: [Entry]] = [:]
  private var parked: [Entry] = []
  private var inFlight: [UInt64: Entry] = [:]
  /// The receiver asked for a pause, for all streams.
  private var pausedUntil: Instant?
  /// How often in a row it has.
  private var pauses = 0
  /// The receiver said that it is gone for good.
  private(set) var isGone = false

  init(policy: Policy) {
    self.policy = policy
  }

  /// Deliveries that are not done, those in flight included.
  var count: Int { lanes.values.reduce(0) { $0 + $1.count } + parked.count + inFlight.count }

  var isAnyInFlight: Bool { !inFlight.isEmpty }

  mutating func add(_ delivery: Delivery, now: Instant) {
    lanes[delivery.stream, default: []].append(Entry(delivery: delivery, due: now))
  }

  /// A delivery to send now; ask until there is none. Each must be followed by `finish`.
  mutating func next(now: Instant) -> Delivery? {
    guard !isGone, inFlight.count < policy.concurrency, pausedUntil.map({ $0 <= now }) ?? true else {
      return nil
    }
    parkOverdue(now)
    if let index = parked.firstIndex(where: { $0.due <= now }) { return begin(parked.remove(at: index)) }
    let busy = Set(inFlight.values.filter { !$0.isParked }.map(\.delivery.stream))
    let ready = lanes.filter { !busy.contains($0.key) && $0.value[0].due <= now }
    // The one that has waited longest, so that no stream starves.
    guard let lane = ready.min(by: { $0.value[0].delivery.number < $1.value[0].delivery.number })?.key else {
      return nil
    }
    let entry = lanes[lane]!.removeFirst()
    if lanes[lane]!.isEmpty { lanes[lane] = nil }
    return begin(entry)
  }

  /// When there will be something to send, if nothing else happens; nil when there is nothing that waits for a time.
  func wakeTime(now: Instant) -> Instant? {
    guard !isGone, inFlight.count < policy.concurrency else { return nil }
    let busy = Set(inFlight.values.filter { !$0.isParked }.map(\.delivery.stream))
    var times = parked.map(\.due)
    for (stream, entries) in lanes where !busy.contains(stream) {
      times.append(entries[0].due)
      // At this time it no longer holds up those behind it.
      if entries.count > 1, let failure = entries[0].firstFailure {
        times.append(failure.advanced(by: policy.order))
      }
    }
    guard let first = times.min() else { return nil }
    return max(first, pausedUntil ?? first)
  }

  /// Says how the attempt at a delivery went.
  mutating func finish(_ number: UInt64, _ outcome: Outcome, now: Instant) -> Verdict {
    guard var entry = inFlight.removeValue(forKey: number) else { return .delivered }
    var status: Int?
    var wait = Duration.zero
    let reason: String
    switch outcome {
    case .answered(let code, let retryAfter):
      if (200...299).contains(code) {
        pauses = 0
        pausedUntil = nil
        return .delivered
      }
      status = code
      reason = "it answered with status \(code)"
      wait = min(retryAfter ?? .zero, .seconds(86_400))
      if code == 410 { isGone = true }
      if [429, 502, 504].contains(code) {
        pauses = min(pauses + 1, 6)
        let pause = max(wait, .seconds(5 << (pauses - 1)))
        pausedUntil = now.advanced(by: pause)
      }
    case .failed(let message, let canRetry):
      reason = message
      if !canRetry { entry.delivery.attempts = policy.retries.count }
    }
    entry.delivery.attempts += 1
    guard !isGone, entry.delivery.attempts <= policy.retries.count else {
      return .dead(DeadLetter(delivery: entry.delivery, reason: reason, status: status))
    }
    let scheduled = policy.retries[entry.delivery.attempts - 1]
    entry.due = now.advanced(by: max(wait, scheduled + jitter(scheduled, entry.delivery)))
    entry.firstFailure = entry.firstFailure ?? now
    if entry.isParked {
      parked.append(entry)
    } else {
      lanes[entry.delivery.stream, default: []].insert(entry, at: 0)
    }
    return .retried(reason: reason)
  }

  /// What is being sent just now.
  var sending: [Delivery] { inFlight.values.map(\.delivery).sorted { $0.number < $1.number } }

  /// Everything that is neither delivered nor in flight, in order, and empties the queue.
  mutating func takeAll() -> [Delivery] {
    defer {
      lanes = [:]
      parked = []
    }
    return (lanes.values.flatMap { $0 } + parked).map(\.delivery).sorted { $0.number < $1.number }
  }

  private mutating func begin(_ entry: Entry) -> Delivery {
    inFlight[entry.delivery.number] = entry
    return entry.delivery
  }

  private mutating func parkOverdue(_ now: Instant) {
    for (stream, entries) in lanes {
      guard var head = entries.first, let failure = head.firstFailure, entries.count > 1,
        now.duration(since: failure) >= policy.order
      else { continue }
      head.isParked = true
      parked.append(head)
      lanes[stream]!.removeFirst()
    }
  }

  /// Up to a fifth of the wait, so that many senders do not come back at once; the same for the same attempt.
  private func jitter(_ wait: Duration, _ delivery: Delivery) -> Duration {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325  // FNV-1a
    for byte in "\(delivery.id)/\(delivery.attempts)".utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
    return .nanoseconds(Int64(Double(wait.nanoseconds) * 0.2 * Double(hash >> 11) / Double(1 << 53)))
  }
}
