internal import Glibc

/// An operation on a file or directory that the system refused.
public struct FileError: Error, Sendable, Hashable, CustomStringConvertible {
  /// What was tried, as a message begins: "cannot open", "cannot make the directory".
  public var attempt: String
  /// The path it was tried on.
  public var path: String
  /// The system's reason, as `errno` has it.
  public var code: Int32

  public init(_ attempt: String, _ path: String, _ code: Int32) {
    self.attempt = attempt
    self.path = path
    self.code = code
  }

  /// "cannot open a.txt: Permission denied".
  public var description: String { "\(attempt) \(path): \(reason)" }

  /// The same for something that could not be made for what is wrong with its directory, which is then named; nil where it is not the
  /// directory.
  public static func making(_ path: String, _ code: Int32) -> FileError? {
    var state = stat()
    if lstat(path, &state) == 0 { return nil }
    let place = directory(of: path)
    switch code {
    case EACCES, EROFS, EPERM: return FileError("cannot make \(path): no file can be made in", place, code)
    case ENOENT, ENOTDIR: return FileError("cannot make \(path): there is no directory", place, code)
    default: return nil
    }
  }

  /// The system's reason in its own words: "No space left on device".
  public var reason: String { String(cString: strerror(code)) }
}
