internal import Synchronization

/// The way from whoever has news for a chain to the chain, and from the chain to the worker that steps it. It exists before
/// either, because stages are given their context before the chain around them is made.
final class WakeRoute: Sendable {
  private struct Ends {
    weak var chain: AudioChain?
    weak var worker: AudioWorker?
  }

  private let ends = Mutex(Ends())
  /// Which stage of the chain is at work.
  let trace = StageTrace()

  func connect(_ chain: AudioChain) {
    ends.withLock { $0.chain = chain }
  }

  func connect(_ worker: AudioWorker) {
    ends.withLock { $0.worker = worker }
  }

  /// Tells the chain that there may be something to do.
  func wakeChain() {
    ends.withLock { $0.chain }?.wake()
  }

  /// Wakes the worker, once there is one.
  func wakeWorker() {
    ends.withLock { $0.worker }?.wake()
  }

  /// Has the worker wake the chain when a descriptor can be read (`POLLIN`) or written (`POLLOUT`).
  func watch(_ descriptor: Int32, events: Int32) {
    let (chain, worker) = ends.withLock { ($0.chain, $0.worker) }
    guard let chain else { return }
    worker?.watch(descriptor, events: events, for: chain)
  }
}
