internal import Synchronization

/// A number that only grows: frames, requests, failures. Any thread may count, also an audio thread: it neither locks nor
/// allocates.
public final class Counter: Sendable {
  private let total = Atomic<UInt64>(0)

  /// A counter at zero that no registry knows; stages get theirs from `StageContext.metrics`.
  public init() {}

  /// Adds `count`, which must not be negative.
  public func add(_ count: Int = 1) { total.wrappingAdd(UInt64(count), ordering: .relaxed) }

  /// What was counted so far.
  public var value: UInt64 { total.load(ordering: .relaxed) }
}

/// A number that goes up and down: a level, a backlog, a delay. Any thread may set it, also an audio thread: it neither locks
/// nor allocates.
public final class Gauge: Sendable {
  private let bits = Atomic<UInt64>(0)

  /// A gauge at zero that no registry knows; stages get theirs from `StageContext.metrics`.
  public init() {}

  /// Sets the value, in the unit the gauge's name ends with.
  public func set(_ value: Double) { bits.store(value.bitPattern, ordering: .relaxed) }

  /// Adds to the value: for what several of a stage's runs have together.
  package func add(_ difference: Double) {
    var old = bits.load(ordering: .relaxed)
    while true {
      let sum = (Double(bitPattern: old) + difference).bitPattern
      let (isDone, found) = bits.weakCompareExchange(expected: old, desired: sum, ordering: .relaxed)
      if isDone { return }
      old = found
    }
  }

  /// The value set last; 0 before.
  public var value: Double { Double(bitPattern: bits.load(ordering: .relaxed)) }
}

/// Everything that is measured in a graph: what the host program reads and shows. One for each graph.
public final class MetricsRegistry: Sendable {
  /// What kind of number a metric is.
  public enum Kind: String, Sendable, Hashable {
    /// It only grows.
    case counter
    /// It goes up and down.
    case gauge
  }

  /// A metric and its value at the time it was looked at.
  public struct Sample: Sendable, Hashable {
    /// Lower-case letters, digits and underscores, ending with the unit: `clipped_frames_total`, `backlog_seconds`.
    public var name: String
    /// What is measured, as one sentence.
    public var help: String
    /// Whether it only grows.
    public var kind: Kind
    /// The word in the graph of the stage it comes from, such as `flux`.
    public var category: String
    /// The stage it comes from, by the name the user gave it.
    public var stage: String
    /// The value, in the unit the name ends with.
    public var value: Double
  }

  private enum Metric {
    case counter(Counter)
    case gauge(Gauge)
  }

  private struct Entry {
    var name: String
    var help: String
    var category: String
    var stage: String
    var metric: Metric
  }

  private let entries = Mutex<[Entry]>([])

  public init() {}

  /// Every metric with its value now, in the order they were first asked for. Any thread may ask.
  public var samples: [Sample] {
    entries.withLock { $0 }.map { entry in
      let (kind, value): (Kind, Double) =
        switch entry.metric {
        case .counter(let counter): (.counter, Double(counter.value))
        case .gauge(let gauge): (.gauge, gauge.value)
        }
      return Sample(
        name: entry.name, help: entry.help, kind: kind, category: entry.category, stage: entry.stage,
        value: value)
    }
  }

  func counter(_ name: String, _ help: String, category: String, stage: String) -> Counter {
    entries.withLock { entries in
      for entry in entries where entry.name == name && entry.category == category && entry.stage == stage {
        if case .counter(let counter) = entry.metric { return counter }
      }
      let counter = Counter()
      entries.append(
        Entry(name: name, help: help, category: category, stage: stage, metric: .counter(counter)))
      return counter
    }
  }

  func gauge(_ name: String, _ help: String, category: String, stage: String) -> Gauge {
    entries.withLock { entries in
      for entry in entries where entry.name == name && entry.category == category && entry.stage == stage {
        if case .gauge(let gauge) = entry.metric { return gauge }
      }
      let gauge = Gauge()
      entries.append(Entry(name: name, help: help, category: category, stage: stage, metric: .gauge(gauge)))
      return gauge
    }
  }
}

/// A stage's own metrics. Asking for one locks and allocates: do it in `prepare` or `open` and keep what you get.
public struct StageMetrics: Sendable {
  private let registry: MetricsRegistry
  private let category: String
  private let stage: String

  package init(registry: MetricsRegistry, category: String, stage: String) {
    self.registry = registry
    self.category = category
    self.stage = stage
  }

  /// A number that only grows. Asked for again under the same name, the same one is given.
  /// - Parameters:
  ///   - name: lower-case letters, digits and underscores, ending with `_total`: `clipped_frames_total`.
  ///   - help: what is counted, as one sentence.
  public func counter(_ name: String, _ help: String) -> Counter {
    Self.check(name)
    return registry.counter(name, help, category: category, stage: stage)
  }

  /// A number that goes up and down. Asked for again under the same name, the same one is given.
  /// - Parameters:
  ///   - name: lower-case letters, digits and underscores, ending with the unit: `backlog_seconds`.
  ///   - help: what is measured, as one sentence.
  public func gauge(_ name: String, _ help: String) -> Gauge {
    Self.check(name)
    return registry.gauge(name, help, category: category, stage: stage)
  }

  private static func check(_ name: String) {
    let fits = name.utf8.allSatisfy { (97...122).contains($0) || (48...57).contains($0) || $0 == 95 }
    precondition(
      fits && name.utf8.first.map { $0 > 96 } == true,
      "`\(name)` is no name of a metric: lower-case letters, digits and underscores, a letter first")
  }
}
