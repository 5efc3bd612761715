internal import FluxGraph
internal import GraphLanguage
internal import Synchronization

/// A part of a running graph as its statistics see it. Asked from any thread; what is counted is counted without a lock.
final class GraphPart: Sendable {
  private struct State {
    var queues: [AudioQueue] = []
    /// The part's last words, once it is over.
    var last: PartReport?
  }

  private let title: String
  private let kind: PartReport.Kind
  private let stages: [String]
  private let location: String
  private let makesChunks: Bool
  private let state = Mutex(State())
  private let chain: Mutex<AudioChain?>
  private let sink: EventSinkNode?
  private let immediateSink: ImmediateSinkNode?

  init(
    _ kind: PartReport.Kind, _ nodes: [PlanNode], chain: AudioChain? = nil, sink: EventSinkNode? = nil,
    immediateSink: ImmediateSinkNode? = nil
  ) {
    self.kind = kind
    title = nodes[0].title
    stages = nodes.map(\.specification.name)
    location = nodes[0].location
    makesChunks = nodes.contains { $0.specification.role == .chunk }
    self.chain = Mutex(chain)
    self.sink = sink
    self.immediateSink = immediateSink
  }

  /// Adds a queue in front of the part.
  func connect(_ queue: AudioQueue) { state.withLock { $0.queues.append(queue) } }

  /// Whether this is what is known of that sink.
  func isOf(_ sink: EventSinkNode) -> Bool { self.sink === sink }

  func connect(_ chain: AudioChain) { self.chain.withLock { $0 = chain } }

  /// The part is over. What it leaves is kept, and what it held is let go of.
  func end(_ error: (any Error)?) {
    var last = report
    let hasFailed = error.map { !($0 is EndOfInterest) && !($0 is CancellationError) } ?? false
    last.state = hasFailed ? .failed : .ended
    state.withLock { state in
      state.last = state.last ?? last
      state.queues = []
    }
    chain.withLock { $0 = nil }
  }

  var report: PartReport {
    let state = state.withLock { $0 }
    if let last = state.last { return last }
    var report = PartReport(name: title, kind: kind, stages: stages, location: location)
    var isRunning = kind == .sink
    if let chain = chain.withLock({ $0 }) {
      report.seconds = chain.secondsPassed
      report.chunks = makesChunks ? chain.blocksPassed : 0
      isRunning = chain.secondsPassed > 0
    }
    for queue in state.queues where queue.isOpen {
      let mine = report.queue ?? PartReport.Queue()
      report.queue = PartReport.Queue(
        waiting: mine.waiting + queue.count, capacity: mine.capacity + queue.capacity,
        highWater: max(mine.highWater, queue.highWater))
      report.droppedSeconds += Double(queue.droppedFrames) / Double(queue.format.rate)
      if kind == .recogniser {
        isRunning = true
        report.seconds = Double(queue.framesPopped) / Double(queue.format.rate)
      }
    }
    if let sink {
      report.queue = sink.queue.report
      report.droppedEvents = sink.queue.totalDropped
      report.unwritten = sink.unwritten
      report.latency = sink.latencies
    }
    if let immediateSink { report.latency = immediateSink.latencies }
    report.state = isRunning ? .running : .starting
    return report
  }
}
