internal import FluxGraph

/// Decides when the next input of a batch may begin: how many at once, how many sessions with Flux they may have between them,
/// how many of these may be begun in a second, and how long to wait after the service has said that they are too many.
struct BatchSchedule: Sendable {
  struct Limits: Sendable {
    var jobs = 1
    /// Sessions there may be at once; nil for any number.
    var sessions: Int?
    /// Sessions that may be begun in a second; nil for any number.
    var startRate: Double?
  }

  enum Answer: Sendable, Hashable {
    case now
    case at(Instant)
    /// Not before another input has ended.
    case later
  }

  /// How long the service has to be content before one more session is tried again.
  private static let recovery = Duration.seconds(60)

  private let limits: Limits
  /// Sessions each input has.
  let sessionsEach: Int
  private(set) var running = 0
  /// When the next session may be begun, as far as the rate goes.
  private var nextStart: Instant?
  /// Inputs at once the service has shown to be enough; nil as long as it has not complained.
  private(set) var learnt: Int?
  private var pausedUntil: Instant?
  /// The waits after answers of 429 in a row.
  private var backOff = BackOff(.seconds(5), upTo: .seconds(60))
  private var grown: Instant?

  init(_ limits: Limits, sessionsEach: Int) {
    self.limits = limits
    self.sessionsEach = sessionsEach
  }

  /// Inputs there may be at once.
  var most: Int {
    var most = limits.jobs
    if let sessions = limits.sessions, sessionsEach > 0 { most = min(most, sessions / sessionsEach) }
    if let learnt { most = min(most, learnt) }
    return max(1, most)
  }

  /// Whether another input may begin.
  mutating func next(_ now: Instant) -> Answer {
    recover(now)
    if running >= most { return .later }
    let waits = [pausedUntil, nextStart].compactMap { $0 }.filter { $0 > now }
    return waits.max().map(Answer.at) ?? .now
  }

  /// An input begins.
  mutating func begin(_ now: Instant) {
    running += 1
    if let rate = limits.startRate, sessionsEach > 0 {
      let base = max(nextStart ?? now, now)
      nextStart = base.advanced(by: .seconds(Double(sessionsEach) / rate))
    }
  }

  /// An input has ended.
  /// - Parameter wasRefused: it found no place among the service's streams and has to come again.
  mutating func end(_ now: Instant, wasRefused: Bool = false) {
    running -= 1
    guard wasRefused else { return }
    // Those that still run have found a place.
    learnt = max(1, running)
    grown = now
  }

  /// The service has answered 429: too many streams.
  mutating func refused(_ now: Instant) {
    grown = now
    // Those that were begun together are refused together, and count once.
    if let pausedUntil, pausedUntil > now { return }
    pausedUntil = now.advanced(by: backOff.next())
  }

  /// Tries one more after a while without a complaint.
  private mutating func recover(_ now: Instant) {
    guard let grown, now.duration(since: grown) >= Self.recovery else { return }
    self.grown = now
    backOff.reset()
    if let learnt { self.learnt = learnt + 1 < limits.jobs ? learnt + 1 : nil }
  }
}
