/// One connection's session as its socket sees it.
protocol ServedSession: Sendable {
  /// Seconds of audio heard, and turns that ended: for the report.
  var seconds: Double { get }
  var endedTurns: Int { get }
  /// When to call ``tick(now:)`` next.
  var deadline: Duration? { get }

  mutating func start() -> [ServedSessionMachine.Action]
  mutating func noteSign(now: Duration)
  mutating func receive(text: String, now: Duration) -> [ServedSessionMachine.Action]
  mutating func receive(binary bytes: [UInt8], now: Duration) -> [ServedSessionMachine.Action]
  mutating func take(_ answer: WordAnswer, now: Duration) -> [ServedSessionMachine.Action]
  mutating func tick(now: Duration) -> [ServedSessionMachine.Action]
  /// Whether the client should wait.
  mutating func holdsBack() -> Bool
}

extension ServedSessionMachine: ServedSession {}
