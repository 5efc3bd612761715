public import FluxGraph
internal import GraphLanguage
internal import GraphRuntime
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
    var host: GraphHost?
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
  ///   or events were lost on the way and all else went well; of the kind `invalid` when the graph runs already or has run.
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
      let failures = try await run(taps)
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

  private func run(_ taps: [EventTap.Place]) async throws -> [RunningGraph.Failure] {
    var complete = try await plan.withSecrets()
    for (index, tap) in taps.enumerated() { complete.add(tap, named: "reader \(index + 1)") }
    var options = GraphHost.Options(environment: environment, log: log)
    options.observation = Observation(metrics: metrics)
    options.resources = [
      EventTap.Places(
        Dictionary(uniqueKeysWithValues: taps.enumerated().map { ("reader \($0.offset + 1)", $0.element) })),
      FeedStage.Feeds(state.withLock { $0.feeds }),
    ]
    return try await GraphHost.run(options) { [complete] host in
      let graph = host.graph(complete) { [notice] in $0.notice = { told, _ in notice(told) } }
      let isStopped = state.withLock { state in
        state.running = graph
        state.host = host
        return state.isStopped
      }
      defer { state.withLock { $0.host = nil } }
      if isStopped { return [] }
      return try await withTaskCancellationHandler {
        try await host.run(graph)
      } onCancel: {
        stop()
      }
    }
  }

  /// Gives a command to stages while the graph runs, as `fluxgraph ctl` does: that the turn under way is to end, that settings
  /// change, or that they say how they fare.
  /// - Parameter stage: the name the graph gives the stage; nil for all that take commands.
  /// - Returns: what each of them answers.
  /// - Throws: `GraphError` of the kind `unknownName` when no such stage takes commands now.
  @discardableResult
  public func give(
    _ command: StageCommand, to stage: String? = nil
  ) async throws(GraphError) -> [(stage: String, reply: StageReply)] {
    let (graph, host) = state.withLock { ($0.running, $0.host) }
    var answers: [(name: String, reply: StageReply)] = []
    if let graph, let host { answers = await host.give(command, to: stage, of: graph) }
    guard answers.isEmpty else { return answers.map { ($0.name, $0.reply) } }
    let names = graph.map(\.commands.names) ?? []
    throw GraphError(
      kind: .unknownName, code: .badGraph,
      message: "no stage\(stage.map { " called `\($0)`" } ?? "") takes commands now"
        + (names.isEmpty ? "" : "; there are: \(names.joined(separator: ", "))"))
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
