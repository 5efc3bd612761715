internal import FluxGraph

/// What `run` shows of itself while it runs, as a value: one line on a terminal.
struct RunStatus: Equatable {
  /// A session with Flux, by what `ctl PATH status` answers.
  struct Session: Equatable {
    var name: String
    var state: String
    /// Whether a turn is open.
    var isOpen: Bool
    /// Seconds of audio that wait to be sent.
    var backlog: Double
  }

  /// Less waits in every healthy session now and then.
  fileprivate static let leastBacklog = 1.0

  /// Stream time, in seconds.
  var seconds: Double
  /// What of a finite input has been read, from 0 to 1; nil for live input, and where its length is not known.
  var fraction: Double?
  var sessions: [Session] = []

  init(seconds: Double, fraction: Double?, answers: [(name: String, reply: StageReply)]) {
    self.seconds = seconds
    self.fraction = fraction
    for (name, reply) in answers {
      let details = JSONValue.object(reply.details.map { ($0.name, $0.value) })
      guard let channels = details["channels"]?.arrayValue else {
        if let session = Session(name, details) { sessions.append(session) }
        continue
      }
      sessions += channels.enumerated().compactMap { Session("\(name) \($0.offset + 1)", $0.element) }
    }
  }

  /// Whether something keeps the audio from the service.
  var isTroubled: Bool {
    sessions.contains { $0.state == "waiting" || $0.backlog >= Self.leastBacklog }
  }

  /// The line for a terminal of so many columns; the last one is left free.
  func line(columns: Int) -> String {
    var parts: [String] = []
    if let fraction {
      let share = min(1, max(0, fraction))
      let isWide = columns >= 60
      if isWide { parts.append(Self.bar(share, cells: 20)) }
      let percent = String(Int(share * 100))
      parts.append(String(repeating: " ", count: max(0, 3 - percent.count)) + percent + " %")
      // Before that the estimate is a guess.
      let total = isWide && share >= 0.01 ? " of about \(positionText(seconds / share))" : ""
      parts.append(positionText(seconds) + total)
    } else {
      parts.append(positionText(seconds))
    }
    let open = sessions.filter { $0.state != "over" }
    parts += open.map { (open.count > 1 ? "\($0.name): " : "") + $0.text }
    return Self.fitted(parts.joined(separator: "  ").onOneLine, columns: max(1, columns - 1))
  }

  private static func bar(_ share: Double, cells: Int) -> String {
    let full = Int(share * Double(cells))
    let head = full < cells ? ">" : ""
    let body = String(repeating: "=", count: full) + head
    return "[" + body + String(repeating: " ", count: cells - body.count) + "]"
  }

  private static func fitted(_ text: String, columns: Int) -> String {
    guard displayColumns(text) > columns else { return text }
    var fitted = ""
    var width = 1
    for character in text {
      width += displayWidth(character)
      if width > columns { break }
      fitted.append(character)
    }
    return fitted + "…"
  }
}

extension RunStatus.Session {
  fileprivate init?(_ name: String, _ details: JSONValue) {
    guard let state = details["state"]?.stringValue else { return nil }
    self.init(
      name: name, state: state, isOpen: details["open"]?.boolValue ?? false,
      backlog: details["backlog"]?.doubleValue ?? 0)
  }

  fileprivate var text: String {
    var text =
      switch state {
      case "streaming": "connected"
      case "waiting": "disconnected"
      case "connecting", "greeting": "connecting"
      case "forcing", "closing": "ending"
      default: state
      }
    if isOpen { text += ", turn open" }
    if backlog >= RunStatus.leastBacklog { text += ", \(fixedText(backlog, digits: 1)) s behind" }
    return text
  }
}
