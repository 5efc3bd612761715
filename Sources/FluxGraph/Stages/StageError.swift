/// Why a stage could not go on: one sentence in the user's words, what to do about it, and the exit code it leads to.
public struct StageError: Error, Sendable, CustomStringConvertible {
  /// What a failure means for the program; also its exit code (sysexits.h).
  public enum Code: Int32, Sendable, Hashable, Comparable {
    /// The input is not what it was said to be, or is damaged.
    case badInput = 65
    /// A service, device or program cannot be reached.
    case unavailable = 69
    /// A fault of this program.
    case `internal` = 70
    /// Reading or writing failed.
    case inputOutput = 74
    /// The service refused the key.
    case refused = 77
    /// The graph asks for what cannot be.
    case badGraph = 78

    public static func < (left: Code, right: Code) -> Bool { left.rawValue < right.rawValue }
  }

  /// What the failure means for the program.
  public var code: Code
  /// What happened, as one sentence without a full stop, naming the file, host or device.
  public var message: String
  /// What the user can do about it.
  public var help: String?
  /// Whether it only says that something was lost, which users may not mind.
  public var isLoss = false

  public init(_ code: Code, _ message: String, help: String? = nil) {
    self.code = code
    self.message = message
    self.help = help
  }

  public var description: String { help.map { "\(message). \($0)" } ?? message }
}

extension StageError {
  /// An operation on a file that the system refused, as the failure of a stage.
  public init(_ error: FileError) { self.init(.inputOutput, error.description) }

  /// Runs operations on files; their failure is that of the stage.
  public static func onFiles<Result>(_ body: () throws(FileError) -> Result) throws(StageError) -> Result {
    do throws(FileError) { return try body() } catch { throw StageError(error) }
  }
}

extension StageError {
  /// The failure of an operation on a file: "cannot open a.txt: Permission denied".
  public static func file(_ attempt: String, _ path: String, _ code: Int32) -> StageError {
    StageError(FileError(attempt, path, code))
  }
}
