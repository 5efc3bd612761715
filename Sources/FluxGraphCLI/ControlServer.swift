internal import FluxGraph
internal import GraphRuntime
internal import NetLoop

/// Takes the commands of `fluxgraph ctl` on a Unix socket only the user may use.
final class ControlServer: Sendable {
  private let listener: Listener

  /// Begins to listen.
  /// - Throws: `StageError` when the path cannot be used.
  init(path: String, loop: EventLoop, commands: CommandDirectory, taps: TapDirectory) throws(StageError) {
    do throws(NetError) {
      listener = try loop.listen(on: .unix(path: path)) { _ in
        let client = Client(commands, taps)
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
    private let taps: TapDirectory
    private var received: [UInt8] = []
    private var tapping: TapListener?

    init(_ commands: CommandDirectory, _ taps: TapDirectory) {
      self.commands = commands
      self.taps = taps
    }

    func handle(_ connection: ByteConnection, _ event: ConnectionEvent) {
      if case .closed = event {
        tapping?.stop()
        tapping = nil
      }
      guard case .received(let bytes) = event, tapping == nil else { return }
      received.append(contentsOf: bytes)
      if let end = received.firstIndex(of: UInt8(ascii: "\n")) {
        let line = Array(received[..<end])
        if let name = ControlProtocol.decodeTap(line), let listener = listener(name, connection) {
          tapping = listener
          listener.start()
          return
        }
        connection.send(Array(answer(line).utf8))
        connection.closeWhenDrained()
      } else if received.count > ControlProtocol.maximumRequestSize {
        connection.close()
      }
    }

    /// Nil when no stream has that name.
    private func listener(_ name: String, _ connection: ByteConnection) -> TapListener? {
      let streams = taps.taps(named: name)
      return streams.isEmpty ? nil : TapListener(streams, connection)
    }

    private func answer(_ line: [UInt8]) -> String {
      if let name = ControlProtocol.decodeTap(line) {
        return ControlProtocol.encode(
          error: "no stream is called \(name); there are \(taps.names.joined(separator: ", "))")
      }
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
