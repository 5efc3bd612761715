/// How long to wait for what, and when to give up: the recommended defaults.
package enum FluxGuards {
  /// From dialling to `Connected`.
  package static let connect = Duration.seconds(10)
  /// Between pings. The service drops a connection without audio or ping after 60 s.
  package static let pingInterval = Duration.seconds(20)
  /// At the stream's end: a service that says something, but nothing of the audio that is left.
  package static let busyService = Duration.seconds(60)
  /// A single blocked send.
  package static let send = Duration.seconds(5)
  /// Without audio inside a turn; then silence is sent, because turns end on audio time only.
  package static let audioPause = Duration.milliseconds(500)
  /// Audio flowing and no message. The service sends one about every 0.25 s of audio.
  package static let serverSilence = Duration.seconds(10)
  /// The answer to a `Configure`.
  package static let configureAnswer = Duration.seconds(5)
  /// The answer to a `ForceEndTurn`.
  package static let forcedEnd = Duration.seconds(5)
  /// From `CloseStream` to the service's close.
  package static let closeStream = Duration.seconds(10)
  /// Reconnect delays: doubling between these, with jitter.
  package static let firstReconnectDelay = Duration.seconds(1)
  package static let lastReconnectDelay = Duration.seconds(30)
  /// Even when the buffer is about to overflow.
  package static let shortestReconnectDelay = Duration.milliseconds(250)
  /// A connection this old counts as good again.
  package static let stableConnection = Duration.seconds(60)

  /// An open turn without message: the turn is then ended locally.
  package static func openTurnSilence(endOfTurnTimeout milliseconds: Int) -> Duration {
    max(.seconds(3), .milliseconds(4 * max(0, min(milliseconds, 1 << 32))))
  }
}
