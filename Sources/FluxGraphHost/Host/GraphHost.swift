internal import AudioStages
package import FluxGraph
package import GraphLanguage
package import GraphRuntime
package import NetLoop
internal import Synchronization

/// What the graphs of one program run on: the loop, the threads, the local Flux, and what is observed of them. Everything that a
/// graph uses of the machine is put together here, for a command as for a program that has a graph of its own.
package final class GraphHost: Sendable {
  /// What differs between those who run graphs.
  package struct Options: Sendable {
    /// What graphs read with `env(…)`.
    package var environment: GraphEnvironment
    /// Where stages' lines of the log go.
    package var log: any LogSink
    /// What is observed, where not only this host needs it.
    package var observation = Observation()
    /// What stages find by its type, beside what every graph has.
    package var resources: [any Sendable] = []
    /// Whether no other program may decode for a graph.
    package var isNative = false
    /// Whether audio or events that were lost are no failure.
    package var toleratesLosses = false
    /// Files that are used beside the stages, which write none of them.
    package var filesInUse: [FileInUse] = []
    /// Whether graphs that run at the same time share their audio threads.
    package var sharesAudioThreads = false
    /// Puts down the first session; nil where none is wanted.
    package var recorder: SessionRecorder?

    package init(environment: GraphEnvironment, log: any LogSink) {
      self.environment = environment
      self.log = log
    }
  }

  package let observation: Observation
  /// What each graph is given, but for its commands and where its notices go.
  package let services: GraphServices
  /// The thread that writes to the terminal.
  package let terminal: BlockingWorker
  /// The one thread network events and timers arrive on.
  package var loop: any GraphLoop { network }
  private let network: GraphNetwork
  private let eventLoop: EventLoop
  private let localServers: LocalServers
  /// What ends the servers through which others look in.
  private let closings = Mutex<[@Sendable () -> Void]>([])

  private init(_ options: Options) throws {
    let disk = try DiskThreads()
    let workers = options.sharesAudioThreads ? try AudioWorkers() : nil
    terminal = BlockingWorker("stdout")
    eventLoop = try EventLoop()
    network = GraphNetwork(eventLoop)
    localServers = LocalServers(loop: eventLoop)
    let observation = options.observation
    self.observation = observation
    var webSockets: any WebSocketConnector = network
    if let recorder = options.recorder {
      webSockets = WatchedConnector(webSockets) { recorder.watcher(of: $0) }
    }
    webSockets = WatchedConnector(webSockets) { _ in observation.connections.watcher() }
    var world = World(
      loop: network, webSockets: webSockets, http: network, httpServer: network, disk: disk.lane(),
      terminal: terminal)
    world.log = options.log
    world.metrics = observation.metrics
    world.environment = { [environment = options.environment] in environment[$0] }
    world.provide(localServers.resource)
    world.provide(PulseConnections())
    if options.isNative { world.provide(NativeDecodingOnly()) }
    for resource in options.resources { world.provide(resource) }
    var services = GraphServices(world, disk: disk)
    services.workers = workers
    services.filesInUse = options.filesInUse
    services.toleratesLosses = options.toleratesLosses
    services.noticed = { observation.notices.count($0) }
    self.services = services
    eventLoop.start()
  }

  /// Has a host for as long as `body` runs, and ends it in order.
  /// - Throws: what `body` throws; `SystemError` where the machine has no threads or descriptors left.
  package static func run<Result>(
    _ options: Options, _ body: (GraphHost) async throws -> Result
  ) async throws -> Result {
    let host = try GraphHost(options)
    do {
      let result = try await body(host)
      await host.end()
      return result
    } catch {
      await host.end()
      throw error
    }
  }

  /// What a graph that is only looked at has of the world.
  package static func unstarted(_ environment: GraphEnvironment) -> World {
    var world = World.unreachable
    world.environment = { environment[$0] }
    world.provide(LocalServers.unstarted)
    return world
  }

  /// Puts a graph together. Nothing runs yet.
  /// - Parameter set: changes what the graph is given.
  package func graph(_ plan: Plan, _ set: (inout GraphServices) -> Void) -> RunningGraph {
    var services = services
    services.commands = CommandDirectory()
    set(&services)
    return RunningGraph(plan, services: services)
  }

  /// Runs a graph to its end, and returns what failed, the most severe first.
  /// - Throws: `StageError` when the graph cannot be put together.
  package func run(_ graph: RunningGraph) async throws -> [RunningGraph.Failure] {
    observation.began(graph)
    defer { observation.ended(graph) }
    return try await graph.run()
  }

  /// Gives a command to the stages of a name, or to all, and returns their answers.
  package func give(_ command: StageCommand, to stage: String? = nil, of graph: RunningGraph) async
    -> [(name: String, reply: StageReply)]
  {
    await withCheckedContinuation { continuation in
      let isTaken = eventLoop.execute {
        continuation.resume(returning: graph.commands.give(command, to: stage))
      }
      // The graph has just come to its end.
      if !isTaken { continuation.resume(returning: []) }
    }
  }

  /// Answers `/metrics`, `/healthz` and `/readyz`.
  /// - Parameters:
  ///   - isPublic: whether other computers may ask.
  ///   - isReady: whether the graph runs and its sessions are connected; asked on the loop.
  /// - Returns: the port, also when 0 was asked for.
  /// - Throws: `StageError` when the address cannot be had.
  package func offerMetrics(
    at address: ServerAddress, isPublic: Bool, isReady: @escaping @Sendable () -> Bool
  ) async throws(StageError) -> UInt16 {
    let server = try await MetricsServer(address, isPublic: isPublic, network, observation, isReady: isReady)
    closings.withLock { $0.append(server.close) }
    return server.port
  }

  /// Takes the commands of `fluxgraph ctl` and `fluxgraph tap` for the graphs that run.
  /// - Throws: `StageError` when the path cannot be used.
  package func takeCommands(at path: String) async throws(StageError) {
    let server = try await ControlServer(path: path, loop: eventLoop) { [observation] in observation.running }
    closings.withLock { $0.append(server.close) }
  }

  /// Ends what runs beside the graphs, once what was sent last has left: a peer is owed the close frame it waits for.
  private func end() async {
    for close in closings.withLock({ $0 }) { close() }
    await localServers.stop()
    // Joining blocks, and no thread of the pool may.
    if let workers = services.workers { try? await services.disk.lane().run { workers.stop() } }
    await eventLoop.finish()
  }
}

extension EventLoop {
  /// Ends the loop, once what was sent last has left.
  package func finish() async {
    await withCheckedContinuation { continuation in
      if !execute({ continuation.resume() }) { continuation.resume() }
    }
    stop()
  }
}

extension RunningGraph {
  /// Whether every recogniser has its connection. On the loop.
  package var hasConnected: Bool {
    let recognisers = statistics.parts.filter { $0.kind == .recogniser }
    if recognisers.contains(where: { $0.state == .starting || $0.state == .failed }) { return false }
    return commands.give(.status).flatMap { $0.reply.connectionStates }.allSatisfy {
      !["connecting", "greeting", "waiting"].contains($0)
    }
  }
}

extension StageReply {
  /// In what state the connections of a recogniser are, one for each channel; none for stages without.
  fileprivate var connectionStates: [String] {
    let channels = details.first { $0.name == "channels" }?.value.arrayValue
    let own = details.first { $0.name == "state" }?.value.stringValue
    return channels?.compactMap { $0["state"]?.stringValue } ?? own.map { [$0] } ?? []
  }
}
