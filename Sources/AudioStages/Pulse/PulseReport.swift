internal import FluxGraph
internal import Synchronization

/// Notices on their way from the thread `pulse`, which must not wait for whoever prints them, to the audio thread.
final class PulseReport: Sendable {
  /// More than a user can read; a device that changes without end is told of once in a while.
  private static let limit = 32

  private let waiting = Mutex<[Notice]>([])
  private let isEmpty = Atomic<Bool>(true)

  func add(_ notice: Notice) {
    waiting.withLock { waiting in
      if waiting.count < Self.limit { waiting.append(notice) }
    }
    isEmpty.store(false, ordering: .releasing)
  }

  /// Gives the notices that have come since the last call.
  func deliver(to context: StageContext) {
    guard !isEmpty.load(ordering: .acquiring) else { return }
    isEmpty.store(true, ordering: .releasing)
    let notices = waiting.withLock { waiting in
      defer { waiting = [] }
      return waiting
    }
    for notice in notices { context.notice(notice) }
  }
}
