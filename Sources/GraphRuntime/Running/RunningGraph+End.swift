internal import FluxGraph
internal import GraphLanguage
internal import Synchronization

// An end in time, and what there is to say of what was lost by then.
extension RunningGraph {
  /// What was lost has been told when it was; where nothing else failed, it becomes what the run ends with.
  func fail(forLossesOf notices: NoticeGate) {
    guard !services.toleratesLosses else { return }
    let hasFailed = hasFailed
    for losses in notices.losses {
      let title = losses.stage ?? plan.nodes.first { $0.location == losses.location }?.title ?? "the graph"
      let error = StageError(.unavailable, losses.text, help: "With `--lossy` that is no failure.")
      if !hasFailed {
        state.withLock {
          $0.failures.append(Failure(title: title, location: losses.location ?? "", error: error))
        }
      }
      services.notice(
        Notice(
          "losses", "\(losses.text) in all; with `--lossy` that is no failure", severity: .warning,
          stream: title),
        losses.location)
    }
  }

  /// Ends the sources as `stop()` does, and the graph when the time is over. What it could not do by then is told, and makes it fail.
  package func stop(within time: Duration) {
    let now = services.world.clock.now()
    guard end.ask(now: now, within: time) else { return }
    stop()
    if let deadline = end.recogniserDeadline {
      _ = services.world.loop.schedule(at: deadline) { [weak self] in self?.endRecognisers() }
    }
    if let deadline = end.deadline {
      _ = services.world.loop.schedule(at: deadline) { [weak self] in self?.giveUp(after: time) }
    }
  }

  /// Recognisers wait no longer for their service.
  private func endRecognisers() {
    // What ends behind them has not come to them.
    let reports = parts.withLock { $0 }.map(\.report).filter { $0.state != .ended && $0.state != .failed }
    if reports.contains(where: { $0.kind == .recogniser }) {
      for part in reports where part.kind == .chain {
        let text = "\(part.name) did not end in time; the audio in it was not transcribed"
        partFailed(StagePlace(part), StageError(.unavailable, text))
      }
    }
    let (tasks, cancels) = state.withLock { state in
      (state.recognisers.compactMap { state.tasks[$0] }, state.cancels)
    }
    for task in tasks { task.cancel() }
    for cancel in cancels { cancel() }
  }

  /// Ends what is still there after its time, and says what that was.
  private func giveUp(after time: Duration) {
    let left = parts.withLock { $0 }.map(\.report).filter { $0.state != .ended && $0.state != .failed }
    let isOver = state.withLock { $0.parts == 0 || $0.isAborted }
    if isOver { return }
    // Audio waits for those behind it; they are the ones to name.
    let sinks = left.filter { $0.kind == .sink }
    for part in sinks.isEmpty ? left : sinks {
      let missing = part.kind == .sink ? part.unwritten + part.droppedEvents : 0
      var text = "\(part.name) did not end within \(time.unitText)"
      if missing > 0 { text += "; it has not taken \(missing) event\(missing == 1 ? "" : "s")" }
      partFailed(StagePlace(part), StageError(.unavailable, text))
    }
    abort()
  }
}
