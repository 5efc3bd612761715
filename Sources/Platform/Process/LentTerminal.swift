internal import Glibc

/// The terminal of this program, for as long as another program has it in the foreground. Used on one thread.
final class LentTerminal {
  /// A descriptor of it.
  let descriptor: Int32

  /// Nil where there is no terminal, or where this program is not in its foreground and could not have asked on it either.
  init?() {
    descriptor = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY)
    guard descriptor >= 0 else { return nil }
    guard tcgetpgrp(descriptor) == getpgrp() else {
      close(descriptor)
      return nil
    }
  }

  deinit { close(descriptor) }

  /// Has this program in the foreground again.
  func takeBack() {
    // Who is in the background and does so is stopped, unless the signal for that is held back.
    var (signals, before) = (sigset_t(), sigset_t())
    sigemptyset(&signals)
    sigaddset(&signals, SIGTTOU)
    pthread_sigmask(SIG_BLOCK, &signals, &before)
    tcsetpgrp(descriptor, getpgrp())
    pthread_sigmask(SIG_SETMASK, &before, nil)
  }
}
