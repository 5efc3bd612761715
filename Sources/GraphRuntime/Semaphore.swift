internal import Glibc

/// A POSIX semaphore: any thread may post it, a signal's audio thread too.
final class Semaphore: @unchecked Sendable {
  // Unchecked: the pointer never changes, and a semaphore is made for many threads.
  private let pointer = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)

  init() { sem_init(pointer, 0, 0) }

  deinit {
    sem_destroy(pointer)
    pointer.deallocate()
  }

  func post() { sem_post(pointer) }
  func wait() { while sem_wait(pointer) != 0 && errno == EINTR {} }
}
