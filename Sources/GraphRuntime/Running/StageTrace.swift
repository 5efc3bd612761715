internal import FluxGraph
internal import GraphLanguage
internal import Synchronization

/// Where a stage stands, as people know it.
struct StagePlace: Sendable {
  /// The name the user gave it, or its word.
  var title: String
  /// The word in the graph.
  var word: String
  /// Such as `desk.graph:3:19`.
  var location: String

  init(_ node: PlanNode) {
    title = node.title
    word = node.specification.name
    location = node.location
  }

  /// Where a part of a graph begins.
  init(_ part: PartReport) {
    title = part.name
    word = part.stages.first ?? part.name
    location = part.location
  }
}

/// Which stage of a chain is at work: written by the chain's audio thread before each call of a stage, read by whoever watches.
final class StageTrace: Sendable {
  private let places = Mutex<[StagePlace]>([])
  private let current = Atomic<Int>(-1)

  /// A stage's own mark. Before the chain runs only.
  func mark(_ place: StagePlace) -> StageMark {
    places.withLock { places in
      places.append(place)
      return StageMark(trace: self, index: places.count - 1)
    }
  }

  /// The stage that was called last; nil before the first call.
  var place: StagePlace? {
    let index = current.load(ordering: .relaxed)
    return places.withLock { $0.indices.contains(index) ? $0[index] : nil }
  }

  /// Its number, to come back to with `enter`.
  fileprivate var index: Int { current.load(ordering: .relaxed) }
  fileprivate func enter(_ index: Int) { current.store(index, ordering: .relaxed) }
}

/// A stage's place in the trace of its chain.
struct StageMark: Sendable {
  fileprivate let trace: StageTrace
  fileprivate let index: Int

  /// Says that the stage is being called.
  func enter() { trace.enter(index) }

  /// What says that the stage called last is being called once more.
  var last: StageMark { StageMark(trace: trace, index: trace.index) }
}
