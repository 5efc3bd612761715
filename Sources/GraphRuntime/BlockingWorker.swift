internal import FluxGraph
internal import Glibc

/// A thread that runs operations which may block, one after the other: `disk` for files, `stdout` for standard output.
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
}

/// Work for one thread.
private final class JobQueue: @unchecked Sendable {
  // Unchecked: the two variables are touched only under `mutex`; the pointers never change.
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  private var jobs: [@Sendable () -> Void] = []
  private var isClosed = false

  init() {
    pthread_mutex_init(mutex, nil)
    pthread_cond_init(condition, nil)
  }

  deinit {
    pthread_mutex_destroy(mutex)
    pthread_cond_destroy(condition)
    mutex.deallocate()
    condition.deallocate()
  }

  func append(_ job: @escaping @Sendable () -> Void) {
    pthread_mutex_lock(mutex)
    jobs.append(job)
    pthread_cond_signal(condition)
    pthread_mutex_unlock(mutex)
  }

  /// Says that nothing more is appended.
  func close() {
    pthread_mutex_lock(mutex)
    isClosed = true
    pthread_cond_signal(condition)
    pthread_mutex_unlock(mutex)
  }

  /// Runs jobs as they come, until the queue is closed and empty.
  func runAll() {
    while true {
      pthread_mutex_lock(mutex)
      // A while and not an if: a condition variable may wake its waiters for no reason.
      while jobs.isEmpty && !isClosed { pthread_cond_wait(condition, mutex) }
      let batch = jobs
      jobs = []
      pthread_mutex_unlock(mutex)
      if batch.isEmpty { return }
      for job in batch { job() }
    }
  }
}
