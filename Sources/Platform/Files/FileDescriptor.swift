internal import Glibc

// Operations on descriptors, each of them whole: a signal that comes in between shows nowhere else. All of them block.

/// Calls `body` again for as long as a signal interrupts it; returns what it returned in the end, with `errno` as it left it.
package func uninterrupted<Result: SignedInteger>(_ body: () -> Result) -> Result {
  while true {
    let result = body()
    if result != -1 || errno != EINTR { return result }
  }
}

/// Writes all bytes, however often it takes. Returns how many were written, and 0 or the `errno` of the failure.
package func writeAll(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) -> (count: Int, problem: Int32) {
  var written = 0
  while written < bytes.count {
    let count = uninterrupted {
      Glibc.write(descriptor, bytes.baseAddress! + written, bytes.count - written)
    }
    if count >= 0 {
      written += count
    } else if errno == EAGAIN {
      // Someone else made the descriptor non-blocking: wait as a blocking write would.
      var entry = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
      poll(&entry, 1, -1)
    } else {
      return (written, errno)
    }
  }
  return (written, 0)
}

/// Writes all bytes at a place of a file. Returns how many were written, and 0 or the `errno` of the failure.
package func writeAll(
  _ bytes: UnsafeRawBufferPointer, to descriptor: Int32, at offset: Int
) -> (count: Int, problem: Int32) {
  var written = 0
  while written < bytes.count {
    let count = uninterrupted {
      pwrite(descriptor, bytes.baseAddress! + written, bytes.count - written, offset + written)
    }
    if count <= 0 { return (written, count < 0 ? errno : ENOSPC) }
    written += count
  }
  return (written, 0)
}

/// Reads what is left of a file, or its first `limit` bytes.
/// - Throws: `FileError` naming `path`.
package func readAll(
  of descriptor: Int32, _ path: String, limit: Int = .max
) throws(FileError) -> [UInt8] {
  var bytes: [UInt8] = []
  var piece = [UInt8](repeating: 0, count: 1 << 16)
  while bytes.count < limit {
    let wanted = min(piece.count, limit - bytes.count)
    let count = uninterrupted { read(descriptor, &piece, wanted) }
    if count < 0 { throw FileError("cannot read", path, errno) }
    if count == 0 { break }
    bytes += piece[..<count]
  }
  return bytes
}
