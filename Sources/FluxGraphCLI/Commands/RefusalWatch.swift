internal import FluxGraph
internal import Synchronization

/// Watches the notices of a graph for the service's answer that there are too many streams (429).
final class RefusalWatch: Sendable {
  private static let tooMany = 429

  private let last = Mutex<Bool>(false)
  private let refused: @Sendable () -> Void

  /// - Parameter refused: called for each such answer.
  init(_ refused: @escaping @Sendable () -> Void) {
    self.refused = refused
  }

  /// Whether the last attempt to connect was answered so.
  var wasLast: Bool { last.withLock { $0 } }

  func see(_ notice: Notice) {
    guard notice.notice == "connect-failed" else { return }
    let status = notice.details.last { $0.name == "status" }?.value.intValue
    last.withLock { $0 = status == Self.tooMany }
    if status == Self.tooMany { refused() }
  }
}
