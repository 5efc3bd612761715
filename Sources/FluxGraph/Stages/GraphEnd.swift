internal import Synchronization

/// When a graph that was asked to end is over at the latest. There is one for each run, and every part that might take its time
/// goes by it.
package final class GraphEnd: Sendable {
  private struct State {
    var asked: Instant?
    var time = Duration.zero
    var hooks: [@Sendable () -> Void] = []
  }

  private let state = Mutex(State())

  package init() {}

  /// Asks for the end. Only the first time counts.
  /// - Returns: whether it was the first.
  package func ask(now: Instant, within time: Duration) -> Bool {
    let hooks = state.withLock { state -> [@Sendable () -> Void]? in
      guard state.asked == nil else { return nil }
      state.asked = now
      state.time = time
      defer { state.hooks = [] }
      return state.hooks
    }
    guard let hooks else { return false }
    for hook in hooks { hook() }
    return true
  }

  /// When it is over, whatever is left; nil while nobody has asked for it.
  package var deadline: Instant? { after(0.95) }

  /// When recognisers wait no longer for their service: what has been said is still to be written.
  package var recogniserDeadline: Instant? { after(0.75) }

  /// When sinks wait no longer for their receivers: there is still something to be said of what is left.
  package var sinkDeadline: Instant? { after(0.9) }

  private func after(_ part: Double) -> Instant? {
    state.withLock { state in state.asked?.advanced(by: .seconds(state.time.seconds * part)) }
  }

  /// Has `body` called once the end is asked for.
  /// - Returns: false, without calling it, when that has been already.
  package func onAsked(_ body: @escaping @Sendable () -> Void) -> Bool {
    state.withLock { state in
      if state.asked == nil { state.hooks.append(body) }
      return state.asked == nil
    }
  }
}
