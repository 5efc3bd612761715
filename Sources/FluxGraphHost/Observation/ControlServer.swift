internal import FluxGraph
internal import GraphRuntime
internal import NetLoop
internal import Platform

/// Takes the commands of `fluxgraph ctl` on a Unix socket only the user may use.
final class ControlServer: Sendable {
  private let listener: Listener

  /// Begins to listen. A path that a run is about to let go of is waited for.
  /// - Parameter graphs: the graphs that run: one, or those of a batch that are under way. Called on the loop.
  /// - Throws: `StageError` when the path cannot be used.
  init(path: String, loop: EventLoop, graphs: @escaping @Sendable () -> [RunningGraph])
    async throws(StageError)
  {
    do throws(NetworkFailure) {
      listener = try await waiting(while: { $0.code == .addressInUse }) { () throws(NetworkFailure) in
        try loop.listen(on: .unix(path: path)) { _ in
          let client = Client(graphs)
          return { connection, event in client.handle(connection, event) }
        }
      }
    } catch {
      throw StageError(.unavailable, "no commands can be taken: \(error)")
    }
  }

  func close() { listener.close() }

  /// One `fluxgraph ctl`.
  private final class Client: @unchecked Sendable {
    // Unchecked: touched on the loop only.

    private let graphs: @Sendable () -> [RunningGraph]
    private var received: [UInt8] = []
    private var tapping: TapListener?

    init(_ graphs: @escaping @Sendable () -> [RunningGraph]) {
      self.graphs = graphs
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
      let streams = graphs().flatMap { $0.taps.taps(named: name) }
      return streams.isEmpty ? nil : TapListener(streams, connection)
    }

    private func answer(_ line: [UInt8]) -> String {
      if let name = ControlProtocol.decodeTap(line) {
        let names = known(graphs().flatMap(\.taps.names), orElse: "there is none now")
        return ControlProtocol.encode(error: "no stream is called \(name); \(names)")
      }
      guard let request = ControlProtocol.decode(line) else {
        return ControlProtocol.encode(error: "this is no command")
      }
      let answers = graphs().flatMap { $0.commands.give(request.command, to: request.stage) }
      guard answers.isEmpty else { return ControlProtocol.encode(answers) }
      let known = known(graphs().flatMap(\.commands.names), orElse: "none takes commands now")
      return ControlProtocol.encode(
        error: request.stage.map { "no stage called \($0) takes commands; \(known)" }
          ?? "no stage takes commands now")
    }

    private func known(_ names: [String], orElse nothing: String) -> String {
      var seen: Set<String> = []
      let each = names.filter { seen.insert($0).inserted }
      return each.isEmpty ? nothing : "there are \(each.joined(separator: ", "))"
    }
  }
}
