/// Whether what a stage writes reaches its file: told once when it begins to fail, and once when it works again.
public struct WritingTrouble: Sendable {
  /// Since when nothing can be written; nil while all is well.
  public private(set) var since: Instant?

  public init() {}

  /// Takes in how writing went: nil when it went well.
  /// - Parameter lost: what was lost by now, as a sentence goes on: "3 events were lost"; nil for nothing.
  /// - Returns: the notice there is to give.
  public mutating func note(
    _ problem: StageError?, lost: (count: Int, text: String)? = nil, now: Instant
  ) -> Notice? {
    if let problem {
      guard since == nil else { return nil }
      since = now
      return Notice(
        "not-written", "\(problem.message); it is tried again every second", severity: .warning)
    }
    guard since != nil else { return nil }
    since = nil
    return Notice(
      "written-again", "writing again; \(lost?.text ?? "nothing was lost")",
      details: [("lost", JSONValue(lost?.count ?? 0))], loss: lost.map { .init(events: $0.count) })
  }
}
