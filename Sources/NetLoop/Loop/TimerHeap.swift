import Synchronization

/// One call to be made at a time; made by ``EventLoop/schedule(at:_:)``.
///
/// `Sendable` because everything but the flag and the constants is touched on the loop thread only.
package final class LoopTimer: @unchecked Sendable {
  package let deadline: SuspendingClock.Instant
  private let loop: EventLoop
  private let isCancelled = Atomic(false)
  fileprivate var body: (@Sendable () -> Void)?
  /// Place in the heap, -1 outside it.
  fileprivate var index = -1
  fileprivate var sequence: UInt64 = 0

  init(loop: EventLoop, deadline: SuspendingClock.Instant, body: @escaping @Sendable () -> Void) {
    self.loop = loop
    self.deadline = deadline
    self.body = body
  }

  /// Cancels the call; harmless after it was made or when repeated. On the loop thread the call is certain not to
  /// happen afterwards; from another thread it may be running at this moment. Any thread.
  package func cancel() {
    guard !isCancelled.exchange(true, ordering: .relaxed) else { return }
    if loop.isOnLoop {
      loop.timers.remove(self)
    } else {
      loop.execute { self.loop.timers.remove(self) }
    }
  }

  fileprivate func fire() {
    let body = self.body
    self.body = nil
    if !isCancelled.load(ordering: .relaxed) { body?() }
  }
}

/// The timers of a loop: a binary heap by deadline, equal deadlines in the order of their scheduling. Loop thread only.
struct TimerHeap {
  private var timers: [LoopTimer] = []
  private var nextSequence: UInt64 = 0

  var count: Int { timers.count }
  var nextDeadline: SuspendingClock.Instant? { timers.first?.deadline }

  mutating func insert(_ timer: LoopTimer) {
    // A timer cancelled before it arrived here has nothing left to do.
    guard timer.body != nil else { return }
    timer.sequence = nextSequence
    nextSequence += 1
    timer.index = timers.count
    timers.append(timer)
    moveUp(timer.index)
  }

  mutating func remove(_ timer: LoopTimer) {
    timer.body = nil
    let index = timer.index
    guard index >= 0 else { return }
    timer.index = -1
    let last = timers.removeLast()
    guard index < timers.count else { return }
    place(last, at: index)
    moveUp(index)
    moveDown(last.index)
  }

  mutating func removeAll() {
    for timer in timers {
      timer.index = -1
      timer.body = nil
    }
    timers.removeAll()
  }

  /// Takes out the earliest timer when it is due.
  mutating func popDue(_ now: SuspendingClock.Instant) -> LoopTimer? {
    guard let first = timers.first, first.deadline <= now else { return nil }
    let body = first.body
    remove(first)
    first.body = body
    return first
  }

  private func isBefore(_ left: LoopTimer, _ right: LoopTimer) -> Bool {
    left.deadline == right.deadline ? left.sequence < right.sequence : left.deadline < right.deadline
  }

  private mutating func place(_ timer: LoopTimer, at index: Int) {
    timers[index] = timer
    timer.index = index
  }

  private mutating func moveUp(_ start: Int) {
    let timer = timers[start]
    var index = start
    while index > 0, isBefore(timer, timers[(index - 1) / 2]) {
      place(timers[(index - 1) / 2], at: index)
      index = (index - 1) / 2
    }
    place(timer, at: index)
  }

  private mutating func moveDown(_ start: Int) {
    let timer = timers[start]
    var index = start
    while true {
      var child = 2 * index + 1
      guard child < timers.count else { break }
      if child + 1 < timers.count, isBefore(timers[child + 1], timers[child]) { child += 1 }
      guard isBefore(timers[child], timer) else { break }
      place(timers[child], at: index)
      index = child
    }
    place(timer, at: index)
  }
}

extension EventLoop {
  /// Calls `body` on the loop thread at `deadline` or up to a millisecond later; never before. Any thread.
  @discardableResult
  package func schedule(
    at deadline: SuspendingClock.Instant, _ body: @escaping @Sendable () -> Void
  ) -> LoopTimer {
    let timer = LoopTimer(loop: self, deadline: deadline, body: body)
    if isOnLoop {
      timers.insert(timer)
    } else {
      execute { self.timers.insert(timer) }
    }
    return timer
  }

  /// Calls `body` on the loop thread after a delay. Any thread.
  @discardableResult
  package func schedule(after delay: Duration, _ body: @escaping @Sendable () -> Void) -> LoopTimer {
    schedule(at: now.advanced(by: delay), body)
  }

  /// Runs the timers that were due at `now`; one scheduled meanwhile waits for the next turn, so that a timer
  /// which renews itself without delay cannot hold up the sockets.
  func runTimers(now: SuspendingClock.Instant) {
    var budget = timers.count
    while budget > 0, let timer = timers.popDue(now) {
      budget -= 1
      timer.fire()
    }
  }
}
