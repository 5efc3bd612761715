internal import FluxGraph
internal import Glibc
internal import Synchronization

/// A thread that runs operations which may block, one after the other: `disk` for files, `stdout` for standard output.
package final class BlockingWorker: BlockingThread, @unchecked Sendable {
  // Unchecked: `jobs` and `isStopping` are touched only under `mutex`; the pointers never change.
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  private var jobs: [@Sendable () -> Void] = []
  private var isStopping = false
  private var thread: NamedThread?

  package init(_ name: String) {
    pthread_mutex_init(mutex, nil)
    pthread_cond_init(condition, nil)
    thread = NamedThread(name) { [unowned self] in work() }
  }

  deinit {
    pthread_mutex_lock(mutex)
    isStopping = true
    pthread_cond_signal(condition)
    pthread_mutex_unlock(mutex)
    thread?.join()
    pthread_mutex_destroy(mutex)
    pthread_cond_destroy(condition)
    mutex.deallocate()
    condition.deallocate()
  }

  package func run<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
    try await withCheckedThrowingContinuation { continuation in
      submit { continuation.resume(with: Swift.Result { try body() }) }
    }
  }

  package func submit(_ job: @escaping @Sendable () -> Void) {
    pthread_mutex_lock(mutex)
    jobs.append(job)
    pthread_cond_signal(condition)
    pthread_mutex_unlock(mutex)
  }

  private func work() {
    while true {
      pthread_mutex_lock(mutex)
      // A while and not an if: a condition variable may wake its waiters for no reason.
      while jobs.isEmpty && !isStopping { pthread_cond_wait(condition, mutex) }
      let batch = jobs
      jobs = []
      let ends = isStopping && batch.isEmpty
      pthread_mutex_unlock(mutex)
      if ends { return }
      for job in batch { job() }
    }
  }
}
