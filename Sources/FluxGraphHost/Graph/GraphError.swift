public import FluxGraph
internal import GraphRuntime

/// Why a graph cannot run, or has not run well.
public struct GraphError: Error, Sendable, CustomStringConvertible {
  /// What went wrong.
  public enum Kind: Sendable, Hashable {
    /// The graph cannot run: its text is wrong, or it ran before.
    case invalid
    /// The program asks for a stream or a stage the graph does not name, or asks too late.
    case unknownName
    /// A stage failed for good.
    case failed
  }

  /// What went wrong.
  public var kind: Kind
  /// What it means for a program; also its exit code.
  public var code: StageError.Code
  /// The stage that failed, by the name the graph gives it; nil where it is no stage's failure.
  public var stage: String?
  /// Where the stage stands in the text, such as `graph:3:19`.
  public var location: String?
  /// What happened; for a wrong text, what `check` prints.
  public var message: String
  /// What can be done about it.
  public var help: String?
  /// What else failed, the more severe first.
  public var others: [GraphError] = []

  init(kind: Kind, code: StageError.Code, message: String, help: String? = nil) {
    self.kind = kind
    self.code = code
    self.message = message
    self.help = help
  }

  init(_ failure: RunningGraph.Failure, others: [GraphError]) {
    self.init(
      kind: .failed, code: failure.error.code, message: failure.error.message, help: failure.error.help)
    stage = failure.title
    location = failure.location
    self.others = others
  }

  /// The stage, what happened, and what can be done about it.
  public var description: String {
    (stage.map { "\($0): " } ?? "") + message + (help.map { ". \($0)" } ?? "")
  }
}
