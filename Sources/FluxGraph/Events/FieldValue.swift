/// The value of an event's field, as predicates and templates see it.
public enum FieldValue: Sendable, Hashable, CustomStringConvertible {
  /// A text.
  case text(String)
  /// A number; its unit is the field's.
  case number(Double)
  /// A yes or no.
  case boolean(Bool)
  /// A list of texts.
  case list([String])

  public var description: String {
    switch self {
    case .text(let text): text
    case .number(let number): shortText(number)
    case .boolean(let value): value ? "true" : "false"
    case .list(let items): items.joined(separator: ", ")
    }
  }
}

/// A field of an event: its name, its type and what it means. The checker, templates and the documentation read this.
public struct EventField: Sendable, Hashable {
  /// The type of a field's value.
  public enum Kind: Sendable, Hashable {
    /// A text.
    case text
    /// A number.
    case number
    /// A yes or no.
    case boolean
    /// A list of texts.
    case list
    /// One of the names of events.
    case eventName
  }

  /// The field's name, as predicates and templates write it.
  public var name: String
  /// The type of its value.
  public var kind: Kind
  /// What it holds, as one sentence, with the unit.
  public var summary: String

  public init(_ name: String, _ kind: Kind, _ summary: String) {
    self.name = name
    self.kind = kind
    self.summary = summary
  }

  /// Every field a predicate may test, in the order of the event format.
  public static let all: [EventField] = [
    EventField(
      "event", .eventName,
      "What happened: \(TurnEvent.Kind.known.map(\.rawValue).joined(separator: ", ")) or Notice."),
    EventField("stream", .text, "The name given with `as=`."),
    EventField("session", .text, "An identifier of the session, new in every run."),
    EventField("turn", .number, "The number of the turn, counted from 1 over the session."),
    EventField("final", .boolean, "Whether the service ended the turn; false when it had to be ended here."),
    EventField("trigger", .text, TurnEvent.Trigger.summary),
    EventField(
      "replayed", .boolean, "Whether the turn was sent to the service again after a lost connection."),
    EventField("start", .number, "Where the turn begins, in seconds of stream time."),
    EventField("end", .number, "How far the turn has come, in seconds of stream time."),
    EventField("time", .text, "When the event arrived, as wall-clock time in UTC."),
    EventField("transcript", .text, "All that was said in the turn so far."),
    EventField("confidence", .number, "The mean confidence of the words, from 0 to 1."),
    EventField("languages", .list, "The languages heard, most words first; multilingual model only."),
    EventField("words", .list, "The words of the turn."),
    EventField("notice", .text, "What a notice is about, such as `reconnected`; notices only."),
    EventField("message", .text, "The text of a notice; notices only."),
    EventField("flux.request_id", .text, "The service's identifier of the connection."),
    EventField("flux.sequence_id", .number, "The number of the message on its connection."),
    EventField(
      "flux.turn_index", .number, "The service's own number of the turn, from 0 on each connection."),
    EventField(
      "flux.audio_window_start", .number,
      "Where the turn's audio begins, in seconds of the connection's audio."),
    EventField(
      "flux.audio_window_end", .number,
      "How far the service has listened, in seconds of the connection's audio."),
    EventField(
      "flux.end_of_turn_confidence", .number, "The service's confidence that the turn is over, from 0 to 1."),
  ]

  /// Fields a template may name beside those of `all`.
  public static let derived: [EventField] = [
    EventField("date", .text, "The local date the event arrived, such as 2026-11-20."),
    EventField("clock", .text, "The local time of day the event arrived, such as 14:02:11."),
    EventField(
      "position", .text, "Where the turn begins, as minutes and seconds of stream time, such as 1:23.4."),
  ]
}
