import FluxGraph
import Synchronization

/// What the stages of a test and the test itself share. Stages find it as a resource of their context.
final class Bench: Sendable {
  struct State {
    /// What each sink has been given, by the sink's name.
    var samples: [String: [Int16]] = [:]
    var pieces: [String: [Int]] = [:]
    var events: [String: [Event]] = [:]
    /// Calls of `prepare` and `finish`, in order, by the sink's name.
    var calls: [String: [String]] = [:]
    /// Frames each source has given, by the source's name.
    var produced: [String: Int] = [:]
    /// The largest number of frames a source was ahead of the sink it watches.
    var greatestLead = 0
    var isOpen = false
    var reached: Set<String> = []
    var wakes: [@Sendable () -> Void] = []
    var waiters: [(condition: @Sendable (State) -> Bool, continuation: CheckedContinuation<Void, Never>)] = []
  }

  private let state = Mutex(State())

  func read<Result>(_ body: (State) -> Result) -> Result { state.withLock { body($0) } }

  /// Changes something, wakes the sources that wait and the test when what it waits for has come.
  func update(_ body: (inout State) -> Void) {
    let (wakes, waiters) = state.withLock { state in
      body(&state)
      let due = state.waiters.filter { $0.condition(state) }
      let current = state
      state.waiters.removeAll { $0.condition(current) }
      return (state.wakes, due)
    }
    for wake in wakes { wake() }
    for waiter in waiters { waiter.continuation.resume() }
  }

  func reach(_ name: String) { update { $0.reached.insert(name) } }

  /// Opens the gates.
  func open() { update { $0.isOpen = true } }

  /// Returns once `condition` holds.
  func wait(until condition: @escaping @Sendable (State) -> Bool) async {
    await withCheckedContinuation { continuation in
      let holds = state.withLock { state in
        if condition(state) { return true }
        state.waiters.append((condition, continuation))
        return false
      }
      if holds { continuation.resume() }
    }
  }
}

extension StageContext {
  var bench: Bench { resource(Bench.self)! }
}

/// The samples a `counting` source gives: never zero, so that silence stands out.
func counted(_ range: Range<Int>) -> [Int16] { range.map { Int16($0 % 32_767 + 1) } }
