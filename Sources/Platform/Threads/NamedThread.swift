internal import CPlatform
internal import Glibc

/// A POSIX thread with a name. Its owner joins it, or lets it go.
///
/// All signals are blocked in it: the program reads them in one place.
package final class NamedThread: @unchecked Sendable {
  // Unchecked: `handle` never changes, and a thread is ended by its owner, once.
  private let handle: pthread_t

  private final class Body {
    let name: String
    let run: @Sendable () -> Void
    init(name: String, run: @escaping @Sendable () -> Void) {
      self.name = name
      self.run = run
    }
  }

  /// Starts a thread; nil where the system has none left. `name` is cut after 15 characters, which is what Linux keeps.
  package init?(trying name: String, _ run: @escaping @Sendable () -> Void) {
    let body = Unmanaged.passRetained(Body(name: String(name.prefix(15)), run: run))
    // A thread inherits the mask: blocking first leaves no moment in which it could take a signal.
    var all = sigset_t()
    var before = sigset_t()
    sigfillset(&all)
    pthread_sigmask(SIG_SETMASK, &all, &before)
    defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
    var created = pthread_t()
    let problem = pthread_create(
      &created, nil,
      { argument in
        let body = Unmanaged<Body>.fromOpaque(argument!).takeRetainedValue()
        pthread_setname_np(pthread_self(), body.name)
        body.run()
        return nil
      }, body.toOpaque())
    guard problem == 0 else {
      body.release()
      return nil
    }
    handle = created
  }

  /// Starts a thread without which the program cannot go on: where the system has none left, it ends.
  package convenience init(_ name: String, _ run: @escaping @Sendable () -> Void) {
    guard let thread = NamedThread(trying: name, run) else { exhausted("thread", EAGAIN) }
    self.init(thread.handle)
  }

  private init(_ handle: pthread_t) {
    self.handle = handle
  }

  /// Whether this is the thread that asks.
  package var isCurrent: Bool { pthread_equal(handle, pthread_self()) != 0 }

  /// Lets the thread end by itself, instead of a join.
  package func detach() {
    pthread_detach(handle)
  }

  /// Waits until the thread has ended.
  package func join() {
    pthread_join(handle, nil)
  }
}
