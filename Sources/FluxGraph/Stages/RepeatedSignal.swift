internal import Synchronization

extension GraphLoop {
  /// Hands `body` over anew each time.
  public func signal(_ body: @escaping @Sendable () -> Void) -> any GraphSignal {
    RepeatedSignal(body) { execute($0) }
  }
}

extension BlockingThread {
  /// Hands `body` over anew each time.
  public func signal(_ body: @escaping @Sendable () -> Void) -> any GraphSignal {
    RepeatedSignal(body) { submit($0) }
  }
}

/// A signal of a thread that only takes one body after the other.
private final class RepeatedSignal: GraphSignal {
  private let body: @Sendable () -> Void
  private let handOver: @Sendable (@escaping @Sendable () -> Void) -> Void
  private let isRaised = Atomic<Bool>(false)

  init(
    _ body: @escaping @Sendable () -> Void,
    handOver: @escaping @Sendable (@escaping @Sendable () -> Void) -> Void
  ) {
    self.body = body
    self.handOver = handOver
  }

  func raise() {
    guard !isRaised.exchange(true, ordering: .acquiringAndReleasing) else { return }
    handOver { [self] in
      isRaised.store(false, ordering: .sequentiallyConsistent)
      body()
    }
  }
}
