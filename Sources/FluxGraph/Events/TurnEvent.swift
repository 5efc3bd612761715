/// What a speaker's turn is doing: one message of the recogniser, numbered and timed over the whole session.
public struct TurnEvent: Sendable {
  /// What happened. An open set: services may add kinds, which are passed on.
  public struct Kind: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
    /// The word in the event's JSON.
    public let rawValue: String

    public init(rawValue: String) {
      self.rawValue = rawValue
    }

    /// More audio was heard; text and confidence may have changed.
    public static let update = Kind(rawValue: "Update")
    /// Someone began to speak.
    public static let startOfTurn = Kind(rawValue: "StartOfTurn")
    /// The turn is probably over; only sent when `eager_eot_threshold` is set.
    public static let eagerEndOfTurn = Kind(rawValue: "EagerEndOfTurn")
    /// The speaker went on after an `EagerEndOfTurn`.
    public static let turnResumed = Kind(rawValue: "TurnResumed")
    /// The turn is over; the transcript is whole.
    public static let endOfTurn = Kind(rawValue: "EndOfTurn")

    /// The kinds Flux is known to send.
    public static let known: [Kind] = [.update, .startOfTurn, .eagerEndOfTurn, .turnResumed, .endOfTurn]

    /// The word in the event's JSON.
    public var description: String { rawValue }
  }

  /// What ended a turn. An open set: services and stages of other packages may have their own.
  public struct Trigger: RawRepresentable, Sendable, Hashable, ExpressibleByStringLiteral,
    CustomStringConvertible
  {
    /// The word in the event's JSON.
    public let rawValue: String

    public init(rawValue: String) {
      self.rawValue = rawValue
    }

    public init(stringLiteral word: String) {
      self.init(rawValue: word)
    }

    /// The service, by what it heard.
    public static let model: Trigger = "model"
    /// The service, because nothing was said for as long as `eot_timeout_ms`.
    public static let timeout: Trigger = "timeout"
    /// The service, because it was asked to.
    public static let manual: Trigger = "manual"
    /// Ended here, because its connection was lost.
    public static let disconnected: Trigger = "disconnected"
    /// Ended here, because the service fell silent.
    public static let stalled: Trigger = "stalled"
    /// Ended here, because the service began another turn without ending it.
    public static let superseded: Trigger = "superseded"
    /// Ended here, because the input ended before the service ended the turn.
    public static let inputEnded: Trigger = "input-ended"

    /// The triggers of `flux`: the service's first, then those of turns that had to be ended here.
    public static let known: [Trigger] = [
      .model, .timeout, .manual, .disconnected, .stalled, .superseded, .inputEnded,
    ]
    /// What fields and the schema say of it.
    static let summary = "What ended the turn: \(known.map(\.rawValue).joined(separator: ", "))."

    /// The word in the event's JSON.
    public var description: String { rawValue }
  }

  /// One recognised word.
  public struct Word: Sendable, Hashable {
    /// The word, with its punctuation.
    public var word: String
    /// Seconds of stream time; nil where the service gives no word times.
    public var start: Double?
    /// Where it ends, in seconds of stream time; nil where the service gives no word times.
    public var end: Double?
    /// From 0 to 1.
    public var confidence: Double

    public init(word: String, start: Double? = nil, end: Double? = nil, confidence: Double = 0) {
      self.word = word
      self.start = start
      self.end = end
      self.confidence = confidence
    }
  }

  /// What happened.
  public var kind: Kind
  /// The name given with `as=`.
  public var stream: String?
  /// An identifier of the session, new in every run.
  public var session: String
  /// The number of the turn, counted from 1 over the session.
  public var turn: Int
  /// On `EndOfTurn`: whether the service ended the turn. False when it had to be ended here; then `trigger` says why.
  public var isFinal: Bool?
  /// On `EndOfTurn`: what ended the turn.
  public var trigger: Trigger?
  /// Whether the turn was sent to the service again after a lost connection.
  public var isReplayed = false
  /// Whether the service left this event out and it was added here.
  public var isSynthesised = false
  /// Where the turn begins and how far it has come, in seconds of stream time.
  public var start: Double
  /// How far it has come, in seconds of stream time.
  public var end: Double
  /// When the event arrived.
  public var time: WallTime
  /// The turn's text so far.
  public var transcript: String
  /// Its words so far.
  public var words: [Word]
  /// The languages heard, most words first.
  public var languages: [String]
  /// The service's own fields, as they came.
  public var service: JSONValue? {
    get {
      switch serviceOrigin {
      case nil: nil
      case .fields(let fields): fields
      case .message(let text): Self.serviceFields(of: text)
      }
    }
    set { serviceOrigin = newValue.map(ServiceOrigin.fields) }
  }
  private var serviceOrigin: ServiceOrigin?

  private enum ServiceOrigin: Sendable {
    case fields(JSONValue)
    /// What they are found in when somebody asks for them: most events are thrown away, or shown without them.
    case message([UInt8])
  }
  /// The fields the JSON is restricted to, beside its version and the kind; nil for all.
  public var shownFields: [String]?

  public init(
    kind: Kind, stream: String? = nil, session: String, turn: Int, isFinal: Bool? = nil,
    trigger: Trigger? = nil,
    start: Double, end: Double, time: WallTime, transcript: String, words: [Word] = [],
    languages: [String] = [],
    service: JSONValue? = nil
  ) {
    self.kind = kind
    self.stream = stream
    self.session = session
    self.turn = turn
    self.isFinal = isFinal
    self.trigger = trigger
    self.start = start
    self.end = end
    self.time = time
    self.transcript = transcript
    self.words = words
    self.languages = languages
    self.service = service
  }

  /// Has `service` found in the service's message, the text of a JSON object, once somebody asks for it: the message's fields
  /// without those that stand in the event itself.
  public mutating func setService(fromMessage message: [UInt8]) { serviceOrigin = .message(message) }

  /// A message's fields without those that stand in the event itself.
  private static func serviceFields(of message: [UInt8]) -> JSONValue? {
    guard let members = try? JSONValue.parse(message).members else { return nil }
    var kept: [(String, JSONValue)] = []
    kept.reserveCapacity(members.count)
    for index in members.indices where !ownFields.contains(members[index].0) { kept.append(members[index]) }
    return .object(kept)
  }

  private static let ownFields: Set<String> = [
    "type", "event", "transcript", "words", "languages", "trigger",
  ]

  /// About how many bytes of memory the event takes.
  public var footprint: Int {
    var bytes = 512 + transcript.utf8.count
    for word in words { bytes += MemoryLayout<Word>.size + word.word.utf8.count }
    switch serviceOrigin {
    case nil: return bytes
    case .message(let message): return bytes + message.count
    case .fields(let fields): return bytes + fields.footprint
    }
  }

  /// The mean confidence of the words, from 0 to 1; nil without words.
  public var confidence: Double? {
    words.isEmpty ? nil : words.reduce(0) { $0 + $1.confidence } / Double(words.count)
  }
}
