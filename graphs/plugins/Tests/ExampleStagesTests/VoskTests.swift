import ExampleStages
import FluxGraph
import FluxGraphCLI
import Foundation
import StageTesting
import Testing

@Suite(.timeLimit(.minutes(1))) struct VoskTests {
  @Test("keeps what every stage owes") func contract() async throws {
    try await StageContract.check(Vosk.self, "vosk ws://127.0.0.1:2700") {
      TestWorld(peer: { connection, action in
        switch action {
        case .connect: connection.give(.opened(headers: []))
        case .binary where connection.sentMessages == 1: connection.give(#"{"partial":"hello"}"#)
        case .text(#"{"eof":1}"#):
          // How much was heard, whatever the pieces.
          connection.give(#"{"text":"hello \#(connection.sentBytes.count)"}"#)
          connection.give(.closed(code: 1000, reason: ""))
        default: break
        }
      })
    }
  }

  @Test("a real server's words become turns") func server() async throws {
    let server = try await VoskServer()
    let graph = try Graph(
      text: "heard = tone duration=1500ms | vosk ws://127.0.0.1:\(server.port)",
      catalogue: .standard.adding(.examples))
    let heard = try graph.events(of: "heard")
    async let end: Void = graph.run()
    var turns: [TurnEvent] = []
    for await case .turn(let turn) in heard { turns.append(turn) }
    try await end
    #expect(turns.first?.kind == .startOfTurn)
    #expect(turns.count { $0.kind == .endOfTurn } == 1)
    #expect(turns.last?.transcript == "hello 1.50")
    #expect(turns.last?.words.map(\.start) == [0.1, 0.5])
    #expect(turns.last?.end == 1.5)
  }

  @Test("a server that refuses ends the graph with its status") func refused() async throws {
    let server = try await VoskServer("refuse")
    let graph = try Graph(
      text: "heard = tone duration=1s | vosk ws://127.0.0.1:\(server.port)\nheard | null",
      catalogue: .standard.adding(.examples))
    do {
      try await graph.run()
      Issue.record("the server refuses")
    } catch {
      #expect(
        error.code == .unavailable && error.stage == "heard" && error.message.contains("503"), "\(error)")
    }
  }

  @Test("nobody at the address ends the graph with a reason") func nobody() async throws {
    let graph = try Graph(
      text: "heard = tone duration=1s | vosk ws://127.0.0.1:9\nheard | null",
      catalogue: .standard.adding(.examples))
    do {
      try await graph.run()
      Issue.record("nobody listens")
    } catch {
      #expect(error.code == .unavailable)
    }
  }
}

/// `Peers/vosk.py` on a port of its own, with the Python `FLUXGRAPH_PYTHON` names.
private final class VoskServer {
  /// Ends with the last reference to it. Foundation's `Process` learns of an end by a socket that programs started at the same
  /// moment inherit and hold open.
  private let process: ChildProcess
  let port: Int

  init(_ arguments: String...) async throws {
    let script = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Peers/vosk.py")
    let environment = ProcessInfo.processInfo.environment
    process = try ChildProcess(
      [environment["FLUXGRAPH_PYTHON"] ?? "python3", script.path] + arguments, directory: "/",
      environment: environment,
      hasInput: false)
    var line: [UInt8] = []
    // Asked again and again: a test must not hold a thread of Swift's pool, where there may be only two.
    while !line.contains(UInt8(ascii: "\n")) {
      var piece = [UInt8](repeating: 0, count: 64)
      let count = read(process.output, &piece, piece.count)
      if count > 0 { line += piece[..<count] }
      if count == 0 { break }
      if count < 0 { try await Task.sleep(for: .milliseconds(20)) }
    }
    port = try #require(
      Int(String(decoding: line, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)),
      "no server: \(script.path) needs a Python with `websockets`, which FLUXGRAPH_PYTHON names")
  }
}
