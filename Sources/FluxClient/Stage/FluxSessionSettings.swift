internal import FluxGraph
internal import FluxProtocol

/// What becomes of a turn that is open when its connection dies.
package enum ResumePolicy: String, OptionEnumeration {
  /// Its audio is sent again from the turn's start, and the turn goes on, marked as replayed.
  case replay
  /// It ends with its last text, not final; what follows is a new turn.
  case cut
}

/// Everything a session is told before it begins.
struct FluxSessionSettings: Sendable {
  /// What the service is called in messages.
  var host: String
  /// What the first connection asks for.
  var parameters: ListenParameters
  var dialect = FluxDialect.deepgram
  /// How audio is sent; with Ogg Opus the parameters declare no encoding.
  var encoding = AudioEncoding.samples
  var liveness: Liveness
  var resume: ResumePolicy
  /// Frames a second.
  var rate: Int
  /// The multiple of real time audio is caught up at.
  var catchUp = FluxSessionSettings.catchUp
  var filter = TurnFilter()
  var limits = Limits()
  /// Decides the jitter of the delays between attempts to connect.
  var seed: UInt64

  /// How long each wait may last, and how much is enough.
  struct Limits: Sendable {
    /// From dialling to `Connected`.
    var connect = FluxGuards.connect
    var forcedEnd = FluxGuards.forcedEnd
    var closeStream = FluxGuards.closeStream
    var blockedSend = FluxGuards.send
    /// Without audio from a live source inside a turn; then silence is sent. Zero: never.
    var pause = FluxGuards.audioPause
    /// Audio flowing and no message; then the connection is given up. Zero: never.
    var stall = FluxGuards.serverSilence
    /// An open turn without message; then it ends here. nil: follows from the timeout.
    var danglingTurn: Duration?
    /// The longest delay between two attempts to connect.
    var retry = FluxGuards.lastReconnectDelay
    /// Attempts in a row that may fail; nil for the defaults.
    var attempts: Int?
    /// Audio sent in all, over all connections.
    var audio: Duration?
    /// Audio kept for a lost connection.
    var buffer = FluxSessionSettings.buffer
  }

  static let catchUp = 1.25
  /// The longest hole in a live source that is sent as silence, which is billed and takes its time.
  static let longestSilence = Duration.seconds(30)
  /// Most outages are over by then. 16 kHz linear16 takes 9.6 MB for it, when there is one.
  static let buffer = Duration.seconds(300)
  /// Attempts in a row that may fail before there was any connection: then the address or the network is wrong.
  static let firstAttempts = 3
  /// Attempts in a row that may fail behind a finite source. A live session goes on trying.
  static let finiteAttempts = 10
  /// Audio a session takes from a finite source ahead of what it has sent.
  static let readAhead = Duration.seconds(2)
  /// The pieces audio is sent in: the model's own step.
  static let chunk = Duration.milliseconds(80)

  /// Attempts in a row that may fail.
  func attempts(hasConnected: Bool, inputHasEnded: Bool) -> Int {
    if let attempts = limits.attempts { return attempts }
    if !hasConnected { return Self.firstAttempts }
    // What a live source has left when it ends is worth as much as a file's.
    return liveness == .finite || inputHasEnded ? Self.finiteAttempts : .max
  }
}
