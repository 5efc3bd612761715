internal import CPlatform
internal import Glibc

// Operations on descriptors, each of them whole: a signal that comes in between shows nowhere else. All of them block.

/// Calls `body` again for as long as a signal interrupts it; returns what it returned in the end, with `errno` as it left it.
package func uninterrupted<Result: SignedInteger>(_ body: () -> Result) -> Result {
  while true {
    let result = body()
    if result != -1 || errno != EINTR { return result }
  }
}

/// What came of an attempt to read or write some bytes.
package enum Transferred: Equatable {
  /// So many bytes; 0 for a write of nothing.
  case bytes(Int)
  /// There is nothing more to read.
  case end
  /// Not without waiting.
  case notNow
  /// It failed, with this `errno`.
  case failed(Int32)

  fileprivate init(reading count: Int) {
    self = count > 0 ? .bytes(count) : count == 0 ? .end : .init(problem: errno)
  }

  fileprivate init(problem: Int32) {
    self = problem == EAGAIN ? .notNow : .failed(problem)
  }
}

/// Reads once, into the beginning of `room`.
package func readSome(_ descriptor: Int32, into room: UnsafeMutableRawBufferPointer) -> Transferred {
  Transferred(reading: uninterrupted { read(descriptor, room.baseAddress, room.count) })
}

/// Reads once from where a file is, if what is there is in memory already: for who must not wait for a disk or a network.
/// - Returns: nil where the file system cannot say.
package func readNow(_ descriptor: Int32, into room: UnsafeMutableRawBufferPointer) -> Transferred? {
  let count = uninterrupted { CPlatform_read_now(descriptor, room.baseAddress, room.count) }
  if count < 0, errno == EOPNOTSUPP || errno == ENOSYS { return nil }
  return Transferred(reading: count)
}

/// Reads once from a socket, into the beginning of `room`.
package func receiveSome(_ socket: Int32, into room: UnsafeMutableRawBufferPointer) -> Transferred {
  Transferred(reading: uninterrupted { recv(socket, room.baseAddress, room.count, 0) })
}

/// Writes once to a socket, as many of the bytes as are taken.
package func sendSome(_ bytes: UnsafeRawBufferPointer, to socket: Int32) -> Transferred {
  let count = uninterrupted { send(socket, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL)) }
  return count >= 0 ? .bytes(count) : .init(problem: errno)
}

/// Writes once, as many of the bytes as are taken.
package func writeSome(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) -> Transferred {
  let count = uninterrupted { Glibc.write(descriptor, bytes.baseAddress, bytes.count) }
  return count >= 0 ? .bytes(count) : .init(problem: errno)
}

/// Reads at a place of a file, as many bytes as there are.
/// - Returns: how many were read, and 0 or the `errno` of the failure.
package func readAll(
  _ room: UnsafeMutableRawBufferPointer, of descriptor: Int32, at offset: Int
) -> (count: Int, problem: Int32) {
  var filled = 0
  while filled < room.count {
    let count = uninterrupted {
      pread(descriptor, room.baseAddress! + filled, room.count - filled, offset + filled)
    }
    if count <= 0 { return (filled, count < 0 ? errno : 0) }
    filled += count
  }
  return (filled, 0)
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

/// Writes all bytes, however often it takes; returns 0 or the `errno` of the failure. Blocks.
public func writeWhole(_ bytes: [UInt8], to descriptor: Int32) -> Int32 {
  bytes.withUnsafeBytes { writeAll($0, to: descriptor).problem }
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
