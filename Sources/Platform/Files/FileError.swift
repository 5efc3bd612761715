internal import Glibc

/// An operation on a file or directory that the system refused.
public struct FileError: Error, Sendable, Hashable, CustomStringConvertible {
  /// What was tried, as a message begins: "cannot open", "cannot make the directory".
  public var attempt: String
  /// The path it was tried on.
  public var path: String
  /// The system's reason, as `errno` has it.
  public var code: Int32

  /// An operation that failed for the reason `code`.
  public init(_ attempt: String, _ path: String, _ code: Int32) {
    self.attempt = attempt
    self.path = path
    self.code = code
  }

  /// "cannot open a.txt: Permission denied".
  public var description: String { "\(attempt) \(path): \(reason)" }

  /// The system's reason in its own words: "No space left on device".
  public var reason: String { String(cString: strerror(code)) }
}
