internal import Glibc

extension ChildProcess {
  /// Starts a program.
  /// - Parameters:
  ///   - arguments: the program, searched for in `PATH`, and its arguments.
  ///   - directory: the program's working directory.
  ///   - hasInput: whether there is a pipe to its standard input; without one it reads the end at once.
  /// - Throws: `StageError` with code `unavailable` when there is no such program.
  public convenience init(
    _ arguments: [String], directory: String, environment: [String: String], hasInput: Bool
  ) throws(StageError) {
    try self.init(
      arguments, directory: directory, environment: environment, input: hasInput ? .pipe : .none)
  }

  /// Starts a program.
  /// - Parameters:
  ///   - arguments: the program, searched for in `PATH`, and its arguments.
  ///   - directory: the program's working directory.
  ///   - input: what it reads.
  /// - Throws: `StageError` with code `unavailable` when there is no such program.
  public convenience init(
    _ arguments: [String], directory: String, environment: [String: String], input: Input
  ) throws(StageError) {
    do throws(ChildProcessError) {
      try self.init(starting: arguments, directory: directory, environment: environment, input: input)
    } catch {
      throw StageError(
        error.program.isEmpty && error.code == EINVAL ? .badGraph : .unavailable, "\(error)",
        help: error.isMissing ? "Install it, or give its path." : nil)
    }
  }
}
