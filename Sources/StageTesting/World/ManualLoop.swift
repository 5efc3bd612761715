public import FluxGraph
internal import Synchronization

/// A loop and a clock that stand still until a test moves them. What is handed to the loop runs when the test says so.
public final class ManualLoop: GraphLoop, GraphClock, Sendable {
  private struct Entry {
    var time: Instant
    var number: Int
    var body: @Sendable () -> Void
    var isCancelled: Bool
  }

  private struct State {
    var now = Instant(nanoseconds: 1_000_000_000)
    var wallSeconds = 1_700_000_000.0
    var queue: [@Sendable () -> Void] = []
    var timers: [Entry] = []
    var count = 0
    var absence = Duration.zero
  }

  private let state = Mutex(State())

  /// - Parameter start: the monotonic clock's first time.
  public init(start: Instant = Instant(nanoseconds: 1_000_000_000)) {
    state.withLock { $0.now = start }
  }

  public func now() -> Instant { state.withLock { $0.now } }
  public func wallTime() -> WallTime { state.withLock { WallTime(seconds: $0.wallSeconds) } }

  public func execute(_ body: @escaping @Sendable () -> Void) {
    state.withLock { $0.queue.append(body) }
  }

  public func schedule(at time: Instant, _ body: @escaping @Sendable () -> Void) -> any GraphTimer {
    let number = state.withLock { state in
      state.count += 1
      state.timers.append(Entry(time: time, number: state.count, body: body, isCancelled: false))
      return state.count
    }
    return ManualTimer { [weak self] in
      self?.state.withLock { state in state.timers.removeAll { $0.number == number } }
    }
  }

  /// How many timers are set.
  public var timerCount: Int { state.withLock { $0.timers.count } }

  public var absence: Duration { state.withLock { $0.absence } }

  /// Moves the time without running anything, as when the process is stopped; what is scheduled comes later by that.
  public func stop(for duration: Duration) {
    state.withLock { state in
      move(&state, to: state.now.advanced(by: duration))
      state.absence += duration
      for index in state.timers.indices {
        state.timers[index].time = state.timers[index].time.advanced(by: duration)
      }
    }
  }

  /// Runs what was handed over, until nothing is left.
  public func runPending() {
    while true {
      let bodies = state.withLock { state in
        defer { state.queue = [] }
        return state.queue
      }
      if bodies.isEmpty { return }
      for body in bodies { body() }
    }
  }

  /// Moves the time, and runs what falls due on the way, in its order.
  public func advance(by duration: Duration) {
    runPending()
    let end = now().advanced(by: duration)
    while true {
      let due = state.withLock { state -> Entry? in
        guard let index = state.timers.indices.min(by: { order(state.timers[$0]) < order(state.timers[$1]) }),
          state.timers[index].time <= end
        else { return nil }
        let entry = state.timers.remove(at: index)
        move(&state, to: max(state.now, entry.time))
        return entry
      }
      guard let due else { break }
      due.body()
      runPending()
    }
    state.withLock { move(&$0, to: end) }
  }

  private func order(_ entry: Entry) -> (Instant, Int) { (entry.time, entry.number) }

  private func move(_ state: inout State, to time: Instant) {
    state.wallSeconds += time.duration(since: state.now).seconds
    state.now = time
  }
}

private struct ManualTimer: GraphTimer {
  let body: @Sendable () -> Void

  init(_ body: @escaping @Sendable () -> Void) {
    self.body = body
  }

  func cancel() { body() }
}
