internal import FluxGraph
internal import FluxProtocol

// How connections begin, how they are lost, and what follows.
extension FluxSessionMachine {
  /// Why a connection could not be made or has gone.
  struct Loss: Sendable {
    var message: String
    /// Whether another attempt would fail in the same way.
    var isPermanent = false
    /// What a permanent loss, or the last of many, means for the program.
    var code = StageError.Code.unavailable
    var help: String?
    /// The least to wait before the next attempt.
    var minimumDelay: Duration?
    /// Whether the connection ended with a closing handshake, or without a code, which is how Flux ends a stream.
    var isOrderly = false
    /// The status of an upgrade that was refused.
    var status: Int?

    init(
      _ message: String, isPermanent: Bool = false, code: StageError.Code = .unavailable, help: String? = nil,
      minimumDelay: Duration? = nil, isOrderly: Bool = false, status: Int? = nil
    ) {
      self.message = message
      self.isPermanent = isPermanent
      self.code = isPermanent ? code : .unavailable
      self.help = help
      self.minimumDelay = minimumDelay
      self.isOrderly = isOrderly
      self.status = status
    }

    var error: StageError { StageError(code, message, help: help) }
  }

  // MARK: - The beginning

  mutating func dial(_ now: Instant) -> [Action] {
    state = .connecting
    greetingDue = now.advanced(by: settings.limits.connect)
    // The network ends by itself what it cannot connect, and says what it was waiting for; it only has to be heard.
    deadline = greetingDue.advanced(by: .milliseconds(500))
    requestID = nil
    return [.dial(configure.parameters)]
  }

  /// The WebSocket is open.
  mutating func opened(requestID: String?, now: Instant) -> [Action] {
    guard state == .connecting else { return [] }
    state = .greeting
    deadline = greetingDue
    self.requestID = requestID
    sequence = SequenceTracker()
    watch = ServiceSilence()
    // Cloudflare's own protocol has no greeting.
    return settings.dialect == .cloudflare ? begin(now) : []
  }

  /// The service is ready for audio.
  mutating func begin(_ now: Instant) -> [Action] {
    state = .streaming
    deadline = nil
    connectedAt = now
    connections += 1
    var actions: [Action] = []
    var origin = resumeAt
    if audio.held.lowerBound > origin {
      if turns.hasOpenTurn, audio.held.lowerBound - origin < audio.chunk {
        // What is missing is only what makes the first piece a whole one.
        origin = audio.held.lowerBound
      } else if turns.hasOpenTurn {
        // The beginning of the turn is not there any more: it ends with what was heard of it.
        actions += end(.disconnected)
        origin = max(origin, audio.heard)
      }
      if audio.held.lowerBound > origin {
        actions.append(.notice(lost(origin..<audio.held.lowerBound)))
        origin = audio.held.lowerBound
      }
    }
    let previous = audio.next
    audio.begin(at: origin)
    resumeAt = origin
    hasToldOverflow = false
    uplink.reset()
    actions += outputs(turns.beginConnection(at: audio.seconds(origin)))
    if connections > 1 { actions.append(.notice(reconnected(now, previous))) }
    lostAt = nil
    let isLate = audio.waiting > audio.chunk * 6
    switch settings.liveness {
    case .live where isLate: audio.catchUp(now: now, until: nil)
    // A finite source sets the pace of its own; only what was kept has to be held back.
    case .finite where isLate && connections > 1: audio.catchUp(now: now, until: audio.held.upperBound)
    default: break
    }
    watch.arrived(now)
    // That much waits was told with the connection.
    hasToldBacklog = connections > 1 && audio.seconds(audio.waiting) > Self.behind
    return actions
  }

  private func reconnected(_ now: Instant, _ previous: Int64) -> Notice {
    let away = lostAt.map { now.duration(since: $0).seconds } ?? 0
    var text = "connected to \(settings.host) again after \(fixedText(away, digits: 1)) s\(request)"
    let again = max(0, previous - audio.origin)
    if turns.hasOpenTurn {
      text += "; the open turn is sent again from \(positionText(audio.seconds(audio.origin)))"
    }
    if audio.waiting > audio.chunk * 6 {
      text +=
        "; \(fixedText(audio.seconds(audio.waiting), digits: 1)) s of audio are caught up at "
        + "\(shortText(settings.catchUp))x"
    }
    return Notice(
      "reconnected", text,
      details: [
        ("seconds", JSONValue(away)), ("position", JSONValue(audio.seconds(audio.origin))),
        ("backlog", JSONValue(audio.seconds(audio.waiting))), ("resent", JSONValue(audio.seconds(again))),
      ])
  }

  func lost(_ frames: Range<Int64>) -> Notice {
    let from = audio.seconds(frames.lowerBound)
    let to = audio.seconds(frames.upperBound)
    return Notice(
      "audio-lost",
      "\(fixedText(to - from, digits: 2)) s of audio were lost, from \(positionText(from)) to \(positionText(to)): "
        + "the buffer holds \(settings.limits.buffer.unitText)",
      severity: .warning,
      details: [("seconds", JSONValue(to - from)), ("from", JSONValue(from)), ("to", JSONValue(to))],
      loss: .init(audio: to - from))
  }

  /// What there is that the service has not spoken of, of a session that is given up.
  var missing: [Action] {
    let frames = audio.heard..<max(audio.heard, audio.held.upperBound)
    // Who never got through has said so, and why.
    return frames.isEmpty || connections == 0 ? [] : [.notice(untranscribed(frames))]
  }

  /// Tells of audio nobody waits for any more.
  func untranscribed(_ frames: Range<Int64>) -> Notice {
    let from = audio.seconds(frames.lowerBound)
    let seconds = audio.seconds(frames.upperBound) - from
    return Notice(
      "not-transcribed",
      "\(fixedText(seconds, digits: 2)) s of audio, from \(positionText(from)), were not transcribed before the end",
      severity: .warning, details: [("seconds", JSONValue(seconds)), ("from", JSONValue(from))],
      loss: .init(audio: seconds))
  }

  // MARK: - The end

  /// The connection has ended with a closing handshake, or without a code.
  mutating func closed(code: UInt16?, reason: String, now: Instant) -> [Action] {
    let what = code.map { "code \($0)" + (reason.isEmpty ? "" : " (\(reason))") } ?? "no code"
    return loseByService(
      Loss("\(settings.host) closed the connection with \(what)\(request)", isOrderly: true), now)
  }

  /// The service has ended the connection, or gives no sign.
  mutating func loseByService(_ loss: Loss, _ now: Instant) -> [Action] {
    guard mayBeDeafToOpus else { return lose(loss, now) }
    var loss = loss
    loss.isPermanent = false
    return decompress("\(settings.host) has heard nothing of the audio it was sent as ogg-opus")
      + lose(loss, now)
  }

  /// The service answered the upgrade with an error.
  mutating func refused(_ refusal: RefusedUpgrade, now: Instant) -> [Action] {
    guard state == .connecting else { return [] }
    if blamesEncoding(status: refusal.status) {
      return [.abort] + decompress("\(settings.host) does not take ogg-opus: \(refusal)") + dial(now)
    }
    let code: StageError.Code =
      switch refusal.status {
      case 401, 402, 403: .refused
      // Whoever answers so is not the service.
      case 200..<300: .unavailable
      default: .badGraph
      }
    let help: String? =
      switch refusal.status {
      case 401 where connections > 0:
        "The key was good before; a short-lived token has to be fresh for every connection."
      case 401:
        "Check the key given with `key=env(NAME)`; DEEPGRAM_API_KEY is sent to Deepgram's own endpoints only."
      case 403: "The project has no access to the model, or the model's name is misspelt."
      case 404: "The path is wrong, or the server offers no Flux."
      case 200..<300:
        "The address is wrong, or something answers in the service's place, such as the sign-in page of a network."
      case 300..<400: Self.help(redirectedTo: refusal.redirect)
      default: nil
      }
    // Too many streams end in minutes, not in seconds.
    let least: Duration? = refusal.retry == .backOffLonger ? .seconds(10) : nil
    return lose(
      Loss(
        "\(settings.host): \(refusal)", isPermanent: refusal.retry == .never,
        code: code, help: help,
        minimumDelay: [least, refusal.retryAfter].compactMap { $0 }.max(), status: refusal.status), now)
  }

  private static func help(redirectedTo target: WebURL?) -> String {
    let reason = "Redirects are not followed, for the key would go along"
    guard let target else { return "\(reason); correct the address." }
    let address = target.text.lowercased().hasPrefix("http") ? "ws" + target.text.dropFirst(4) : target.text
    return
      "\(reason): write `endpoint=\(address)` if Flux is there; if it is the sign-in page of a network, sign in."
  }

  /// The connection could not be made, or broke.
  mutating func failed(_ failure: NetworkFailure, now: Instant) -> [Action] {
    lose(Loss(failure.message + request, isPermanent: !failure.isTransient), now)
  }

  /// The network has taken nothing of what was sent for longer than the limit.
  mutating func sendBlocked(now: Instant) -> [Action] {
    let limit = shortText(settings.limits.blockedSend.seconds)
    return lose(Loss("\(settings.host) has taken no audio for \(limit) s\(request)"), now)
  }

  /// A connection, or an attempt at one, is over although the session is not.
  mutating func lose(_ loss: Loss, _ now: Instant) -> [Action] {
    switch state {
    case .over, .waiting: return []
    case .closing where loss.isOrderly || !losesTail,
      .forcing where loss.isOrderly || !losesTail:
      return end(.inputEnded) + (loss.isOrderly ? [] : tail) + [.abort] + finish(nil)
    case .connecting, .greeting, .streaming, .forcing, .closing: break
    }
    var actions: [Action] = [.abort]
    configure.settle()
    failures += 1
    let mayFail = settings.attempts(hasConnected: connections > 0, inputHasEnded: inputHasEnded)
    if loss.isPermanent || failures >= mayFail {
      return actions + missing + end(.disconnected) + finish(loss.error)
    }
    let wasStreaming = connectedAt != nil
    if wasStreaming { actions += suspend(now) }
    let delay = schedule.delay(
      after: connectedAt.map { now.duration(since: $0) }, room: bufferRoom, minimum: loss.minimumDelay)
    connectedAt = nil
    state = .waiting
    deadline = now.advanced(by: delay)
    actions.append(
      .notice(
        Notice(
          wasStreaming ? "connection-lost" : "connect-failed",
          "\(loss.message); trying again in \(fixedText(delay.seconds, digits: 1)) s", severity: .warning,
          details: [
            ("position", JSONValue(audio.seconds(audio.next))), ("attempt", JSONValue(failures)),
            ("delay", JSONValue(delay.seconds)),
          ] + (loss.status.map { [("status", JSONValue($0))] } ?? []))))
    return actions
  }

  /// How much more of a live source fits into the buffer before audio is lost; nil when none can be, because a finite source waits,
  /// or has ended.
  private var bufferRoom: Duration? {
    guard settings.liveness == .live, !inputHasEnded else { return nil }
    return settings.limits.buffer - .seconds(audio.seconds(audio.held.upperBound - resumeAt))
  }

  /// What becomes of the open turn, and where the next connection begins.
  mutating func suspend(_ now: Instant) -> [Action] {
    lostAt = now
    switch settings.resume {
    case .replay:
      // From a whole piece on, so that all that follow are whole.
      resumeAt = min(audio.heard, speechStart ?? audio.heard) / audio.chunk * audio.chunk
      turns.suspendForReplay()
      return []
    case .cut:
      resumeAt = audio.heard
      return end(.disconnected)
    }
  }

  /// Whether a connection that breaks while it is being closed takes audio with it that the service has not spoken of.
  var losesTail: Bool { leavesTail }

  /// Whether the service has got audio that it has not spoken of; less than half a second need not lead to a message.
  var leavesTail: Bool { audio.seconds(audio.unheard) > 0.5 }

  /// Says what the service has not spoken of, of a stream that ends all the same.
  var tail: [Action] {
    guard leavesTail else { return [] }
    let to = audio.seconds(audio.heard + audio.unheard)
    let from = audio.seconds(audio.heard)
    return [
      .notice(
        Notice(
          "audio-unheard",
          "\(settings.host) has said nothing of the last \(fixedText(to - from, digits: 1)) s of audio, from "
            + "\(positionText(from)) to \(positionText(to))\(request)",
          severity: .warning,
          details: [("seconds", JSONValue(to - from)), ("from", JSONValue(from)), ("to", JSONValue(to))],
          loss: .init(audio: to - from)))
    ]
  }
}
