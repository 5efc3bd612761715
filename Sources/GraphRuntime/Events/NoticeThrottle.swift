internal import FluxGraph

/// Keeps notices from being a flood: the same word from the same place passes at most once in ten seconds; of those held back the
/// last one follows, with how many there were. A value: time is an argument.
struct NoticeThrottle {
  /// A notice, and where in the graph it comes from.
  struct Told: Sendable {
    var notice: Notice
    var location: String?
  }

  private struct Key: Hashable {
    var word: String
    var stream: String?
    var location: String?
  }

  private struct Row {
    /// When the next one may pass.
    var end: Instant
    var last: Told?
    var count = 0
  }

  static let interval = Duration.seconds(10)
  /// Longer messages have something of others in them.
  static let longest = 600
  /// What a program prints is its own, line by line, and was asked for; the end of a part is told once.
  private static let exempt: Set = ["stdout", "stderr", "failed"]

  private var rows: [Key: Row] = [:]

  /// A notice that comes up now. Returns it when it may pass at once.
  mutating func offer(_ told: Told, now: Instant) -> Told? {
    var told = told
    told.notice.message = told.notice.message.excerpt(Self.longest)
    let word = told.notice.notice
    if Self.exempt.contains(word) { return told }
    let key = Key(word: word, stream: told.notice.stream, location: told.location)
    guard var row = rows[key], now < row.end || row.last != nil else {
      rows[key] = Row(end: now.advanced(by: Self.interval))
      return told
    }
    row.last = told
    row.count += 1
    rows[key] = row
    return nil
  }

  /// When `due` should be asked; nil when nothing is held back.
  var deadline: Instant? { rows.values.lazy.filter { $0.last != nil }.map(\.end).min() }

  /// What may pass by now of what was held back.
  mutating func due(now: Instant) -> [Told] { release(now: now) { $0.end <= now } }

  /// All that is held back, at the end.
  mutating func end() -> [Told] {
    defer { rows = [:] }
    return release(now: Instant(nanoseconds: 0)) { _ in true }
  }

  private mutating func release(now: Instant, where isDue: (Row) -> Bool) -> [Told] {
    var released: [Told] = []
    for (key, row) in rows where isDue(row) {
      guard var told = row.last else {
        // A place that has been quiet is forgotten.
        rows[key] = nil
        continue
      }
      if row.count > 1 {
        told.notice.message += " (\(row.count - 1) more of these were held back)"
        told.notice.details.append(("held_back", JSONValue(row.count - 1)))
      }
      released.append(told)
      rows[key] = Row(end: now.advanced(by: Self.interval))
    }
    return released.sorted { $0.notice.time.seconds < $1.notice.time.seconds }
  }
}
