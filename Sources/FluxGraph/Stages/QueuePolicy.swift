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
  /// Whether a full queue holds back the sound its events come from. Only a finite source can be held back.
  public var holdsSource: Bool
  /// The port events that find no room leave by; nil where they are dropped.
  public var overflowPort: String?
  /// What keeps events beyond the queue, as people call it: "spool of 100MB".
  public var store: String?

  /// A policy; what is left out is as for most sinks: 1024 events, a second of patience, four times the size at most.
  public init(
    size: Int = 1024, patience: Duration = .seconds(1), growth: Int = 4, holdsSource: Bool = false,
    overflowPort: String? = nil, store: String? = nil
  ) {
    self.size = size
    self.patience = patience
    self.growth = growth
    self.holdsSource = holdsSource
    self.overflowPort = overflowPort
    self.store = store
  }

  /// That of sinks that write files: a file system may hang for a while, and 16 MB of events, as every queue holds at most, are
  /// many.
  public static let files = QueuePolicy(size: 10_000, patience: .zero, growth: 1)

  /// What `check` shows: "queue 1024; full: waits 1s, then drops".
  public var description: String {
    let end = overflowPort.map { "to .\($0)" } ?? "drops"
    let place = store ?? "queue \(size)"
    if holdsSource { return "\(place); full: holds the source back" }
    if store != nil || patience <= .zero { return "\(place); full: \(end)" }
    let wait = patience > .seconds(3600) ? "grows to \(size * growth)" : "waits \(patience.unitText)"
    return "\(place); full: \(wait), then \(end)"
  }
}

/// The queue in front of a sink of events, as far as the sink has to know it.
public struct SinkQueue: Sendable {
  /// How it behaves.
  public var policy: QueuePolicy
  /// Whether everything that feeds the queue has ended; events may still be waiting in it.
  public var hasEnded: @Sendable () -> Bool

  /// A queue as a sink sees it; without a policy as most are, and never ended: for tests.
  public init(policy: QueuePolicy = QueuePolicy(), hasEnded: @escaping @Sendable () -> Bool = { false }) {
    self.policy = policy
    self.hasEnded = hasEnded
  }
}

/// An event stage that only says how the queue of the sink behind it behaves: the stage `queue`.
public protocol QueueSetting: EventTransform {
  /// The policy of the sink behind it, made from the sink's own.
  func policy(for sink: QueuePolicy) -> QueuePolicy
}

extension QueueSetting {
  public var queueSetting: (any QueueSetting)? { self }
}
