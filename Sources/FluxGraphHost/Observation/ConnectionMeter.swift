internal import FluxGraph
internal import Synchronization

/// Counts the WebSockets whose watchers it gives out.
final class ConnectionMeter: Sendable {
  struct Counts: Sendable, Hashable {
    /// Connections there are.
    var open = 0
    /// Connections there have been.
    var opened = 0
    /// Attempts the service has refused or that have failed.
    var failed = 0
  }

  private let state = Mutex(Counts())

  var counts: Counts { state.withLock { $0 } }

  func watcher() -> any WebSocketWatcher { Course(self) }

  /// What becomes of one connection: each end of it is counted once.
  private final class Course: WebSocketWatcher {
    private enum Stage { case connecting, open, over }

    private let stage = Mutex(Stage.connecting)
    private let meter: ConnectionMeter

    init(_ meter: ConnectionMeter) {
      self.meter = meter
    }

    func received(_ event: WebSocketEvent) {
      switch event {
      case .opened:
        stage.withLock { $0 = .open }
        meter.state.withLock { counts in
          counts.open += 1
          counts.opened += 1
        }
      case .closed, .failed, .refused: end(countsFailure: true)
      case .text, .binary, .drained: break
      }
    }

    func aborts() { end(countsFailure: false) }

    private func end(countsFailure: Bool) {
      let before = stage.withLock { stage in
        defer { stage = .over }
        return stage
      }
      meter.state.withLock { counts in
        switch before {
        case .open: counts.open -= 1
        case .connecting where countsFailure: counts.failed += 1
        case .connecting, .over: break
        }
      }
    }
  }
}
