internal import FluxGraph
internal import Synchronization

/// The bounded queue in front of a sink of events: so many events, and not more than 16 MB of them.
///
/// A sink that cannot keep up is waited for as its policy says, and the queue may grow meanwhile; after that new events are
/// dropped and counted, so that no sink holds up the others.
final class EventQueue: Sendable {
  private struct State {
    var events: [(event: Event, offered: Instant)] = []
    /// The first of `events` that is still waiting.
    var head = 0
    var waiter: CheckedContinuation<Void, Never>?
    var isEnded = false
    var isClosed = false
    var fullSince: Instant?
    var dropped = 0
    var totalDropped = 0
    var highWater = 0
    /// When the first of them was.
    var droppingSince = Instant(nanoseconds: 0)
    /// Whether the gates are held.
    var isHolding = false

    /// About how much memory those that wait take.
    var bytes = 0

    var count: Int { events.count - head }
  }

  /// What became of an event that was offered.
  enum Offer: Sendable, Hashable {
    case kept
    /// Dropped, as the first of a row.
    case firstDropped
    case dropped
  }

  private static let tellingInterval = Duration.seconds(5)
  /// Bytes at which a queue is full, however few events they are: thousands of usual ones, hundreds of the largest there are.
  private static let byteLimit = 16 << 20

  private let policy: QueuePolicy
  private let gates: [AudioGate]
  private let state = Mutex(State())

  /// - Parameter gates: those of the recognisers the events come from, closed while the queue is full if its policy says so.
  init(_ policy: QueuePolicy = QueuePolicy(), gates: [AudioGate] = []) {
    self.policy = policy
    self.gates = policy.holdsSource ? gates : []
  }

  /// Appends an event, unless the queue has been full for longer than the patience lasts. Never blocks.
  func offer(_ event: Event, now: Instant) -> Offer {
    let (result, waiter) = state.withLock { state -> (Offer, CheckedContinuation<Void, Never>?) in
      if state.isClosed { return (.kept, nil) }
      let isHeavy = state.bytes >= Self.byteLimit
      if isHeavy || state.count >= policy.size {
        let since = state.fullSince ?? now
        state.fullSince = since
        // A source that is held back gives no more than what is on its way.
        if now.duration(since: since) >= policy.patience || state.count >= policy.growth * policy.size
          || isHeavy && (gates.isEmpty || state.bytes >= 2 * Self.byteLimit)
        {
          state.dropped += 1
          state.totalDropped += 1
          if state.dropped == 1 { state.droppingSince = now }
          return (state.dropped == 1 ? .firstDropped : .dropped, nil)
        }
      } else {
        state.fullSince = nil
      }
      state.events.append((event, now))
      state.bytes += event.footprint
      state.highWater = max(state.highWater, state.count)
      if !state.isHolding && (state.count >= policy.size || state.bytes >= Self.byteLimit) {
        state.isHolding = true
        for gate in gates { gate.hold() }
      }
      defer { state.waiter = nil }
      return (.kept, state.waiter)
    }
    waiter?.resume()
    return result
  }

  /// Says that no more events follow.
  func end() {
    state.withLock { state in
      state.isEnded = true
      defer { state.waiter = nil }
      return state.waiter
    }?.resume()
  }

  /// Whether no more events follow; some may still be waiting.
  var hasEnded: Bool { state.withLock { $0.isEnded } }

  var isEmpty: Bool { state.withLock { $0.count == 0 } }

  /// Says that nobody takes events any more: what waits and what comes is thrown away. Returns what waited.
  @discardableResult
  func close() -> Int {
    let (count, wasHolding) = state.withLock { state in
      defer {
        state.isClosed = true
        state.events = []
        state.head = 0
        state.bytes = 0
        state.isHolding = false
      }
      return (state.count, state.isHolding)
    }
    if wasHolding { release() }
    return count
  }

  /// The next event; nil after the last one, or when the task is cancelled. One task at a time.
  func next() async -> Event? { await nextOffered()?.event }

  /// The next event, and when it was offered.
  func nextOffered() async -> (event: Event, offered: Instant)? {
    while !Task.isCancelled {
      let (event, isOver, hasRoom) = state.withLock { state -> ((Event, Instant)?, Bool, Bool) in
        guard state.count > 0 else { return (nil, state.isEnded, false) }
        let event = state.events[state.head]
        state.head += 1
        state.bytes -= event.event.footprint
        // Moved down now and then, so that taking from the front stays cheap.
        if state.head >= 256 || state.head == state.events.count {
          state.events.removeFirst(state.head)
          state.head = 0
        }
        // Half the room, so that not every event opens and closes the gates.
        let hasRoom =
          state.isHolding && state.count <= policy.size / 2 && state.bytes <= Self.byteLimit / 2
        if hasRoom { state.isHolding = false }
        return (event, false, hasRoom)
      }
      if hasRoom { release() }
      if let event { return event }
      if isOver { return nil }
      await waitForEvent()
    }
    return nil
  }

  /// Events dropped since the last time this was told. It is told once the queue has half its room again, and some seconds have
  /// gone by, or no more events follow: while a sink lags behind, a word after each event would be one more flood.
  func takeDropped(now: Instant) -> Int {
    state.withLock { state in
      let isCalm =
        state.count <= policy.size / 2 && now.duration(since: state.droppingSince) >= Self.tellingInterval
      guard state.isEnded || state.isClosed || isCalm else { return 0 }
      defer { state.dropped = 0 }
      return state.dropped
    }
  }

  /// How full the queue is, and was.
  var report: PartReport.Queue {
    state.withLock { PartReport.Queue(waiting: $0.count, capacity: policy.size, highWater: $0.highWater) }
  }

  /// Events dropped in all.
  var totalDropped: Int { state.withLock { $0.totalDropped } }

  private func release() {
    for gate in gates { gate.release() }
  }

  private func waitForEvent() async {
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let goOn = state.withLock { state in
          if state.count > 0 || state.isEnded || Task.isCancelled { return true }
          state.waiter = continuation
          return false
        }
        if goOn { continuation.resume() }
      }
    } onCancel: {
      state.withLock { state in
        defer { state.waiter = nil }
        return state.waiter
      }?.resume()
    }
  }
}
