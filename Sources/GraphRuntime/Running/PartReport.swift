internal import FluxGraph

/// How one part of a graph fares: a chain of audio stages, a recogniser, or a sink of events.
package struct PartReport: Sendable {
  package enum Kind: String, Sendable, Hashable {
    case chain, recogniser, sink
  }

  package enum State: String, Sendable, Hashable, CaseIterable {
    /// It waits for its input's first audio.
    case starting
    case running, ended, failed
  }

  /// The queue in front of a part: blocks of audio, or events.
  package struct Queue: Sendable, Hashable {
    package var waiting = 0
    package var capacity = 0
    /// The most that ever waited.
    package var highWater = 0
  }

  /// The part as the user knows it.
  package var name: String
  package var kind: Kind
  /// The words of its stages, in the order of the flow.
  package var stages: [String]
  /// Where it stands in the graph.
  package var location: String
  package var state = State.starting
  /// Seconds of audio that have gone through it; nil for sinks of events.
  package var seconds: Double?
  /// Chunks it has made; 0 for parts without the stage `chunk`.
  package var chunks = 0
  package var queue: Queue?
  /// Seconds of audio dropped because it did not keep up.
  package var droppedSeconds = 0.0
  /// Events dropped because it did not keep up.
  package var droppedEvents = 0
  /// Events that it has got and not written, the one it is about included.
  package var unwritten = 0
  /// Events it has written, by how long each took from its arrival in front of the sink.
  package var latency = LatencyHistogram()

  package init(name: String, kind: Kind, stages: [String], location: String) {
    self.name = name
    self.kind = kind
    self.stages = stages
    self.location = location
  }

  /// Adds what the same part of another run of the graph has done.
  package mutating func merge(_ other: PartReport) {
    if let seconds = other.seconds { self.seconds = (self.seconds ?? 0) + seconds }
    chunks += other.chunks
    if let queue = other.queue {
      let mine = self.queue ?? Queue()
      self.queue = Queue(
        waiting: mine.waiting + queue.waiting, capacity: max(mine.capacity, queue.capacity),
        highWater: max(mine.highWater, queue.highWater))
    }
    droppedSeconds += other.droppedSeconds
    droppedEvents += other.droppedEvents
    latency.merge(other.latency)
    if other.state == .running { state = .running }
  }
}

/// What a graph, or several runs of one, have done.
package struct GraphStatistics: Sendable {
  package var parts: [PartReport] = []
  package var turns = 0
  /// Seconds of audio that have gone through; those of the longest chain of each run.
  package var seconds = 0.0

  package init() {}

  /// Adds another run of the same graph.
  package mutating func merge(_ other: GraphStatistics) {
    turns += other.turns
    seconds += other.seconds
    for part in other.parts {
      if let index = parts.firstIndex(where: {
        $0.location == part.location && $0.name == part.name && $0.kind == part.kind
          && $0.stages == part.stages
      }) {
        parts[index].merge(part)
      } else {
        parts.append(part)
      }
    }
  }

  package var chunks: Int { parts.reduce(0) { $0 + $1.chunks } }
  package var droppedSeconds: Double { parts.reduce(0) { $0 + $1.droppedSeconds } }
  package var droppedEvents: Int { parts.reduce(0) { $0 + $1.droppedEvents } }
  package var latency: LatencyHistogram {
    parts.reduce(into: LatencyHistogram()) { $0.merge($1.latency) }
  }
}
