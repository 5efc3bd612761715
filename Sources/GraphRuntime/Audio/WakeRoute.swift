internal import Synchronization

/// The way from whoever has news for a chain to the chain. It exists before the chain, because stages are given their context
/// before the chain around them is made.
///
/// Audio threads go it for every block, so that it has no lock.
final class WakeRoute: Sendable {
  /// The end of the way, which may be gone.
  private final class End: Sendable {
    weak let chain: AudioChain?

    init(_ chain: AudioChain) {
      self.chain = chain
    }
  }

  private let end = AtomicLazyReference<End>()
  /// Which stage of the chain is at work.
  let trace = StageTrace()

  /// Once.
  func connect(_ chain: AudioChain) {
    _ = end.storeIfNil(End(chain))
  }

  /// Tells the chain that there may be something to do.
  func wake() { end.load()?.chain?.wake() }

  /// Has the chain woken when a descriptor can be read (`POLLIN`) or written (`POLLOUT`).
  func watch(_ descriptor: Int32, events: Int32) { end.load()?.chain?.watch(descriptor, events: events) }
}
