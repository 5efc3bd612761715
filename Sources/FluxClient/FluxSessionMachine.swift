package import FluxGraph
package import FluxProtocol

/// The life of one session with Flux, as a value: what has happened goes in, what to do about it comes out. Time is an argument.
///
/// ```
/// connecting ─▶ greeting ─▶ streaming ─▶ forcing ─▶ closing ─▶ over
///              (Connected)  (audio)   (ForceEndTurn) (CloseStream)
/// ```
package struct FluxSessionMachine: Sendable {
  /// What the session's owner has to do, in this order.
  package enum Action: Sendable {
    /// Hand an event to everything behind the stage.
    case emit(SessionTurnEvent)
    case notice(Notice)
    /// Send a text message.
    case send(String)
    /// Audio may be sent from now on.
    case startAudio
    /// Drop the connection at once.
    case abort
    /// The session is over, in good order or with an error.
    case finish(StageError?)
  }

  package enum State: Equatable, Sendable {
    case connecting, greeting, streaming, forcing, closing, over
  }

  /// How long each wait may last.
  package struct Limits: Sendable {
    package var connected = FluxGuards.connect
    package var forcedEnd = FluxGuards.forcedEnd
    package var closeStream = FluxGuards.closeStream
    package var blockedSend = FluxGuards.send

    package init() {}
  }

  package private(set) var state = State.connecting
  /// When something must have happened; the owner calls `timeout` then.
  package private(set) var deadline: Instant?
  private var turns = TurnStateMachine()
  private var sequence = SequenceTracker()
  private var requestID: String?
  private var inputHasEnded = false
  private let limits: Limits
  private let host: String
  /// Where on the stream's timeline the connection's first sample lies, in seconds.
  private var offset = 0.0

  /// - Parameter host: what the service is called in messages.
  package init(host: String, limits: Limits = Limits()) {
    self.host = host
    self.limits = limits
  }

  /// Whether audio may be sent.
  package var takesAudio: Bool { state == .streaming }

  /// The WebSocket is open.
  /// - Parameter offset: where on the stream's timeline the first sample to be sent lies, in seconds.
  package mutating func opened(requestID: String?, offset: Double, now: Instant) -> [Action] {
    guard state == .connecting else { return [] }
    state = .greeting
    self.requestID = requestID
    self.offset = offset
    deadline = now.advanced(by: limits.connected)
    return outputs(turns.beginConnection(at: offset))
  }

  /// A text message has come.
  package mutating func received(_ text: [UInt8], now: Instant) -> [Action] {
    guard state != .over, state != .connecting else { return [] }
    let message: ServerMessage
    do throws(ServerMessageError) {
      message = try ServerMessage(decoding: String(decoding: text, as: UTF8.self))
    } catch {
      return [.notice(Notice("unreadable-message", "\(host): \(error)", severity: .warning))]
    }
    var actions: [Action] = []
    if let gap = sequence.receive(message.sequenceID) {
      actions.append(.notice(Notice("messages-lost", "\(host): \(gap)", severity: .warning)))
    }
    actions += take(message, now)
    return actions
  }

  private mutating func take(_ message: ServerMessage, _ now: Instant) -> [Action] {
    switch message {
    case .connected(let connected):
      requestID = connected.requestID ?? requestID
      guard state == .greeting else { return [] }
      state = .streaming
      deadline = nil
      return [.startAudio] + (inputHasEnded ? endTurn(now) : [])
    case .turnInfo(let info):
      var actions = outputs(turns.receive(info))
      if state == .forcing, !turns.hasOpenTurn { actions += close(now) }
      return actions
    case .warning(let warning):
      if state == .forcing, warning.code == ServerMessage.ServiceNotice.noActiveTurnCode { return close(now) }
      return [.notice(Notice("service-warning", sentence("warning", warning), severity: .warning))]
    case .error(let error):
      // An older server that does not know ForceEndTurn calls it unparsable, and closes: the turn is then ended here.
      if state == .forcing, error.code == ClientMessageError.code {
        return end(.inputEnded) + [.abort] + finish(nil)
      }
      let failure = StageError(error.isRetryable ? .unavailable : .internal, sentence("error", error))
      return end(.disconnected) + [.abort] + finish(failure)
    case .configureSuccess, .configureFailure:
      return []
    case .unknown(let type, _, _):
      return [
        .notice(
          Notice("unknown-message", "\(host) sent a message of an unknown type, \(type ?? "without a name")"))
      ]
    }
  }

  /// All audio has been sent.
  package mutating func inputEnded(now: Instant) -> [Action] {
    guard !inputHasEnded else { return [] }
    inputHasEnded = true
    switch state {
    case .streaming: return endTurn(now)
    case .connecting, .greeting, .forcing, .closing, .over: return []
    }
  }

  /// A turn under way is asked to end before the stream is closed: after `CloseStream` the service gives no final text.
  private mutating func endTurn(_ now: Instant) -> [Action] {
    guard turns.hasOpenTurn || !turns.currentTranscript.isEmpty else { return close(now) }
    state = .forcing
    deadline = now.advanced(by: limits.forcedEnd)
    return [.send(ClientMessage.forceEndTurn.encoded)]
  }

  private mutating func close(_ now: Instant) -> [Action] {
    state = .closing
    deadline = now.advanced(by: limits.closeStream)
    return [.send(ClientMessage.closeStream.encoded)]
  }

  /// The connection has ended with a closing handshake, or without a code, which is how Flux ends a stream.
  package mutating func closed(code: UInt16?, reason: String, now: Instant) -> [Action] {
    switch state {
    case .over: return []
    case .closing: return end(.inputEnded) + finish(nil)
    case .forcing: return end(.inputEnded) + finish(nil)
    case .connecting, .greeting, .streaming:
      let what = code.map { "code \($0)" + (reason.isEmpty ? "" : " (\(reason))") } ?? "no code"
      return end(.disconnected)
        + finish(StageError(.unavailable, "\(host) closed the connection with \(what)\(request)"))
    }
  }

  /// The service answered the upgrade with an error.
  package mutating func refused(_ refusal: RefusedUpgrade) -> [Action] {
    guard state == .connecting else { return [] }
    let isKey = [401, 402, 403].contains(refusal.status)
    let help: String? =
      switch refusal.status {
      case 401: "Check the key in DEEPGRAM_API_KEY or the one given with `key=env(NAME)`."
      case 403: "The project has no access to the model, or the model's name is misspelt."
      case 404: "The path is wrong, or the server offers no Flux."
      default: nil
      }
    let code: StageError.Code = isKey ? .refused : refusal.retry == .never ? .badGraph : .unavailable
    return finish(StageError(code, "\(host): \(refusal)", help: help))
  }

  /// The connection could not be made, or broke.
  package mutating func failed(_ failure: NetworkFailure) -> [Action] {
    guard state != .over else { return [] }
    if state == .closing { return end(.inputEnded) + finish(nil) }
    let help = failure.code == .unknownAuthority ? "The option for that is `ca=FILE`." : nil
    return end(.disconnected) + finish(StageError(.unavailable, failure.message + request, help: help))
  }

  /// The network has taken nothing of what was sent for longer than the limit.
  package mutating func sendBlocked() -> [Action] {
    guard state != .over else { return [] }
    return end(.disconnected) + [.abort]
      + finish(
        StageError(
          .unavailable, "\(host) has taken no audio for \(shortText(limits.blockedSend.seconds)) s\(request)")
      )
  }

  /// The deadline has passed.
  package mutating func timeout(now: Instant) -> [Action] {
    guard let deadline, deadline <= now else { return [] }
    self.deadline = nil
    switch state {
    case .greeting:
      return [.abort]
        + finish(
          StageError(
            .unavailable,
            "\(host) accepted the connection and then said nothing for \(shortText(limits.connected.seconds)) s\(request)"
          ))
    case .forcing:
      // The text is safe either way; a service that does not answer is left as politely as it allows.
      return end(.inputEnded) + close(now)
    case .closing:
      return end(.inputEnded) + [
        .notice(
          Notice(
            "close-timeout",
            "\(host) did not close the stream within \(shortText(limits.closeStream.seconds)) s",
            severity: .warning)),
        .abort,
      ] + finish(nil)
    case .connecting, .streaming, .over: return []
    }
  }

  /// Ends at once; an open turn ends with what is known.
  package mutating func cancel() -> [Action] {
    guard state != .over else { return [] }
    return end(.inputEnded) + [.abort] + finish(nil)
  }

  // MARK: - Pieces

  private mutating func end(_ trigger: TurnTrigger) -> [Action] {
    outputs(turns.endLocally(trigger))
  }

  private mutating func finish(_ error: StageError?) -> [Action] {
    state = .over
    deadline = nil
    return [.finish(error)]
  }

  private func outputs(_ outputs: [TurnStateMachine.Output]) -> [Action] {
    outputs.map { output in
      switch output {
      case .event(let event): .emit(event)
      case .violation(let text): .notice(Notice("protocol", "\(host): \(text)", severity: .warning))
      }
    }
  }

  private var request: String { requestID.map { ", request \($0)" } ?? "" }

  private func sentence(_ kind: String, _ notice: ServerMessage.ServiceNotice) -> String {
    var text = "\(host) sent the \(kind) \(notice.code ?? "without a code")"
    if let description = notice.description { text += ": \(description)" }
    return text + request
  }
}
