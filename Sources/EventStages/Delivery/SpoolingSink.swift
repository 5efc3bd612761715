package import FluxGraph

/// A sink whose receiver takes events in its own time, with a spool or without: `webhook` and `command`.
package protocol SpoolingSink: EventSink {
  /// The directory of the spool; nil for none.
  var spool: Path? { get }
  /// The size it may reach.
  var spoolLimit: ByteCount { get set }
}

extension SpoolingSink {
  static var spoolLimitOption: Option<Self> {
    Option(
      "spool_limit", \Self.spoolLimit, "The size the spool may reach.",
      in: .bytes(100_000)...(.bytes(10_000_000_000)))
  }

  package var queue: QueuePolicy {
    // Without a spool so many events wait.
    QueuePolicy(
      size: 10_000, patience: .zero, growth: 1, overflowPort: "dead",
      store: spool == nil ? nil : "spool of \(spoolLimit)")
  }

  func spoolNeeds(_ context: StageContext) -> [Need] {
    spool.map { Spool.needs(context.resolve($0), name: context.name) } ?? []
  }
}
