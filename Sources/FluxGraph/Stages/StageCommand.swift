/// What a user asks a stage to do while it runs: by `fluxgraph ctl`, or by a signal.
public enum StageCommand: Sendable, Hashable {
  /// The turn under way is to end now.
  case endTurn
  /// Settings are to change; the values are as the user wrote them.
  case set([Setting])
  /// The stage is to say how it fares.
  case status

  /// A setting and its new value.
  public struct Setting: Sendable, Hashable {
    /// The setting's name.
    public var name: String
    /// Its new value, as the user wrote it; empty to clear it.
    public var value: String

    public init(_ name: String, _ value: String) {
      self.name = name
      self.value = value
    }
  }
}

/// What a stage answers to a command.
public struct StageReply: Sendable {
  /// Whether the command is carried out.
  public var isAccepted: Bool
  /// One plain sentence.
  public var message: String
  /// More for programs.
  public var details: [(name: String, value: JSONValue)]

  public init(isAccepted: Bool, _ message: String, details: [(name: String, value: JSONValue)] = []) {
    self.isAccepted = isAccepted
    self.message = message
    self.details = details
  }
}

/// Answers commands. Called on the context's loop.
public typealias StageCommandHandler = @Sendable (StageCommand) -> StageReply
