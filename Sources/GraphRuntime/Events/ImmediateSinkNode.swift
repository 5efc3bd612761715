internal import FluxGraph
internal import Synchronization

/// A sink that takes each event where it comes from.
final class ImmediateSinkNode: EventConsumer, @unchecked Sendable {
  // Unchecked: the sink is touched only under the lock, `ended` is set before anything runs.

  private struct State {
    var producers: Int
    var latencies = LatencyHistogram()
  }

  private var sink: any ImmediateEventSink
  private let state: Mutex<State>
  private var ended: @Sendable () -> Void = {}

  /// - Parameter producers: how many outputs are linked to the sink.
  init(_ sink: any ImmediateEventSink, producers: Int) {
    self.sink = sink
    state = Mutex(State(producers: producers))
  }

  /// Sets what is called once the last event has been taken. Before the graph runs.
  func onEnd(_ body: @escaping @Sendable () -> Void) { ended = body }

  /// The events taken; none of them waited.
  var latencies: LatencyHistogram { state.withLock { $0.latencies } }

  func accept(_ event: Event) {
    state.withLock { state in
      sink.take(event)
      state.latencies.record(.zero)
    }
  }

  func producerEnded() {
    let isLast = state.withLock { state in
      state.producers -= 1
      return state.producers == 0
    }
    if isLast { ended() }
  }
}
