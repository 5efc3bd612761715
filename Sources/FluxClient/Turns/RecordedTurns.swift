package import FluxGraph
package import FluxProtocol

/// Turns recorded messages of the service into the events a session would have given.
package struct RecordedTurns {
  private var turns = TurnStateMachine()
  private let session = "recording"
  private var end = 0.0

  package init() {}

  /// The events of the next message.
  package mutating func events(of message: String) throws(ServerMessageError) -> [Event] {
    switch try ServerMessage(decoding: message) {
    case .connected: return events(turns.beginConnection(at: end))
    case .turnInfo(let info): return events(turns.receive(info))
    default: return []
    }
  }

  /// The end of a turn the recording leaves open.
  package mutating func finish() -> [Event] { events(turns.endLocally(.inputEnded)) }

  private mutating func events(_ outputs: [TurnStateMachine.Output]) -> [Event] {
    var events: [Event] = []
    for case .event(let event) in outputs {
      end = max(end, event.end ?? 0)
      events.append(
        .turn(TurnEvent(event, stream: nil, session: session, time: WallTime(seconds: event.end ?? 0))))
    }
    return events
  }
}
