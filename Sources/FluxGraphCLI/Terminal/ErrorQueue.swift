internal import GraphRuntime
internal import Platform
internal import Synchronization

/// What a program that runs for long has to say on standard error, on its way there: a terminal that was stopped, or a reader that
/// sleeps, must not hold up the sound.
final class ErrorQueue: Sendable {
  static let shared = ErrorQueue()

  private struct State {
    /// The thread that writes; nil as long as nothing runs that could be held up.
    var worker: BlockingWorker?
    var bytes = 0
    var lost = 0
  }

  /// Bytes that wait for a reader.
  private static let limit = 1 << 20
  /// How long the end of the program waits for one.
  private static let patience = Duration.seconds(1)

  private let state = Mutex(State())

  /// From now on nobody waits for what he writes.
  func begin() { state.withLock { $0.worker = $0.worker ?? BlockingWorker("stderr") } }

  /// Writes in turn, or at once where nothing runs.
  /// - Parameters:
  ///   - size: bytes.
  ///   - write: writes them.
  func submit(size: Int, _ write: @escaping @Sendable () -> Void) {
    let (worker, isFull) = state.withLock { state -> (BlockingWorker?, Bool) in
      guard state.worker != nil, state.bytes + size > Self.limit else {
        state.bytes += state.worker == nil ? 0 : size
        return (state.worker, false)
      }
      state.lost += 1
      return (nil, true)
    }
    if isFull { return }
    guard let worker else { return write() }
    worker.submit { [self] in
      write()
      let lost = state.withLock { state in
        state.bytes -= size
        defer { if state.bytes == 0 { state.lost = 0 } }
        return state.bytes == 0 ? state.lost : 0
      }
      if lost > 0 {
        Terminal.error.writeNow("warning: \(lost) lines were not shown: nobody read standard error\n")
      }
    }
  }

  /// Waits until everything is written, but not for long.
  func flush() async {
    guard let worker = state.withLock({ $0.worker }) else { return }
    let (stream, written) = AsyncStream<Void>.makeStream()
    worker.submit { written.finish() }
    let timer = Task {
      try? await Task.sleep(for: Self.patience)
      written.finish()
    }
    for await _ in stream {}
    timer.cancel()
  }
}
