internal import Glibc
internal import Synchronization

/// Reads the signals that end a program, and those of the user, on the main thread. All other threads have them blocked.
final class SignalReader: Sendable {
  private let handler = Mutex<(@Sendable (Int32) -> Void)?>(nil)
  private let userHandlers = Mutex<[Int32: @Sendable () -> Void]>([:])
  private let set: sigset_t

  /// Blocks the signals. To be made before any other thread, which inherits that.
  init() {
    var set = sigset_t()
    sigemptyset(&set)
    for number in [SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2] { sigaddset(&set, number) }
    pthread_sigmask(SIG_BLOCK, &set, nil)
    self.set = set
  }

  /// What is called for a signal. Without a handler the program ends, with the signal's usual code.
  func handle(_ body: @escaping @Sendable (Int32) -> Void) {
    handler.withLock { $0 = body }
  }

  /// What is called for SIGUSR1 or SIGUSR2. Without a handler nothing happens.
  func handleUserSignal(_ number: Int32, _ body: @escaping @Sendable () -> Void) {
    userHandlers.withLock { $0[number] = body }
  }

  /// The main thread's work.
  func readForever() -> Never {
    var set = set
    while true {
      var number: Int32 = 0
      guard sigwait(&set, &number) == 0 else { continue }
      if number == SIGUSR1 || number == SIGUSR2 {
        userHandlers.withLock { $0[number] }?()
        continue
      }
      if let body = handler.withLock({ $0 }) { body(number) } else { exit(128 + number) }
    }
  }
}
