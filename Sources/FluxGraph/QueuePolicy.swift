/// How the queue in front of a sink of events behaves when the sink does not keep up.
///
/// A full queue still takes events for a while, but never more than so many times its size; then new events are dropped,
/// counted and told of, or leave by a port.
public struct QueuePolicy: Sendable, Hashable, CustomStringConvertible {
  /// Events.
  public var size: Int
  /// How long a full queue may grow.
  public var patience: Duration
  /// How many times its size a full queue may reach.
  public var growth: Int
  /// The port events that find no room leave by; nil where they are dropped.
  public var overflowPort: String?
  /// What keeps events beyond the queue, as people call it: "spool of 100MB".
  public var store: String?

  /// A policy; what is left out is as for most sinks: 1024 events, a second of patience, four times the size
  /// at most.
  public init(
    size: Int = 1024, patience: Duration = .seconds(1), growth: Int = 4, overflowPort: String? = nil,
    store: String? = nil
  ) {
    self.size = size
    self.patience = patience
    self.growth = growth
    self.overflowPort = overflowPort
    self.store = store
  }

  /// What `check` shows: "queue 1024; full: waits 1s, then drops".
  public var description: String {
    let end = overflowPort.map { "to .\($0)" } ?? "drops"
    if let store { return "\(store); full: \(end)" }
    if patience <= .zero { return "queue \(size); full: \(end)" }
    let wait = patience > .seconds(3600) ? "grows to \(size * growth)" : "waits \(patience.unitText)"
    return "queue \(size); full: \(wait), then \(end)"
  }
}

/// An event stage that only says how the queue of the sink behind it behaves: the stage `queue`.
public protocol QueueSetting: EventTransform {
  /// The policy of the sink behind it, made from the sink's own.
  func policy(for sink: QueuePolicy) -> QueuePolicy
}
