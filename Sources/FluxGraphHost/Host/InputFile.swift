package import FluxGraph
internal import Glibc

/// Reads whole small files: graphs and settings.
package enum InputFile {
  /// The bytes of a file, or of standard input for `-`.
  /// - Parameter isRegular: whether it must be a file; pipes and devices, which may never end, are refused then.
  /// - Throws: `StageError` when it cannot be read or is longer than `limit`.
  package static func read(_ path: String, limit: Int, isRegular: Bool = false) throws(StageError) -> [UInt8]
  {
    let flags = O_RDONLY | O_CLOEXEC | (isRegular ? O_NONBLOCK : 0)
    let descriptor = path == "-" ? dup(STDIN_FILENO) : open(path, flags)
    guard descriptor >= 0 else { throw failure("cannot open", path) }
    defer { close(descriptor) }
    if isRegular {
      var state = stat()
      guard fstat(descriptor, &state) == 0, state.st_mode & S_IFMT == S_IFREG else {
        throw StageError(.inputOutput, "\(path) is no file")
      }
    }
    let bytes = try StageError.onFiles { () throws(FileError) in
      try readAll(of: descriptor, path, limit: limit + 1)
    }
    if bytes.count > limit { throw StageError(.badGraph, "\(path) is longer than \(ByteCount(limit))") }
    return bytes
  }

  private static func failure(_ what: String, _ path: String) -> StageError {
    StageError(.inputOutput, "\(what) \(path): \(String(cString: strerror(errno)))")
  }
}
