package import FluxGraph

/// The stage `queue`: says how many events may wait for the sink behind it.
package struct Queue: QueueSetting {
  package static let description = StageDescription<Queue>(
    "queue", "Says how many events may wait for the sink behind it, and what happens when there are more.",
    details: """
      Without it a sink's queue holds 1024 events, and takes more for up to a second before new ones are dropped; that of \
      a sink that writes files holds 10000. None holds more than 16 MB of them. With \
      `full=drop` they are dropped at once; a sink with a port `dead` lets them go there. With `full=block` a full queue \
      holds the sound back the events come from, and with it all that is fed by the same source, until half of it is free. \
      A live source cannot be held back: there the queue grows to 64 times its size first, or to 16 MB. `check` prints the policy of each \
      sink.
      """,
    examples: [
      "file talk.opus | flux | queue size=100 full=drop | stdout",
      "file talk.opus | flux | queue size=50000 full=block | jsonl turns.jsonl",
    ]
  ) {
    Option("size", \Queue.size, "Events that may wait.", in: 1...1_000_000)
    Option("full", \Queue.full, "What a full queue does.")
  }

  /// What a full queue does.
  package enum Full: String, OptionEnumeration {
    case block, drop
  }

  package var size = 1024
  package var full = Full.block

  package init() {}

  package mutating func process(_ event: Event, emit: (Event) -> Void) { emit(event) }

  package func policy(for sink: QueuePolicy) -> QueuePolicy {
    QueuePolicy(
      size: size, patience: full == .drop ? .zero : .seconds(86_400 * 365), growth: full == .drop ? 1 : 64,
      holdsSource: full == .block, overflowPort: sink.overflowPort,
      store: sink.store.map { "queue \(size), \($0)" })
  }
}
