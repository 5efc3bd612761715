internal import FluxGraph

/// The sessions of one stage from their start to the end of the last. On the context's loop, but for `run`.
final class FluxRun: @unchecked Sendable {
  // Unchecked: touched on the loop only.

  private let sessions: [FluxSession]
  private let input: FluxInput
  private var finished: CheckedContinuation<Void, any Error>?
  private var error: StageError?
  private var running = 0
  private var isCancelled = false

  init(_ sessions: [FluxSession], _ input: FluxInput) {
    self.sessions = sessions
    self.input = input
  }

  /// Runs the sessions to their end.
  /// - Throws: `StageError` when one of them fails for good; the others are then ended.
  func run(on loop: any GraphLoop) async throws {
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        loop.execute { [self] in start(continuation) }
      }
    } onCancel: {
      loop.execute { [self] in
        isCancelled = true
        cancel()
      }
    }
  }

  private func start(_ continuation: CheckedContinuation<Void, any Error>) {
    if isCancelled { return continuation.resume() }
    finished = continuation
    running = sessions.count
    for session in sessions { session.start { [unowned self] error in ended(error) } }
    input.start()
  }

  private func ended(_ error: StageError?) {
    running -= 1
    if self.error == nil, let error {
      self.error = error
      cancel()
    }
    guard running == 0, let finished else { return }
    self.finished = nil
    if let error = self.error { finished.resume(throwing: error) } else { finished.resume() }
  }

  private func cancel() {
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
