/// Something the user should know that is not a turn: reconnected, gap, device moved, sink failing.
public struct Notice: Sendable {
  /// How much it matters to the user.
  public enum Severity: String, Sendable, Hashable {
    /// Good to know; something may be lost; something failed.
    case info, warning, error
  }

  /// How much it matters.
  public var severity: Severity
  /// A stable word for programs, such as `reconnected`.
  public var notice: String
  /// The stage it comes from, by the name the user gave.
  public var stream: String?
  /// When it happened.
  public var time: WallTime
  /// One plain sentence for people.
  public var message: String
  /// More for programs, such as the seconds lost.
  public var details: [(name: String, value: JSONValue)]

  /// A notice: a stable word for programs, such as `gap`, and one plain sentence for people.
  public init(
    _ notice: String, _ message: String, severity: Severity = .info, stream: String? = nil,
    time: WallTime = .now(), details: [(name: String, value: JSONValue)] = []
  ) {
    self.severity = severity
    self.notice = notice
    self.stream = stream
    self.time = time
    self.message = message
    self.details = details
  }
}
