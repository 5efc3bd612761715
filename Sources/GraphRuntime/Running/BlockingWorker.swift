package import FluxGraph
internal import Synchronization

/// A thread that runs operations which may block, one after the other: `stdout` for standard output. What reads and
/// writes files has `DiskThreads`.
///
/// What was handed over is still done when the worker goes away.
package final class BlockingWorker: BlockingThread, Sendable {
  private let jobs = JobQueue()
  private let thread: NamedThread

  package init(_ name: String) {
    thread = NamedThread(name) { [jobs] in jobs.runAll() }
  }

  deinit {
    jobs.close()
    // The last reference may be one that a job holds; a thread cannot wait for itself.
    if thread.isCurrent { thread.detach() } else { thread.join() }
  }

  package func run<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
    try await withCheckedThrowingContinuation { continuation in
      jobs.append { continuation.resume(with: Swift.Result { try body() }) }
    }
  }

  package func submit(_ job: @escaping @Sendable () -> Void) {
    jobs.append(job)
  }

  package func signal(_ body: @escaping @Sendable () -> Void) -> any GraphSignal {
    jobs.signals.signal(body)
  }
}

/// Work for one thread.
private final class JobQueue: Sendable {
  private struct State {
    var jobs: [@Sendable () -> Void] = []
    var isClosed = false
  }

  private let state = Mutex(State())
  /// Posted whenever there may be something to do.
  private let semaphore: Semaphore
  let signals: RaisedSignals

  init() {
    let semaphore = Semaphore()
    self.semaphore = semaphore
    signals = RaisedSignals { semaphore.post() }
  }

  func append(_ job: @escaping @Sendable () -> Void) {
    state.withLock { $0.jobs.append(job) }
    semaphore.post()
  }

  /// Says that nothing more is appended.
  func close() {
    state.withLock { $0.isClosed = true }
    semaphore.post()
  }

  /// Runs jobs as they come, until the queue is closed and empty.
  func runAll() {
    while true {
      let (batch, isClosed) = state.withLock { state in
        defer { state.jobs = [] }
        return (state.jobs, state.isClosed)
      }
      for job in batch { job() }
      if batch.isEmpty {
        if !signals.beginWait() {
          signals.answer()
        } else if isClosed {
          return
        } else {
          semaphore.wait()
        }
      }
    }
  }
}
