import ExampleStages
import FluxGraph
import FluxGraphCLI
import Foundation
import StageTesting
import Testing

@Suite(.timeLimit(.minutes(1))) struct SocketSourceTests {
  @Test("keeps what every stage owes") func contract() async throws {
    let server = try UnixServer { connection in
      UnixServer.send((0..<3_000).map { UInt8(truncatingIfNeeded: $0) }, to: connection)
    }
    try await StageContract.check(SocketSource.self, "socket \(server.path)")
  }

  @Test("nobody at the socket ends the graph with a reason") func nobody() async throws {
    let graph = try Graph(text: "socket /nowhere/radio.sock | null", catalogue: .standard.adding(.examples))
    await #expect { try await graph.run() } throws: {
      ($0 as? GraphError)?.message.contains("/nowhere/radio.sock") == true
    }
  }
}

@Suite(.timeLimit(.minutes(1))) struct SocketRelayTests {
  @Test("keeps what every stage owes") func contract() async throws {
    let server = try UnixServer(UnixServer.echo)
    try await StageContract.check(SocketRelay.self, "via \(server.path)")
  }

  @Test("audio goes there and comes back, whatever the pieces") func echo() async throws {
    let server = try UnixServer(UnixServer.echo)
    let folder = try Folder()
    for stage in ["", "| via \(server.path)"] {
      let graph = try Graph(
        text:
          "tone sweep duration=2s rate=16k channels=2 | format s16le \(stage) | wav \(stage.isEmpty ? "plain" : "via").wav",
        catalogue: .standard.adding(.examples), directory: folder.path)
      try await graph.run()
    }
    let files = try ["plain", "via"].map { try Data(contentsOf: URL(filePath: "\(folder.path)/\($0).wav")) }
    #expect(files[0] == files[1] && files[0].count > 128_000)
  }

  @Test("a program that hangs up ends the stream, not the rest of the graph") func hangUp() async throws {
    let server = try UnixServer { _ in }
    let graph = try Graph(
      text: "voice = tone duration=1s rate=16k; voice | via \(server.path) | null; voice | null",
      catalogue: .standard.adding(.examples))
    try await graph.run()
  }
}

/// A program at a Unix socket: threads of its own, so that none of Swift's pool waits.
final class UnixServer: Sendable {
  let path = "/tmp/fluxgraph-example-\(UUID().uuidString.prefix(8)).sock"
  private let listener: Int32

  /// - Parameter serve: has a connection for as long as it runs.
  init(_ serve: @escaping @Sendable (Int32) -> Void) throws {
    let listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    self.listener = listener
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    let isBound = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(listener, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0
      }
    }
    try #require(isBound && listen(listener, 16) == 0)
    Thread.detachNewThread {
      while true {
        let connection = accept(listener, nil, nil)
        if connection < 0 { break }
        Thread.detachNewThread {
          serve(connection)
          close(connection)
        }
      }
      close(listener)
    }
  }

  deinit {
    shutdown(listener, Int32(SHUT_RDWR))
    unlink(path)
  }

  static func send(_ bytes: [UInt8], to connection: Int32) {
    var sent = 0
    while sent < bytes.count {
      let count = bytes.withUnsafeBytes {
        Glibc.send(connection, $0.baseAddress! + sent, $0.count - sent, Int32(MSG_NOSIGNAL))
      }
      if count <= 0 { return }
      sent += count
    }
  }

  /// Sends back what comes, in odd pieces.
  @Sendable static func echo(_ connection: Int32) {
    var piece = [UInt8](repeating: 0, count: 1_001)
    while true {
      let count = recv(connection, &piece, piece.count, 0)
      if count <= 0 { return }
      send(Array(piece[..<count]), to: connection)
    }
  }
}
