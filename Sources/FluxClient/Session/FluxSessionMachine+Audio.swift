internal import FluxGraph
internal import FluxProtocol

// What is sent when, and what is done when one side falls silent.
extension FluxSessionMachine {
  /// The source has given audio; these frames are held now.
  mutating func audioArrived(_ held: Range<Int64>, now: Instant) -> [Action] {
    watch.arrived(now)
    audio.hold(held)
    guard state != .streaming else { return held.lowerBound > audio.next ? overflowed(now) : [] }
    guard held.lowerBound > resumeAt, !hasToldOverflow, audio.unsentIsLost(before: held.lowerBound) else {
      return []
    }
    hasToldOverflow = true
    return [
      .notice(
        Notice(
          "buffer-full",
          "the buffer of \(settings.limits.buffer.unitText) is full: the oldest audio is being dropped until "
            + "\(settings.host) is there again", severity: .warning,
          details: [("position", JSONValue(audio.seconds(held.lowerBound)))]))
    ]
  }

  /// The network takes less than comes, and the buffer is full. A part of it is given up at once, and what follows has time to be
  /// sent; the silence that would keep the place of it in this connection would take as long as the audio.
  private mutating func overflowed(_ now: Instant) -> [Action] {
    let part = audio.frame(at: settings.limits.buffer.seconds / 4) ?? 0
    let end = min(audio.held.upperBound, audio.held.lowerBound + part) / audio.chunk * audio.chunk
    let ended =
      compress() + self.end(.disconnected) + [.notice(lost(audio.heard..<end)), .forget(before: end)]
    audio.hold(end..<audio.held.upperBound)
    speechStart = nil
    defer { resumeAt = end }
    return ended + lose(Loss("\(settings.host) takes audio more slowly than it comes\(request)"), now)
  }

  /// Says once that audio of a live source waits for the network, and once that it does no more.
  private mutating func tellBacklog() -> [Action] {
    guard settings.liveness == .live, state == .streaming else { return [] }
    let seconds = audio.seconds(audio.waiting)
    let isBehind = seconds > (hasToldBacklog ? Self.caughtUp : Self.behind)
    guard isBehind != hasToldBacklog else { return [] }
    hasToldBacklog = isBehind
    let details = [("backlog", JSONValue(seconds)), ("position", JSONValue(audio.seconds(audio.next)))]
    guard isBehind else {
      return [.notice(Notice("caught-up", "no audio waits for \(settings.host) any more", details: details))]
    }
    return [
      .notice(
        Notice(
          "backlog",
          "\(fixedText(seconds, digits: 1)) s of audio wait to be sent to \(settings.host); "
            + "the buffer holds \(settings.limits.buffer.unitText)", severity: .warning, details: details))
    ]
  }

  /// Seconds of audio that wait: more is told, and no more than that is told as well.
  static var behind: Double { 2 }
  private static var caughtUp: Double { 0.5 }

  /// Whether a hole of the source is passed over instead of being sent as silence: after a long absence a new connection is the
  /// better beginning.
  func passesOver(_ frames: Int64) -> Bool {
    let longest = min(FluxSessionSettings.longestSilence, settings.limits.buffer)
    return state == .streaming && audio.waiting < audio.chunk && audio.seconds(frames) > longest.seconds
  }

  /// The source has left audio out, up to this frame, and another connection is to go on there.
  mutating func passedOver(to position: Int64, now: Instant) -> [Action] {
    let missing = audio.seconds(position - audio.held.upperBound)
    let ended = tail + end(.disconnected)
    audio.hold(position..<position)
    speechStart = nil
    defer { resumeAt = position }
    return ended + lose(Loss("\(fixedText(missing, digits: 1)) s of audio never came"), now)
  }

  /// Silence was inserted; these frames are held now.
  mutating func silenceInserted(_ held: Range<Int64>, now: Instant) {
    watch.inserted(now)
    audio.hold(held)
  }

  /// What can be sent now.
  /// - Parameter room: the frames the network takes without piling up more than it should.
  mutating func pump(now: Instant, room: Int64) -> [Action] {
    guard state == .streaming else { return [] }
    var actions: [Action] = []
    var room = room
    while room > 0, let piece = audio.take(now: now, isFlushing: inputHasEnded) {
      switch piece {
      case .audio(let range):
        actions.append(.sendAudio(range))
        room -= range.upperBound - range.lowerBound
        watch.sent(range.upperBound - range.lowerBound, now)
      case .silence(let frames):
        actions.append(.sendSilence(frames: frames))
        room -= frames
        watch.sent(frames, now)
      }
      if let limit = settings.limits.audio, audio.seconds(audio.sent) >= limit.seconds {
        inputHasEnded = true
        actions.append(
          .notice(
            Notice(
              "max-duration", "\(limit.unitText) of audio have been sent, which is the limit of this stage",
              severity: .warning)))
        return actions + endStream(now)
      }
    }
    if room <= 0 { audio.waitForRoom() }
    actions += tellBacklog()
    actions += watchUplink(isHeldUp: room <= 0, now)
    if inputHasEnded, audio.waiting == 0, state == .streaming { actions += endStream(now) }
    return actions
  }

  // MARK: - Silence

  var silenceDeadline: Instant? {
    guard state == .streaming else { return nil }
    return earliest(stallDeadline, earliest(danglingDeadline, pauseDeadline))
  }

  /// Audio flows, and the service says nothing.
  private var stallDeadline: Instant? {
    // Less than a second need not lead to a message.
    guard settings.limits.stall > .zero, audio.seconds(watch.sentUnanswered) >= 1 else { return nil }
    return watch.unansweredSince?.advanced(by: settings.limits.stall)
  }

  /// A turn is open, and the service says nothing of it.
  private var danglingDeadline: Instant? {
    guard turns.hasOpenTurn, let last = watch.lastMessage else { return nil }
    let limit =
      settings.limits.danglingTurn
      ?? FluxGuards.openTurnSilence(endOfTurnTimeout: configure.parameters.effectiveEndOfTurnTimeout)
    return limit > .zero ? last.advanced(by: limit) : nil
  }

  /// A turn is open, and a live source gives no audio, without which no turn ends.
  private var pauseDeadline: Instant? {
    guard settings.limits.pause > .zero, settings.liveness == .live, turns.hasOpenTurn, !inputHasEnded,
      audio.waiting < audio.chunk, let last = watch.lastArrival
    else { return nil }
    if let inserted = watch.lastInserted { return inserted.advanced(by: FluxSessionSettings.chunk) }
    return last.advanced(by: settings.limits.pause)
  }

  mutating func watchSilence(_ now: Instant) -> [Action] {
    guard state == .streaming else { return [] }
    if let deadline = stallDeadline, deadline <= now {
      let limit = shortText(settings.limits.stall.seconds)
      return loseByService(
        Loss("\(settings.host) takes audio and has said nothing for \(limit) s\(request)"), now)
    }
    var actions: [Action] = []
    if let deadline = danglingDeadline, deadline <= now {
      let silent = watch.lastMessage.map { now.duration(since: $0).seconds } ?? 0
      actions.append(
        .notice(
          Notice(
            "turn-stalled",
            "\(settings.host) has said nothing of the open turn for \(fixedText(silent, digits: 1)) s; it is ended here",
            severity: .warning)))
      actions += end(.stalled)
    }
    if let deadline = pauseDeadline, deadline <= now {
      let since = watch.lastInserted ?? watch.lastArrival ?? now
      let frames = audio.frame(at: now.duration(since: since).seconds) ?? 0
      // A clock that leaps, as over a suspended machine, is no pause to be filled.
      actions.append(.insertSilence(frames: min(max(1, frames), Int64(settings.rate))))
    }
    return actions
  }
}

/// Since when which side has been silent.
struct ServiceSilence: Sendable {
  /// When the service last said something.
  private(set) var lastMessage: Instant?
  /// When the source last gave audio, and when silence last stood in for it since.
  private(set) var lastArrival: Instant?
  private(set) var lastInserted: Instant?
  /// Audio sent since the last message, and since when.
  private(set) var sentUnanswered: Int64 = 0
  private(set) var unansweredSince: Instant?
  private var lastSent: Instant?

  mutating func heard(_ now: Instant) {
    lastMessage = now
    sentUnanswered = 0
    unansweredSince = nil
  }

  mutating func sent(_ frames: Int64, _ now: Instant) {
    // Where nothing could be sent for a while, there was nothing to answer either.
    if let lastSent, now.duration(since: lastSent) > .seconds(1) {
      sentUnanswered = 0
      unansweredSince = nil
    }
    lastSent = now
    sentUnanswered += frames
    unansweredSince = unansweredSince ?? now
  }

  mutating func arrived(_ now: Instant) {
    lastArrival = now
    lastInserted = nil
  }

  mutating func inserted(_ now: Instant) { lastInserted = now }
}

/// The earlier of two times; nil is never.
func earliest(_ one: Instant?, _ other: Instant?) -> Instant? {
  guard let one, let other else { return one ?? other }
  return min(one, other)
}
