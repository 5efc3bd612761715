internal import FluxGraph
internal import Synchronization

/// The bounded queue in front of a sink of events.
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

    var count: Int { events.count - head }
  }

  /// What became of an event that was offered.
  enum Offer: Sendable, Hashable {
    case kept
    /// Dropped, as the first of a row.
    case firstDropped
    case dropped
  }

  private let policy: QueuePolicy
  private let state = Mutex(State())

  init(_ policy: QueuePolicy = QueuePolicy()) {
    self.policy = policy
  }

  /// Appends an event, unless the queue has been full for longer than the patience lasts. Never blocks.
  func offer(_ event: Event, now: Instant) -> Offer {
    let (result, waiter) = state.withLock { state -> (Offer, CheckedContinuation<Void, Never>?) in
      if state.isClosed { return (.kept, nil) }
      if state.count >= policy.size {
        let since = state.fullSince ?? now
        state.fullSince = since
        if now.duration(since: since) >= policy.patience || state.count >= policy.growth * policy.size {
          state.dropped += 1
          state.totalDropped += 1
          return (state.dropped == 1 ? .firstDropped : .dropped, nil)
        }
      } else {
        state.fullSince = nil
      }
      state.events.append((event, now))
      state.highWater = max(state.highWater, state.count)
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

  /// Says that nobody takes events any more: what waits and what comes is thrown away. Returns what waited.
  @discardableResult
  func close() -> Int {
    state.withLock { state in
      let count = state.count
      state.isClosed = true
      state.events = []
      state.head = 0
      return count
    }
  }

  /// The next event; nil after the last one, or when the task is cancelled. One task at a time.
  func next() async -> Event? { await nextOffered()?.event }

  /// The next event, and when it was offered.
  func nextOffered() async -> (event: Event, offered: Instant)? {
    while !Task.isCancelled {
      let (event, isOver) = state.withLock { state -> ((Event, Instant)?, Bool) in
        guard state.count > 0 else { return (nil, state.isEnded) }
        let event = state.events[state.head]
        state.head += 1
        // Moved down now and then, so that taking from the front stays cheap.
        if state.head >= 256 || state.head == state.events.count {
          state.events.removeFirst(state.head)
          state.head = 0
        }
        return (event, false)
      }
      if let event { return event }
      if isOver { return nil }
      await waitForEvent()
    }
    return nil
  }

  /// Events dropped since the last time this was told. It is told once the queue has half its room again, or no more events
  /// follow: while a sink lags behind, a word after each event would be one more flood.
  func takeDropped() -> Int {
    state.withLock { state in
      guard state.isEnded || state.count <= policy.size / 2 else { return 0 }
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
