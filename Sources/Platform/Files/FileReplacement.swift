internal import Glibc

/// Puts a file with this content in the place of another in one step: whoever opens it sees the old or the new one, whole, also
/// after the power has failed. The new one keeps the permissions of the old one, and the place a symbolic link points to.
/// - Parameter permissions: what a file that was not there gets.
/// - Throws: `FileError`; the old file is then as it was.
public func replaceFile(
  _ path: String, with bytes: [UInt8], permissions: UInt32 = 0o644
) throws(FileError) {
  try replaceFile(path, permissions: permissions) { index throws(FileError) in index == 0 ? bytes : nil }
}

/// The same with content that comes piece by piece.
/// - Parameter piece: gives the piece of a number, from 0 on; nil after the last one.
/// - Throws: `FileError`, also what `piece` throws.
public func replaceFile(
  _ path: String, permissions: UInt32 = 0o644, _ piece: (Int) throws(FileError) -> [UInt8]?
) throws(FileError) {
  let place = target(of: path)
  let temporary = "\(place).\(getpid()).part"
  let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
  guard descriptor >= 0 else { throw FileError("cannot write into", directory(of: place), errno) }
  var state = stat()
  let isThere = stat(place, &state) == 0
  fchmod(descriptor, isThere ? state.st_mode & 0o7777 : permissions)
  // Root may keep the owner; everybody else is it.
  if isThere, geteuid() == 0 { _ = fchown(descriptor, state.st_uid, state.st_gid) }
  var problem: Int32 = 0
  do throws(FileError) {
    var buffer: [UInt8] = []
    var number = 0
    while problem == 0, let bytes = try piece(number) {
      number += 1
      buffer += bytes
      if buffer.count < 1 << 16 { continue }
      problem = buffer.withUnsafeBytes { writeAll($0, to: descriptor) }.problem
      buffer.removeAll(keepingCapacity: true)
    }
    if problem == 0 { problem = buffer.withUnsafeBytes { writeAll($0, to: descriptor) }.problem }
  } catch {
    close(descriptor)
    unlink(temporary)
    throw error
  }
  if problem == 0 && fsync(descriptor) != 0 { problem = errno }
  close(descriptor)
  if problem == 0 && rename(temporary, place) != 0 { problem = errno }
  if problem != 0 {
    unlink(temporary)
    throw FileError("cannot write", path, problem)
  }
}

/// Where a path leads when it is a symbolic link; the path itself otherwise.
private func target(of path: String) -> String {
  guard let resolved = realpath(path, nil) else { return path }
  defer { free(resolved) }
  return String(cString: resolved)
}

/// The whole of a file; nothing when there is none.
/// - Throws: `FileError` when it cannot be read.
public func readFile(_ path: String) throws(FileError) -> [UInt8] {
  let descriptor = open(path, O_RDONLY | O_CLOEXEC)
  if descriptor < 0 && errno == ENOENT { return [] }
  guard descriptor >= 0 else { throw FileError("cannot open", path, errno) }
  defer { close(descriptor) }
  return try readAll(of: descriptor, path)
}
