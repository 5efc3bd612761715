internal import FluxGraph
internal import Synchronization

/// The connections of one graph: one for each sound server, shared by the stages that use it. And the moment that is the
/// beginning of all their streams, so that what they hear is on one timeline.
package final class PulseConnections: Sendable {
  private struct Entry {
    weak var connection: PulseConnection?
  }

  private struct State {
    var entries: [String?: Entry] = [:]
    var epoch: Instant?
  }

  private let state = Mutex(State())

  package init() {}

  /// When the first frame of every stream belongs.
  var epoch: Instant {
    state.withLock { state in
      let epoch = state.epoch ?? .now()
      state.epoch = epoch
      return epoch
    }
  }

  /// The connection to a server; nil means the one the environment names.
  func connection(to server: String?) throws -> PulseConnection {
    try state.withLock { state in
      if let connection = state.entries[server]?.connection { return connection }
      let connection = try PulseConnection(server: server)
      state.entries[server] = Entry(connection: connection)
      return connection
    }
  }
}
