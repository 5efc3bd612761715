internal import FluxGraph
internal import GraphRuntime
internal import NetLoop

/// Takes the commands of `fluxgraph ctl` on a Unix socket only the user may use.
final class ControlServer: Sendable {
  private let listener: Listener

  /// Begins to listen.
  /// - Throws: `StageError` when the path cannot be used.
  init(path: String, loop: EventLoop, commands: CommandDirectory) throws(StageError) {
    do throws(NetError) {
      listener = try loop.listen(on: .unix(path: path)) { _ in
        let client = Client(commands)
        return { connection, event in client.handle(connection, event) }
      }
    } catch {
      throw StageError(.unavailable, "no commands can be taken at \(path): \(error)")
    }
  }

  func close() { listener.close() }

  /// One `fluxgraph ctl`.
  private final class Client: @unchecked Sendable {
    // Unchecked: touched on the loop only.

    private let commands: CommandDirectory
    private var received: [UInt8] = []

    init(_ commands: CommandDirectory) {
      self.commands = commands
    }

    func handle(_ connection: ByteConnection, _ event: ConnectionEvent) {
      guard case .received(let bytes) = event else { return }
      received.append(contentsOf: bytes)
      if let end = received.firstIndex(of: UInt8(ascii: "\n")) {
        connection.send(Array(answer(Array(received[..<end])).utf8))
        connection.closeWhenDrained()
      } else if received.count > ControlProtocol.maximumRequestSize {
        connection.close()
      }
    }

    private func answer(_ line: [UInt8]) -> String {
      guard let request = ControlProtocol.decode(line) else {
        return ControlProtocol.encode(error: "this is no command")
      }
      let answers = commands.give(request.command, to: request.stage)
      guard answers.isEmpty else { return ControlProtocol.encode(answers) }
      let names = commands.names
      let known = names.isEmpty ? "none takes commands now" : "there are \(names.joined(separator: ", "))"
      return ControlProtocol.encode(
        error: request.stage.map { "no stage called \($0) takes commands; \(known)" }
          ?? "no stage takes commands now")
    }
  }
}
