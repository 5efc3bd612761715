internal import Glibc
internal import Synchronization

/// The programs that run, so that none outlives this one when it ends in a hurry.
final class LiveChildren: Sendable {
  static let shared = LiveChildren()

  private let groups = Mutex<Set<pid_t>>([])

  private init() {
    atexit {
      LiveChildren.shared.groups.withLock { groups in
        for group in groups { _ = kill(-group, SIGKILL) }
      }
    }
  }

  func add(_ group: pid_t) { groups.withLock { _ = $0.insert(group) } }
  func remove(_ group: pid_t) { groups.withLock { _ = $0.remove(group) } }
}
