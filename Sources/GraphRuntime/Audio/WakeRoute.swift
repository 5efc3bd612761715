internal import Synchronization

/// The way from whoever has news for a chain to the chain, and from the chain to the worker that steps it. It exists before
/// either, because stages are given their context before the chain around them is made.
///
/// Audio threads go it for every block, so that it has no lock.
final class WakeRoute: Sendable {
  /// An end of the way that may be gone.
  private final class End<Object: AnyObject & Sendable>: Sendable {
    weak let object: Object?

    init(_ object: Object) {
      self.object = object
    }
  }

  private let chain = AtomicLazyReference<End<AudioChain>>()
  private let worker = AtomicLazyReference<End<AudioWorker>>()
  /// Which stage of the chain is at work.
  let trace = StageTrace()

  /// Once.
  func connect(_ chain: AudioChain) {
    _ = self.chain.storeIfNil(End(chain))
  }

  /// Once.
  func connect(_ worker: AudioWorker) {
    _ = self.worker.storeIfNil(End(worker))
  }

  /// Tells the chain that there may be something to do.
  func wakeChain() {
    chain.load()?.object?.wake()
  }

  /// Wakes the worker, once there is one.
  func wakeWorker() {
    worker.load()?.object?.wake()
  }

  /// Has the worker wake the chain when a descriptor can be read (`POLLIN`) or written (`POLLOUT`).
  func watch(_ descriptor: Int32, events: Int32) {
    guard let chain = chain.load()?.object else { return }
    worker.load()?.object?.watch(descriptor, events: events, for: chain)
  }
}
