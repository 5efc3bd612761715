internal import Synchronization

/// Which stage of a chain is at work: written by the chain's audio thread before each call of a stage, read by whoever watches.
final class StageTrace: Sendable {
  private let names = Mutex<[String]>([])
  private let current = Atomic<Int>(-1)

  /// A stage's own mark. Before the chain runs only.
  func mark(_ name: String) -> StageMark {
    names.withLock { names in
      names.append(name)
      return StageMark(trace: self, index: names.count - 1)
    }
  }

  /// The stage that was called last; nil before the first call.
  var stage: String? {
    let index = current.load(ordering: .relaxed)
    return names.withLock { $0.indices.contains(index) ? $0[index] : nil }
  }

  fileprivate func enter(_ index: Int) { current.store(index, ordering: .relaxed) }
}

/// A stage's place in the trace of its chain.
struct StageMark: Sendable {
  fileprivate let trace: StageTrace
  fileprivate let index: Int

  /// Says that the stage is being called.
  func enter() { trace.enter(index) }
}
