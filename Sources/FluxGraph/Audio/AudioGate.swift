internal import Synchronization

/// Keeps a recogniser from its audio while a queue for its events is full. What feeds the recogniser is then held back in turn.
package final class AudioGate: Sendable {
  private struct State {
    var holds = 0
    var staysOpen = false
    var opened: (@Sendable () -> Void)?
  }

  private let state = Mutex(State())
  private let isShut = Atomic<Bool>(false)

  package init() {}

  /// Whether audio is to be held back.
  package var isClosed: Bool { isShut.load(ordering: .sequentiallyConsistent) }

  /// One more queue is full. Every call is followed by one of `release`.
  package func hold() {
    state.withLock { state in
      state.holds += 1
      isShut.store(!state.staysOpen, ordering: .sequentiallyConsistent)
    }
  }

  /// A queue that was full has room.
  package func release() {
    open { $0.holds -= 1 }
  }

  /// The graph is to end: what is on its way is let through, however full the queues.
  package func openForGood() {
    open { $0.staysOpen = true }
  }

  /// Sets what is called, on any thread, when the gate opens. Only the first call counts.
  func onOpen(_ body: @escaping @Sendable () -> Void) {
    state.withLock { $0.opened = $0.opened ?? body }
  }

  private func open(_ change: (inout State) -> Void) {
    let opened = state.withLock { state in
      change(&state)
      guard state.holds == 0 || state.staysOpen else { return nil as (@Sendable () -> Void)? }
      isShut.store(false, ordering: .sequentiallyConsistent)
      return state.opened
    }
    opened?()
  }
}
