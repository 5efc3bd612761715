internal import FluxClient
internal import FluxGraph
internal import FluxServer
internal import NetLoop

/// The local Flux servers of a run: one for each source of words, on the program's own loop, each on a loopback port of its own.
actor LocalServers {
  private let loop: EventLoop
  private var servers: [String: (server: FluxServer, url: String)] = [:]

  init(loop: EventLoop) {
    self.loop = loop
  }

  /// The URL of a server with these options, started when there is none.
  func url(_ options: LocalFlux.Options) async throws -> String {
    let name = options.words ?? ""
    if let known = servers[name] { return known.url }
    var settings = FluxServer.Options()
    settings.words = try WordChoice(named: options.words ?? "pocketsphinx", directory: options.directory)
    settings.notice = { options.notice(Notice("local-flux", $0, severity: .warning)) }
    let server = FluxServer(loop: loop, options: settings)
    do {
      let port = try await server.start()
      let url = "ws://127.0.0.1:\(port)"
      servers[name] = (server, url)
      return url
    } catch {
      throw StageError(.unavailable, "the local Flux cannot listen: \(error)")
    }
  }

  func stop() async {
    for entry in servers.values { await entry.server.stop() }
    servers = [:]
  }
}

extension WordChoice {
  /// The source of words `text` names: `pocketsphinx`, `none`, or `script:FILE`.
  /// - Throws: `StageError` for another name, or a script that cannot be read.
  init(named text: String, directory: String) throws(StageError) {
    switch text {
    case "pocketsphinx": self = .pocketSphinx()
    case "none": self = .none
    default:
      guard text.hasPrefix("script:") else {
        throw StageError(
          .badGraph, "there is no source of words called \(text)",
          help: "There are pocketsphinx, none and script:FILE.")
      }
      let path = Path(String(text.dropFirst(7))).resolved(in: directory, home: nil)
      let bytes = try InputFile.read(path, limit: 64 << 20)
      do throws(ScriptError) {
        self = .script(try ScriptedWords(json: bytes))
      } catch {
        throw StageError(.badInput, "\(path): \(error)")
      }
    }
  }
}
