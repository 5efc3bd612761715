internal import Synchronization

/// The signals that were raised since a thread last looked: a list, the latest first, on which any thread puts itself without
/// a lock and without an allocation.
package final class RaisedSignals: Sendable {
  private final class Signal: GraphSignal {
    let body: @Sendable () -> Void
    let isRaised = Atomic<Bool>(false)
    /// The signal that was raised before this one.
    let previous = Atomic<Unmanaged<Signal>?>(nil)
    private let list: RaisedSignals

    init(_ list: RaisedSignals, _ body: @escaping @Sendable () -> Void) {
      self.list = list
      self.body = body
    }

    func raise() {
      if !isRaised.exchange(true, ordering: .acquiringAndReleasing) { list.add(self) }
    }
  }

  private let latest = Atomic<Unmanaged<Signal>?>(nil)
  private let isAwaited = Atomic<Bool>(false)
  private let wakeUp: @Sendable () -> Void

  /// - Parameter wakeUp: ends the wait the answering thread is in, or is about to begin. Called on the raising thread; it may
  ///   neither wait nor allocate.
  package init(wakeUp: @escaping @Sendable () -> Void) {
    self.wakeUp = wakeUp
  }

  // MARK: - Any thread

  /// A signal: each time it was raised, `body` is called on the answering thread, once for however often that was.
  package func signal(_ body: @escaping @Sendable () -> Void) -> any GraphSignal {
    Signal(self, body)
  }

  private func add(_ signal: Signal) {
    let new = Unmanaged.passRetained(signal)
    var current = latest.load(ordering: .relaxed)
    var isAdded = false
    while !isAdded {
      signal.previous.store(current, ordering: .relaxed)
      (isAdded, current) = latest.compareExchange(
        expected: current, desired: new, ordering: .sequentiallyConsistent)
    }
    if isAwaited.exchange(false, ordering: .sequentiallyConsistent) { wakeUp() }
  }

  // MARK: - The answering thread

  /// Says that the thread is about to wait, and returns whether it may.
  package func beginWait() -> Bool {
    isAwaited.store(true, ordering: .sequentiallyConsistent)
    // Looked at after the announcement: whoever adds a signal later sees it.
    return latest.load(ordering: .sequentiallyConsistent) == nil
  }

  /// Does what the signals ask for, in their order.
  package func answer() {
    isAwaited.store(false, ordering: .relaxed)
    var next = takeAll()
    while let entry = next {
      let signal = entry.takeRetainedValue()
      next = signal.previous.exchange(nil, ordering: .relaxed)
      // Before the work: what is raised meanwhile is more work.
      signal.isRaised.store(false, ordering: .sequentiallyConsistent)
      signal.body()
    }
  }

  /// The signals of the list, the first raised first: each has the one after it where the one before it was.
  private func takeAll() -> Unmanaged<Signal>? {
    var next = latest.exchange(nil, ordering: .acquiringAndReleasing)
    var first: Unmanaged<Signal>?
    while let entry = next {
      next = entry._withUnsafeGuaranteedRef { $0.previous.exchange(first, ordering: .relaxed) }
      first = entry
    }
    return first
  }
}
