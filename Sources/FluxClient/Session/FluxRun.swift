internal import FluxGraph

/// The sessions of one stage from their start to the end of the last. On the context's loop.
final class FluxRun: @unchecked Sendable {
  // Unchecked: touched on the loop only.

  private let sessions: [FluxSession]
  private let input: FluxInput
  /// Seconds of audio that wait, in the session where most does.
  private let backlog: Gauge
  private var ended: (@Sendable ((any Error)?) -> Void)?
  /// The run itself, as long as it runs: its sessions do not hold it.
  private var itself: FluxRun?
  private var error: StageError?
  private var running = 0
  private var isCancelled = false

  init(_ sessions: [FluxSession], _ input: FluxInput, backlog: Gauge) {
    self.backlog = backlog
    self.sessions = sessions
    self.input = input
  }

  /// Runs the sessions to their end, then calls `ended`: with an error when one of them failed for good, which ends the others. On the
  /// loop.
  func start(_ ended: @escaping @Sendable ((any Error)?) -> Void) {
    if isCancelled { return ended(nil) }
    self.ended = ended
    itself = self
    running = sessions.count
    for session in sessions {
      // A session speaks of it once more after the last has ended.
      session.onBacklog = { [weak self, backlog] in
        backlog.set(self?.sessions.map(\.waitingSeconds).max() ?? 0)
      }
    }
    for session in sessions { session.start { [unowned self] error in sessionEnded(error) } }
    input.start()
  }

  private func sessionEnded(_ error: StageError?) {
    running -= 1
    if self.error == nil, let error {
      self.error = error
      cancelSessions()
    }
    guard running == 0, let ended else { return }
    self.ended = nil
    ended(self.error)
    itself = nil
  }

  /// Ends the sessions at once. On the loop.
  func cancel() {
    isCancelled = true
    cancelSessions()
  }

  private func cancelSessions() {
    for session in sessions where !session.isOver { session.cancel() }
  }

  /// Gives a command to every session. On the loop.
  func command(_ command: StageCommand) -> StageReply {
    let replies = sessions.map { $0.command(command) }
    guard replies.count > 1 else { return replies.first ?? StageReply(isAccepted: false, "nothing runs") }
    return StageReply(
      isAccepted: replies.contains(where: \.isAccepted),
      replies.map(\.message).joined(separator: "; "),
      details: [("channels", .array(replies.map { .object($0.details.map { ($0.name, $0.value) }) }))])
  }
}
