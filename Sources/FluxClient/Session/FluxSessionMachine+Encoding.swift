internal import FluxGraph
internal import FluxProtocol

/// How a session sends its audio.
enum AudioEncoding: Sendable {
  /// As samples, in the encoding that is declared.
  case samples
  /// As Ogg Opus.
  case oggOpus
  /// As samples, and as Ogg Opus from when the link is found to be too slow for them.
  case automatic
}

// The way from samples to Ogg Opus, which a session goes at most once, and back only where the service does not take it.
extension FluxSessionMachine {
  /// Whether another encoding may still be tried.
  var mayCompress: Bool { settings.encoding == .automatic && !isCompressed && !isCompressionRefused }

  /// Seconds of audio that wait while the end of the open turn is waited for.
  private var patience: Double {
    // A finite source keeps back what would wait longer, and has its open turn replayed.
    settings.liveness == .live ? min(10, settings.limits.buffer.seconds / 2) : 0
  }

  /// Seconds of audio that wait before the link comes under suspicion.
  static func suspicion(_ settings: FluxSessionSettings) -> Double {
    let ahead = min(FluxSessionSettings.readAhead, settings.limits.buffer / 2).seconds
    return settings.liveness == .live ? min(behind, settings.limits.buffer.seconds / 4) : ahead * 0.75
  }

  /// Looks at what the network has taken, and goes over to Ogg Opus when that is too little: between two turns, or when too much
  /// waits.
  /// - Parameter isHeldUp: whether it is the network's fault that more was not sent.
  mutating func watchUplink(isHeldUp: Bool, _ now: Instant) -> [Action] {
    guard mayCompress, state == .streaming else { return [] }
    let waiting = audio.seconds(audio.waiting)
    uplink.look(waiting: waiting, sent: audio.seconds(audio.sent), isHeldUp: isHeldUp, now: now)
    guard uplink.isTooSlow, !turns.hasOpenTurn || waiting > patience else { return [] }
    // The connection is not lost but left: what it had not told of is sent again over the next, which is made at once.
    let change = compress()
    configure.settle()
    let ended = suspend(now)
    connectedAt = nil
    return change + [.abort] + ended + dial(now)
  }

  /// The next connection is sent Ogg Opus.
  mutating func compress() -> [Action] {
    guard mayCompress else { return [] }
    isCompressed = true
    configure.declare(encoding: nil, sampleRate: nil)
    let seconds = audio.seconds(audio.waiting)
    return [
      .notice(
        Notice(
          "encoding-changed",
          "the link to \(settings.host) is too slow for \(samplesName), \(fixedText(seconds, digits: 1)) s of audio wait: "
            + "from now on it is sent as ogg-opus, a tenth of the bytes", severity: .warning,
          details: [
            ("encoding", .string(Self.oggOpusName)), ("backlog", JSONValue(seconds)),
            ("position", JSONValue(audio.seconds(audio.next))),
          ]))
    ]
  }

  /// The service does not take Ogg Opus: it is sent samples again, for good.
  mutating func decompress(_ reason: String) -> [Action] {
    isCompressed = false
    isCompressionRefused = true
    configure.declare(encoding: settings.parameters.encoding, sampleRate: settings.parameters.sampleRate)
    return [
      .notice(
        Notice(
          "encoding-refused", "\(reason); audio is sent as \(samplesName) again, however slow the link",
          severity: .warning, details: [("encoding", .string(samplesName))]))
    ]
  }

  /// Whether a refused upgrade may be due to the encoding: not where the key, the account or the number of streams is the matter.
  func blamesEncoding(status: Int) -> Bool {
    settings.encoding == .automatic && isCompressed && 400..<500 ~= status
      && ![401, 402, 403, 408, 429].contains(status)
  }

  /// Whether a connection ended by the service may be due to the encoding: it has heard nothing of what it was sent.
  var mayBeDeafToOpus: Bool {
    settings.encoding == .automatic && isCompressed && state == .streaming && audio.heard == audio.origin
      && audio.next > audio.origin
  }

  /// What the audio is sent as, for people.
  var encodingName: String { isCompressed ? Self.oggOpusName : samplesName }

  private static var oggOpusName: String { "ogg-opus" }
  private var samplesName: String { settings.parameters.encoding ?? "linear16" }
}
