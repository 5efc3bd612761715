internal import Glibc

/// An operation on a file or directory that the system refused.
package struct FileError: Error, Sendable, Hashable, CustomStringConvertible {
  /// What was tried, as a message begins: "cannot open", "cannot make the directory".
  package var attempt: String
  /// The path it was tried on.
  package var path: String
  /// The system's reason, as `errno` has it.
  package var code: Int32

  /// An operation that failed for the reason `code`.
  package init(_ attempt: String, _ path: String, _ code: Int32) {
    self.attempt = attempt
    self.path = path
    self.code = code
  }

  /// "cannot open a.txt: Permission denied".
  package var description: String { "\(attempt) \(path): \(reason)" }

  /// The system's reason in its own words: "No space left on device".
  package var reason: String { String(cString: strerror(code)) }
}
