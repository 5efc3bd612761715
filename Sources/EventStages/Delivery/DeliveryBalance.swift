package import FluxGraph

/// What has become of the events a sink has accepted, those an earlier run has left among them. Each is one of these:
/// delivered, waiting, a dead letter, or lost.
package struct DeliveryBalance: Sendable, Equatable {
  /// Events the sink has taken.
  package var accepted = 0
  package var delivered = 0
  /// Given up, and in the file of dead letters.
  package var dead = 0
  /// Given up, or left over at the end, and kept by nothing.
  package var lost = 0

  package init() {}

  /// Not done: in the spool, or in memory.
  package var waiting: Int { accepted - delivered - dead - lost }

  /// "600 accepted: 51 delivered, 49 waiting, 0 dead letters, 500 lost".
  package var text: String {
    "\(accepted) accepted: \(delivered) delivered, \(waiting) waiting, "
      + "\(dead) dead letter\(dead == 1 ? "" : "s"), \(lost) lost"
  }

  /// The same for programs.
  package var members: [(name: String, value: JSONValue)] {
    [
      ("accepted", JSONValue(accepted)), ("delivered", JSONValue(delivered)), ("waiting", JSONValue(waiting)),
      ("dead", JSONValue(dead)), ("lost", JSONValue(lost)),
    ]
  }

  /// The balances of all sinks that deliver, from what stages have measured.
  package static func all(_ samples: [MetricsRegistry.Sample]) -> [(stage: String, balance: DeliveryBalance)]
  {
    var all: [(stage: String, balance: DeliveryBalance)] = []
    for sample in samples {
      guard let field = DeliveryMeters.fields[sample.name] else { continue }
      let index = all.firstIndex { $0.stage == sample.stage } ?? all.endIndex
      if index == all.endIndex { all.append((sample.stage, DeliveryBalance())) }
      all[index].balance[keyPath: field] += Int(sample.value)
    }
    return all
  }
}

/// The balance of a sink as others see it while it runs.
struct DeliveryMeters: Sendable {
  /// The metrics whose values are a balance's.
  static var fields: [String: WritableKeyPath<DeliveryBalance, Int>] {
    [
      "events_accepted_total": \.accepted, "events_delivered_total": \.delivered,
      "events_dead_total": \.dead, "events_lost_total": \.lost,
    ]
  }

  private let accepted: Counter
  private let delivered: Counter
  private let dead: Counter
  private let lost: Counter
  private let waiting: Gauge

  init(_ metrics: StageMetrics) {
    accepted = metrics.counter(
      "events_accepted_total", "Events the sink has taken, those an earlier run has left among them.")
    delivered = metrics.counter("events_delivered_total", "Events the receiver has taken.")
    dead = metrics.counter(
      "events_dead_total", "Events that were given up and are in the file of dead letters.")
    lost = metrics.counter("events_lost_total", "Events that nothing keeps any more.")
    waiting = metrics.gauge("events_waiting", "Events that are not delivered yet.")
  }

  /// Shows what has changed.
  func show(_ new: DeliveryBalance, before old: DeliveryBalance) {
    accepted.add(new.accepted - old.accepted)
    delivered.add(new.delivered - old.delivered)
    dead.add(new.dead - old.dead)
    lost.add(new.lost - old.lost)
    waiting.add(Double(new.waiting - old.waiting))
  }
}
