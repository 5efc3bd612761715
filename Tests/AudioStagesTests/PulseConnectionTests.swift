import Foundation
import Testing

@testable import AudioStages

/// The thread of a connection, without a server.
@Suite struct PulseConnectionTests {
  /// Lets go of its connection on the connection's own thread.
  private final class Leaver: PulseClient {
    var connection: PulseConnection?
    weak var left: PulseConnection?
    private(set) var hasLeft = false

    let wantsInventory = false
    func inventoryChanged(_ inventory: PulseInventory, _ context: OpaquePointer) {}
    func connectionLost(_ reason: String) {}
    func tick() -> Bool {
      connection = nil
      hasLeft = true
      return true
    }
  }

  @Test("whose last user is on its own thread ends all the same")
  func lastReference() async throws {
    for _ in 0..<10 {
      let leaver = Leaver()
      try connect(leaver)
      while leaver.left != nil { try await Task.sleep(for: .milliseconds(5)) }
      #expect(leaver.hasLeft)
    }
  }

  private func connect(_ leaver: Leaver) throws {
    let connection = try PulseConnection(server: "/nonexistent/pulse")
    connection.locked {
      leaver.left = connection
      leaver.connection = connection
      connection.add(leaver)
    }
  }
}
