internal import Synchronization

/// How long the sinks of a graph go on delivering once there is nothing left to come. The host program provides it to those
/// that ask for it; without one they do not wait for another try.
package final class DeliveryDrain: Sendable {
  private struct State {
    var isOver = false
    var ends: [@Sendable () -> Void] = []
  }

  /// How long they try for.
  let time: Duration
  /// Whether the time begins anew with each event that is delivered.
  let followsProgress: Bool
  private let state = Mutex(State())

  /// - Parameter followsProgress: whether the time begins anew with each event that is delivered.
  package init(_ time: Duration, followsProgress: Bool = false) {
    self.time = time
    self.followsProgress = followsProgress
  }

  /// Nobody wants to wait any longer.
  package func end() {
    let ends = state.withLock { state in
      state.isOver = true
      defer { state.ends = [] }
      return state.ends
    }
    for end in ends { end() }
  }

  /// Has `body` called when nobody wants to wait any longer.
  /// - Returns: false, without calling it, when that is so already.
  func onEnd(_ body: @escaping @Sendable () -> Void) -> Bool {
    state.withLock { state in
      if !state.isOver { state.ends.append(body) }
      return !state.isOver
    }
  }
}
