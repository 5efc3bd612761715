internal import FluxGraph
internal import Synchronization

/// The one place the notices of a graph pass on their way to people: they are counted, and kept from being a flood. What leaves by
/// the ports `notices` does not come here: that is data, of which programs want all, and count themselves.
final class NoticeGate: Sendable {
  private struct State {
    var throttle = NoticeThrottle()
    var timer: (time: Instant, timer: any GraphTimer)?
    var losses: [Losses] = []
  }

  /// What a stage has lost.
  struct Losses: Sendable {
    /// The stage's name, as its notices have it; nil where they have none.
    var stage: String?
    var location: String?
    var loss: Notice.Loss

    /// "20.4 s of audio and 12 events were lost".
    var text: String {
      var parts: [String] = []
      if loss.audio > 0 { parts.append("\(fixedText(loss.audio, digits: 2)) s of audio") }
      if loss.events > 0 { parts.append("\(loss.events) event\(loss.events == 1 ? "" : "s")") }
      return parts.joined(separator: " and ")
        + (loss.audio == 0 && loss.events == 1 ? " was lost" : " were lost")
    }
  }

  private let state = Mutex(State())
  private let clock: any GraphClock
  private let loop: any GraphLoop
  private let count: @Sendable (Notice) -> Void
  private let pass: @Sendable (Notice, String?) -> Void

  init(_ services: GraphServices) {
    clock = services.world.clock
    loop = services.world.loop
    count = services.noticed
    pass = services.notice
  }

  func tell(_ notice: Notice, _ location: String?) {
    count(notice)
    let now = clock.now()
    let passing = state.withLock { state in
      if let loss = notice.loss { add(loss, notice.stream, location, &state.losses) }
      let told = state.throttle.offer(.init(notice: notice, location: location), now: now)
      setTimer(&state)
      return told
    }
    if let passing { pass(passing.notice, passing.location) }
  }

  /// What was lost, in the order in which it began.
  var losses: [Losses] { state.withLock { $0.losses } }

  private func add(_ loss: Notice.Loss, _ stage: String?, _ location: String?, _ losses: inout [Losses]) {
    guard let index = losses.firstIndex(where: { $0.stage == stage && $0.location == location }) else {
      return losses.append(Losses(stage: stage, location: location, loss: loss))
    }
    losses[index].loss.audio += loss.audio
    losses[index].loss.events += loss.events
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
