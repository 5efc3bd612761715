internal import FluxGraph
internal import Synchronization

/// Counts notices by their words.
final class NoticeMeter: Sendable {
  private let counts = Mutex<[String: Int]>([:])

  func count(_ notice: Notice) { counts.withLock { $0[notice.notice, default: 0] += 1 } }

  /// By their words, in alphabetical order.
  var all: [(notice: String, count: Int)] {
    counts.withLock { $0 }.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
  }

  func number(of notice: String) -> Int { counts.withLock { $0[notice] ?? 0 } }
}
