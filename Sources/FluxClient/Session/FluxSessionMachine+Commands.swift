internal import FluxGraph
internal import FluxProtocol

// What users ask of a session while it runs.
extension FluxSessionMachine {
  mutating func command(_ command: StageCommand, now: Instant) -> (reply: StageReply, actions: [Action]) {
    switch command {
    case .endTurn: endTurn(now)
    case .set(let changes): set(changes, now)
    case .status: (status, [])
    }
  }

  private func endTurn(_ now: Instant) -> (StageReply, [Action]) {
    guard state == .streaming else {
      return (StageReply(isAccepted: false, "there is no connection to \(settings.host) now"), [])
    }
    guard turns.hasOpenTurn else { return (StageReply(isAccepted: false, "no turn is open"), []) }
    return (
      StageReply(isAccepted: true, "the turn is asked to end"), [.send(ClientMessage.forceEndTurn.encoded)]
    )
  }

  private mutating func set(
    _ changes: [StageCommand.Setting], _ now: Instant
  ) -> (StageReply, [Action]) {
    guard state != .over else { return (StageReply(isAccepted: false, "the session is over"), []) }
    let isConnected = state == .streaming
    do {
      let change = try ConfigureRequest(changes)
      guard !change.isEmpty else {
        return (StageReply(isAccepted: false, "name a setting and its value, such as eot_threshold=0.9"), [])
      }
      let message = try configure.request(change, isConnected: isConnected, now: now)
      let text =
        !isConnected
        ? "the next connection will have the new settings"
        : message == nil ? "asked for once the change under way is answered" : "asked for"
      return (StageReply(isAccepted: true, text), send(message))
    } catch {
      return (StageReply(isAccepted: false, "\(error)"), [])
    }
  }

  private var status: StageReply {
    let position = audio.seconds(audio.next)
    let backlog = audio.seconds(audio.waiting)
    let words: String =
      switch state {
      case .streaming: "connected to \(settings.host)"
      case .waiting: "waiting to try \(settings.host) again"
      case .connecting, .greeting: "connecting to \(settings.host)"
      case .forcing, .closing: "ending the stream"
      case .over: "over"
      }
    var text = "\(words), at \(positionText(position)), \(turns.endedTurns) turns"
    if turns.hasOpenTurn { text += " and one open" }
    if backlog >= 0.5 { text += ", \(fixedText(backlog, digits: 1)) s behind" }
    if isCompressed { text += ", as \(encodingName)" }
    return StageReply(
      isAccepted: true, text,
      details: [
        ("state", .string(state.rawValue)), ("host", .string(settings.host)),
        ("request_id", requestID.map(JSONValue.string) ?? .null), ("position", JSONValue(position)),
        ("backlog", JSONValue(backlog)), ("encoding", .string(encodingName)),
        ("sent", JSONValue(audio.seconds(audio.sent))),
        ("turns", JSONValue(turns.endedTurns)), ("open", .bool(turns.hasOpenTurn)),
        ("connections", JSONValue(connections)),
        (
          "settings",
          .object(configure.intended.items.map { ($0.name, JSONValue.string($0.value)) })
        ),
      ])
  }
}
