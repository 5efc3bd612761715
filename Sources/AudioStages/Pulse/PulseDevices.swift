package import FluxGraph

/// What a sound server has, for people to choose from: once, or whenever it changes.
package final class PulseDevices {
  private let connection: PulseConnection
  private var watcher: Watcher?

  /// Begins to connect.
  /// - Parameter server: the server's address; nil for the one the environment names.
  package init(server: String?) throws(StageError) {
    connection = try PulseConnection(server: server)
  }

  deinit {
    guard let watcher else { return }
    connection.locked { connection.remove(watcher) }
  }

  /// What there is now.
  /// - Throws: `StageError` when there is no server.
  package func inventory() throws(StageError) -> PulseInventory {
    try connection.locked { () throws(StageError) in try connection.waitForInventory().0 }
  }

  /// Has `changed` called at every change, on libpulse's thread; with nil when the server has gone. Once only.
  package func watch(_ changed: @escaping @Sendable (PulseInventory?) -> Void) {
    let watcher = Watcher(changed)
    self.watcher = watcher
    connection.locked { connection.add(watcher) }
  }

  private final class Watcher: PulseClient {
    private let changed: @Sendable (PulseInventory?) -> Void
    private var isGone = false

    init(_ changed: @escaping @Sendable (PulseInventory?) -> Void) {
      self.changed = changed
    }

    var wantsInventory: Bool { false }

    func inventoryChanged(_ inventory: PulseInventory, _ context: OpaquePointer) {
      isGone = false
      changed(inventory)
    }

    func connectionLost(_ reason: String) {
      if !isGone { changed(nil) }
      isGone = true
    }

    func tick() -> Bool { false }
  }
}
