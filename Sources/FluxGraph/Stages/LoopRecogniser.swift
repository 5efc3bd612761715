internal import Synchronization

/// A recogniser all of whose work is done on the context's loop: once it has begun, no task has to wait for it, which would keep
/// several kilobytes for each of a thousand sessions.
public protocol LoopRecogniser: Recogniser {
  /// Begins to listen, and returns what ends it before its time, on any thread.
  /// - Parameters:
  ///   - audio: what is to be recognised.
  ///   - events: where its events go.
  ///   - context: what it may use of the world.
  ///   - ended: to be called once, with the error that ended it, if any.
  /// - Throws: `StageError` when it cannot begin; `ended` is not called then.
  mutating func begin(
    _ audio: AudioInlet, into events: EventOutlet, _ context: StageContext,
    ended: @escaping @Sendable ((any Error)?) -> Void
  ) async throws -> @Sendable () -> Void
}

extension LoopRecogniser {
  public var onLoop: (any LoopRecogniser)? { self }
  /// Begins, and waits for the end.
  public mutating func run(
    _ audio: AudioInlet, into events: EventOutlet, _ context: StageContext
  ) async throws {
    let end = RecogniserEnd()
    let cancel = try await begin(audio, into: events, context) { end.reach($0) }
    try await withTaskCancellationHandler {
      try await end.wait()
    } onCancel: {
      cancel()
    }
  }
}

/// The end of a recogniser, and who waits for it.
private final class RecogniserEnd: Sendable {
  private struct State {
    var result: Result<Void, any Error>?
    var waiter: CheckedContinuation<Void, any Error>?
  }

  private let state = Mutex(State())

  func reach(_ error: (any Error)?) {
    let result: Result<Void, any Error> = error.map { .failure($0) } ?? .success(())
    state.withLock { state in
      state.result = result
      return state.waiter
    }?.resume(with: result)
  }

  func wait() async throws {
    try await withCheckedThrowingContinuation { waiter in
      let result = state.withLock { state in
        state.waiter = waiter
        return state.result
      }
      if let result { waiter.resume(with: result) }
    }
  }
}
