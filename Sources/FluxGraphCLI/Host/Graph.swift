internal import AudioStages
internal import FluxClient
public import FluxGraph
internal import GraphLanguage
internal import GraphRuntime
internal import NetLoop
internal import Synchronization

/// A graph that runs inside a Swift program.
///
///     let graph = try Graph(text: "heard = file call.wav | flux endpoint=local")
///     let heard = try graph.events(of: "heard")
///     async let end: Void = graph.run()
///     for await case .turn(let turn) in heard where turn.kind == .endOfTurn { print(turn.transcript) }
///     try await end
///
/// A graph is checked when it is made and runs once. All of its methods may be called from any task. Cancelling the task that
/// runs it stops it in order: the sources end, and what is under way still arrives.
public final class Graph: Sendable {
  private struct State {
    var taps: [EventTap.Place] = []
    var feeds: [String: AudioFeed] = [:]
    var running: RunningGraph?
    var hasBegun = false
    var isStopped = false
  }

  /// What the graph's stages measure.
  public let metrics = MetricsRegistry()
  private let plan: Plan
  private let environment: GraphEnvironment
  private let log: any LogSink
  private let notice: @Sendable (Notice) -> Void
  private let state = Mutex(State())

  /// Checks a graph. Nothing is opened or dialled.
  /// - Parameters:
  ///   - text: the graph. It knows one stage more than the catalogue: `feed`, audio of the program's own; see `feed(_:)`.
  ///   - catalogue: the stages it may use.
  ///   - parameters: values of its `param`s, as text.
  ///   - directory: what relative paths are relative to; a `.env` there is read.
  ///   - log: where stages' lines of the log go.
  ///   - notice: called for notices, on any thread; must not wait for anything. The same word from the same stage comes once in ten
  ///     seconds, with how many were held back; all of them are events of the stage's port `notices`.
  /// - Throws: `GraphError` of the kind `invalid`.
  public init(
    text: String, catalogue: Catalogue = .standard, parameters: [String: String] = [:],
    directory: String = ".",
    log: any LogSink = StandardErrorLog(), notice: @escaping @Sendable (Notice) -> Void = { _ in }
  ) throws(GraphError) {
    let file = GraphFile(text: text, name: "graph", directory: directory)
    let secrets = SecretRegister()
    let result = file.check(
      catalogue.adding(FeedStage.self), parameters: parameters, allowsMissingSinks: true, secrets: secrets)
    guard let plan = result.plan else {
      throw GraphError(
        kind: .invalid, code: result.blamesSecrets ? .refused : .badGraph,
        message: secrets.masked(result.rendered(color: false)))
    }
    self.plan = plan
    self.log = log
    self.notice = notice
    environment = file.environment
  }

  /// The events of a stream the graph names: `heard`, or a port such as `heard.notices`. They come once `run` is called, and end
  /// with the stream. Up to 4096 wait for a reader, and 16 MB of them; while more do, new ones are dropped and a notice tells of it.
  /// - Throws: `GraphError` of the kind `unknownName` when the graph names no such stream of events, or runs already.
  public func events(of name: String) throws(GraphError) -> AsyncStream<Event> {
    let parts = name.split(separator: ".", maxSplits: 1).map(String.init)
    let port = parts.count > 1 ? parts[1] : nil
    guard let node = plan.nodes.last(where: { $0.name == parts.first }), carriesEvents(node, port) else {
      let known = plan.nodes.compactMap { node in node.output == .events ? node.name : nil }
      throw GraphError(
        kind: .unknownName, code: .badGraph,
        message: "the graph names no stream of events `\(name)`; it names: \(known.joined(separator: ", "))")
    }
    let buffer = EventTap.Buffer()
    let isAdded = state.withLock { state in
      if state.hasBegun { return false }
      state.taps.append(EventTap.Place(node: node.id, port: port, buffer: buffer))
      return true
    }
    guard isAdded else {
      throw GraphError(
        kind: .unknownName, code: .badGraph, message: "the graph runs already: ask for events before `run`")
    }
    let reader = EventTap.Reader(buffer)
    return AsyncStream(unfolding: { await reader.buffer.next() }, onCancel: { buffer.close() })
  }

  private func carriesEvents(_ node: PlanNode, _ port: String?) -> Bool {
    guard let port else { return node.output == .events }
    return port == "notices" || node.specification.ports.contains { $0.name == port }
  }

  /// The way into a `feed` stage the graph names: `voice = feed rate=16k`.
  /// - Throws: `GraphError` of the kind `unknownName` when the graph has no such stage.
  public func feed(_ name: String) throws(GraphError) -> AudioFeed {
    let stage = plan.nodes.first { $0.name == name && $0.specification.name == "feed" }
    guard let stage, let made = try? stage.specification.make(stage.settings) as? FeedStage else {
      throw GraphError(
        kind: .unknownName, code: .badGraph, message: "the graph has no stage `\(name) = feed …`")
    }
    return state.withLock { state in
      if let feed = state.feeds[name] { return feed }
      let feed = AudioFeed(made.format, isLive: made.live)
      state.feeds[name] = feed
      return feed
    }
  }

  /// Runs the graph to its end. When the task is cancelled, the sources end, and the graph in order behind them.
  /// - Throws: `GraphError` of the kind `failed` for the most severe failure, and what followed from it in `others`, also where audio
  ///   or events were lost on the way and all else went well; of the kind
  ///   `invalid` when the graph runs already or has run.
  public func run() async throws(GraphError) {
    let taps: [EventTap.Place]? = state.withLock { state in
      if state.hasBegun { return nil }
      state.hasBegun = true
      return state.taps
    }
    guard let taps else {
      throw GraphError(kind: .invalid, code: .badGraph, message: "a graph runs once; make another one")
    }
    defer { for tap in taps { tap.buffer.end() } }
    do {
      let loop = try EventLoop()
      loop.start()
      let failures: [RunningGraph.Failure]
      do {
        failures = try await run(taps, loop)
      } catch {
        await loop.finish()
        throw error
      }
      await loop.finish()
      if let first = failures.first {
        throw GraphError(first, others: failures.dropFirst().map { GraphError($0, others: []) })
      }
    } catch let error as GraphError {
      throw error
    } catch let error as StageError {
      let told = plan.secrets.masked(error)
      throw GraphError(kind: .failed, code: told.code, message: told.message, help: told.help)
    } catch {
      throw GraphError(kind: .failed, code: .internal, message: plan.secrets.masked("\(error)"))
    }
  }

  private func run(_ taps: [EventTap.Place], _ loop: EventLoop) async throws -> [RunningGraph.Failure] {
    let reader = SecretReader(secrets: plan.secrets)
    var complete = try await plan.resolvingSecrets { reference throws(StageError) in
      try await reader.secret(reference)
    }
    for (index, tap) in taps.enumerated() { complete.add(tap, named: "reader \(index + 1)") }
    let local = LocalServers(loop: loop)
    let network = GraphNetwork(loop)
    let (environment, notice, feeds) = (environment, notice, state.withLock { $0.feeds })
    let services = GraphServices(
      loop: network, webSockets: network, http: network, httpServer: network, disk: try DiskThreads(),
      terminal: BlockingWorker("stdout"),
      resources: [
        ObjectIdentifier(LocalFlux.self): local.resource,
        ObjectIdentifier(PulseConnections.self): PulseConnections(),
        ObjectIdentifier(EventTap.Places.self): EventTap.Places(
          Dictionary(uniqueKeysWithValues: taps.enumerated().map { ("reader \($0.offset + 1)", $0.element) })),
        ObjectIdentifier(FeedStage.Feeds.self): FeedStage.Feeds(feeds),
      ],
      environment: { environment[$0] }, log: log, metrics: metrics, notice: { told, _ in notice(told) })
    let graph = RunningGraph(complete, services: services)
    let isStopped = state.withLock { state in
      state.running = graph
      return state.isStopped
    }
    if isStopped { return [] }
    let failures = try await withTaskCancellationHandler {
      try await graph.run()
    } onCancel: {
      stop()
    }
    await local.stop()
    return failures
  }

  /// Ends the sources. What is under way still arrives, and `run` then returns.
  public func stop() {
    state.withLock { state in
      state.isStopped = true
      return state.running
    }?.stop()
  }

  /// Ends everything at once; what is under way is lost.
  public func abort() {
    state.withLock { state in
      state.isStopped = true
      return state.running
    }?.abort()
  }
}

extension Plan {
  /// Puts a reader behind a stream.
  fileprivate mutating func add(_ tap: EventTap.Place, named name: String) {
    let source = nodes[tap.node]
    nodes.append(
      PlanNode(
        id: nodes.count, specification: StageSpecification(EventTap.self), settings: [], name: name,
        span: source.span, location: source.location, isAutomatic: true, input: .events, output: nil))
    links.append(PlanLink(from: tap.node, port: tap.port, to: nodes.count - 1))
  }
}
