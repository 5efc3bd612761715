internal import CPlatform
internal import Glibc

/// What one thread waits for and any other ends the wait with: without a lock and an allocation, so that an audio thread may.
package final class WakeUp: Sendable {
  /// Can be read from the first ``signal()`` on until ``clear()``: for those who wait for other descriptors, too.
  package let descriptor: Int32

  /// - Throws: where the system has no descriptor left.
  package init() throws(SystemError) {
    descriptor = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
    if descriptor < 0 { throw SystemError(number: errno) }
  }

  deinit { close(descriptor) }

  /// Ends the wait, or the next one.
  package func signal() { eventfd_write(descriptor, 1) }

  /// Lets the next wait be one.
  package func clear() {
    var count: eventfd_t = 0
    eventfd_read(descriptor, &count)
  }

  /// - Parameter time: the longest wait; nil for as long as nobody ends it.
  package func wait(for time: Duration?) {
    var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    let milliseconds = time.map { Int32(min(max(0, $0.nanoseconds / 1_000_000), 1 << 30)) } ?? -1
    if poll(&entry, 1, milliseconds) > 0 { clear() }
  }
}
