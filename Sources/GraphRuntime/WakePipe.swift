internal import FluxGraph
internal import Glibc

/// What one thread waits for, no longer than it likes, and any other ends the wait with: without a lock and an allocation, so that an
/// audio thread may.
final class WakePipe: Sendable {
  private let reading: Int32
  private let writing: Int32

  init() {
    var ends: [Int32] = [-1, -1]
    let result = pipe(&ends)
    precondition(result == 0, "no pipe could be made: \(String(cString: strerror(errno)))")
    for end in ends {
      _ = fcntl(end, F_SETFD, FD_CLOEXEC)
      _ = fcntl(end, F_SETFL, O_NONBLOCK)
    }
    (reading, writing) = (ends[0], ends[1])
  }

  deinit {
    close(reading)
    close(writing)
  }

  /// Ends the wait, or the next one.
  func wake() {
    var byte: UInt8 = 0
    // A full pipe wakes as well.
    _ = write(writing, &byte, 1)
  }

  /// - Parameter time: the longest wait; nil for as long as nobody ends it.
  func wait(for time: Duration?) {
    var poll = pollfd(fd: reading, events: Int16(POLLIN), revents: 0)
    let milliseconds = time.map { Int32(min(max(0, $0.nanoseconds / 1_000_000), 1 << 30)) } ?? -1
    guard Glibc.poll(&poll, 1, milliseconds) > 0 else { return }
    var bytes: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
    withUnsafeMutableBytes(of: &bytes) { while read(reading, $0.baseAddress, $0.count) == $0.count {} }
  }
}
