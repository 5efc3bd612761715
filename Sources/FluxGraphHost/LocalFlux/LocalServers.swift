internal import FluxClient
internal import FluxGraph
internal import FluxProtocol
internal import FluxServer
internal import NetLoop

/// The local Flux servers of a run: one for each source of words and plan of faults, on the program's own loop, each on a loopback port of its own.
actor LocalServers {
  private let loop: EventLoop
  private var servers: [String: (server: FluxServer, url: String)] = [:]

  init(loop: EventLoop) {
    self.loop = loop
  }

  /// The servers as stages find them.
  nonisolated var resource: LocalFlux {
    LocalFlux(needs: Self.needs) { options in try await self.url(options) }
  }

  /// The same for a graph that is only looked at.
  static var unstarted: LocalFlux {
    LocalFlux(needs: needs) { _ in throw StageError(.unavailable, "nothing is started here") }
  }

  private static let needs: @Sendable (LocalFlux.Options) -> [Need] = { options in
    [
      WordChoice.need(of: options.words ?? standardWords, directory: options.directory),
      Need { () throws(StageError) in
        _ = try faults(options)
        return options.fault.map { "\($0) will go wrong on purpose" }
          ?? "the local Flux is within this program"
      },
    ]
  }

  private static let standardWords = "pocketsphinx"

  private static func faults(_ options: LocalFlux.Options) throws(StageError) -> FaultPlan {
    do throws(FaultError) {
      return try FaultPlan(parsing: options.fault ?? "")
    } catch {
      throw StageError(.badGraph, error.description)
    }
  }

  /// The URL of a server with these options, started when there is none.
  func url(_ options: LocalFlux.Options) async throws -> String {
    // The same words in another directory are other files.
    let name = [options.words ?? "", options.fault ?? "", options.directory].joined(separator: "\n")
    if let known = servers[name] { return known.url }
    var settings = FluxServer.Options()
    settings.words = try WordChoice(
      named: options.words ?? Self.standardWords, directory: options.directory,
      environment: options.environment
    ) { [loop] line in loop.execute { options.notice(Notice("stderr", line)) } }
    settings.faults = try Self.faults(options)
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
