internal import FluxGraph
internal import Synchronization

/// The one place the notices of a graph pass on their way to people: they are counted, and kept from being a flood. What leaves by
/// the ports `notices` does not come here: that is data, of which programs want all, and count themselves.
final class NoticeGate: Sendable {
  private struct State {
    var throttle = NoticeThrottle()
    var timer: (time: Instant, timer: any GraphTimer)?
  }

  private let state = Mutex(State())
  private let clock: any GraphClock
  private let loop: any GraphLoop
  private let count: @Sendable (Notice) -> Void
  private let pass: @Sendable (Notice, String?) -> Void

  init(_ services: GraphServices) {
    clock = services.clock
    loop = services.loop
    count = services.noticed
    pass = services.notice
  }

  func tell(_ notice: Notice, _ location: String?) {
    count(notice)
    let now = clock.now()
    let passing = state.withLock { state in
      let told = state.throttle.offer(.init(notice: notice, location: location), now: now)
      setTimer(&state)
      return told
    }
    if let passing { pass(passing.notice, passing.location) }
  }

  /// Tells what was held back: the graph has ended.
  func end() {
    let all = state.withLock { state in
      state.timer?.timer.cancel()
      state.timer = nil
      return state.throttle.end()
    }
    for told in all { pass(told.notice, told.location) }
  }

  private func setTimer(_ state: inout State) {
    let deadline = state.throttle.deadline
    guard deadline != state.timer?.time else { return }
    state.timer?.timer.cancel()
    state.timer = deadline.map { time in
      (time, loop.schedule(at: time) { [weak self] in self?.timeHasCome() })
    }
  }

  private func timeHasCome() {
    let now = clock.now()
    let due = state.withLock { state in
      state.timer = nil
      defer { setTimer(&state) }
      return state.throttle.due(now: now)
    }
    for told in due { pass(told.notice, told.location) }
  }
}
