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
  /// What is lost for good, of which it tells; nil for nothing. A run that has lost something does not end as if it had not.
  public var loss: Loss?

  /// Sound or events that nobody will get any more.
  public struct Loss: Sendable, Hashable {
    /// Seconds of audio, which are silence for whoever is behind the stage.
    public var audio: Double
    /// Events.
    public var events: Int

    public init(audio: Double = 0, events: Int = 0) {
      self.audio = audio
      self.events = events
    }
  }

  public init(
    _ notice: String, _ message: String, severity: Severity = .info, stream: String? = nil,
    time: WallTime = .now(), details: [(name: String, value: JSONValue)] = [], loss: Loss? = nil
  ) {
    self.severity = severity
    self.notice = notice
    self.stream = stream
    self.time = time
    self.message = message
    self.details = details
    self.loss = loss
  }
}
