package import FluxGraph
internal import Synchronization

/// The stages of a running graph that take commands, by the names users know them by.
package final class CommandDirectory: Sendable {
  private let handlers = Mutex<[(name: String, handler: StageCommandHandler)]>([])
  private let hangUpHandlers = Mutex<[@Sendable () -> Void]>([])

  package init() {}

  package func add(_ name: String, _ handler: @escaping StageCommandHandler) {
    handlers.withLock { $0.append((name, handler)) }
  }

  /// Forgets all stages: what they hold refers to this directory.
  func removeAll() {
    handlers.withLock { $0 = [] }
    hangUpHandlers.withLock { $0 = [] }
  }

  /// Adds somebody who has files to open anew.
  package func addHangUp(_ body: @escaping @Sendable () -> Void) {
    hangUpHandlers.withLock { $0.append(body) }
  }

  /// Has files that were moved away opened anew. On the loop the stages live on.
  package func hangUp() {
    for body in hangUpHandlers.withLock({ $0 }) { body() }
  }

  /// The names of the stages that take commands, each once.
  package var names: [String] {
    var seen: Set<String> = []
    return handlers.withLock { $0.map(\.name) }.filter { seen.insert($0).inserted }
  }

  /// Gives a command to the stages of a name, or to all, and returns their answers. On the loop the stages live on.
  package func give(_ command: StageCommand, to name: String? = nil) -> [(name: String, reply: StageReply)] {
    handlers.withLock { $0 }.filter { name == nil || $0.name == name }.map { ($0.name, $0.handler(command)) }
  }
}
