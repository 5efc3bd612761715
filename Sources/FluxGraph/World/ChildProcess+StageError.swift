internal import Glibc
internal import Platform

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

  /// Appends what the program has written and has room, for a stage that makes it the source of its stream.
  /// - Parameter name: what the program is called in messages.
  /// - Throws: `StageError` with code `inputOutput`.
  package func read(into bytes: inout ByteBuffer, name: String) throws(StageError) -> SourceProgress {
    var transferred = Transferred.end
    bytes.append { room in
      transferred = read(into: room)
      return if case .bytes(let count) = transferred { count } else { 0 }
    }
    return try SourceProgress(transferred, from: name)
  }
}

extension SourceProgress {
  /// What reading came to.
  /// - Throws: `StageError` with code `inputOutput`, naming what was read.
  package init(_ transferred: Transferred, from name: String) throws(StageError) {
    switch transferred {
    case .bytes: self = .produced
    case .end: self = .finished
    case .notNow: self = .waiting
    case .failed(let problem):
      throw StageError(.inputOutput, "cannot read from \(name): \(SystemError(number: problem))")
    }
  }
}
