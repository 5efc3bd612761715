internal import Glibc

/// Which file there is at a path, and whether it is still what it was: its number on the disk, its size and its last change.
public struct FileIdentity: Sendable, Hashable, CustomStringConvertible {
  /// The three in one word.
  public let description: String

  /// nil where there is no file.
  public init?(of path: String) {
    var state = stat()
    guard lstat(path, &state) == 0, state.st_mode & S_IFMT == S_IFREG else { return nil }
    description = "\(state.st_ino):\(state.st_size):\(state.st_mtim.tv_sec).\(state.st_mtim.tv_nsec)"
  }
}
