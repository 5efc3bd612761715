internal import Glibc

/// A POSIX thread with a name. Its owner joins it.
///
/// All signals are blocked in it: the program reads them in one place.
package final class NamedThread: @unchecked Sendable {
  // Unchecked: `handle` is set in `init` and read in `join`, which the owner calls once.
  private var handle = pthread_t()

  private final class Body {
    let name: String
    let run: @Sendable () -> Void
    init(name: String, run: @escaping @Sendable () -> Void) {
      self.name = name
      self.run = run
    }
  }

  /// Starts a thread. `name` is cut after 15 characters, which is what Linux keeps.
  package init(_ name: String, _ run: @escaping @Sendable () -> Void) {
    let body = Unmanaged.passRetained(Body(name: String(name.prefix(15)), run: run))
    let result = pthread_create(
      &handle, nil,
      { argument in
        let body = Unmanaged<Body>.fromOpaque(argument!).takeRetainedValue()
        NamedThread.nameCurrent(body.name)
        var signals = sigset_t()
        sigfillset(&signals)
        pthread_sigmask(SIG_BLOCK, &signals, nil)
        body.run()
        return nil
      }, body.toOpaque())
    precondition(result == 0, "no thread could be started: \(String(cString: strerror(result)))")
  }

  /// Glibc's module does not show `pthread_setname_np`; the kernel takes the name through this file as well.
  private static func nameCurrent(_ name: String) {
    let file = open("/proc/thread-self/comm", O_WRONLY | O_CLOEXEC)
    guard file >= 0 else { return }
    _ = name.withCString { write(file, $0, strlen($0)) }
    close(file)
  }

  /// Whether this is the thread that asks.
  var isCurrent: Bool { pthread_equal(handle, pthread_self()) != 0 }

  /// Lets the thread end by itself, instead of a join.
  package func detach() {
    pthread_detach(handle)
  }

  /// Waits until the thread has ended.
  func join() {
    pthread_join(handle, nil)
  }
}
