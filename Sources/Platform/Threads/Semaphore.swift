internal import Glibc

/// A POSIX semaphore: any thread may post it, a signal's audio thread too.
package final class Semaphore: @unchecked Sendable {
  // Unchecked: the pointer never changes, and a semaphore is made for many threads.
  private let pointer = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)

  package init() { sem_init(pointer, 0, 0) }

  deinit {
    sem_destroy(pointer)
    pointer.deallocate()
  }

  package func post() { sem_post(pointer) }
  package func wait() { _ = uninterrupted { sem_wait(pointer) } }
}
