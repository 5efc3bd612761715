package import FluxGraph
package import GraphLanguage
internal import Platform
internal import Synchronization

/// A graph from its start to its end.
///
/// Threads: `audio-0…n` step chains; recognisers and sinks are tasks. A part that fails ends alone; the graph ends when every
/// part has ended, or when no sink is left to work for.
package final class RunningGraph: GraphSupervisor, Sendable {
  /// A part of the graph that failed for good.
  package struct Failure: Sendable {
    /// The stage by the name the user knows.
    package var title: String
    /// Where it stands in the graph.
    package var location: String
    package var error: StageError
  }

  /// How long the sources wait for sinks to be opened.
  private static let openingTime = Duration.seconds(10)

  struct State {
    var parts = 0
    var sinksLeft = 0
    var failures: [Failure] = []
    /// Those that have not ended, by number: one that has ended keeps what it used for as long as it is referred to.
    var tasks: [Int: Task<Void, Never>] = [:]
    /// Those of them that are recognisers'.
    var recognisers: Set<Int> = []
    var taskCount = 0
    var endedTasks: Set<Int> = []
    /// What ends parts that no task waits for.
    var cancels: [@Sendable () -> Void] = []
    var finished: CheckedContinuation<Void, Never>?
    var isAborted = false
    var isStopping = false
    /// Told of each sink that has been opened, for as long as that is waited for.
    var opening: AsyncStream<Void>.Continuation?
    /// How far the graph had come when it ended.
    var lastProgress: (fraction: Double?, seconds: Double)?
    var lastStatistics: GraphStatistics?
    var turns = 0
    var blocked = BlockedStages()
  }

  let state = Mutex(State())
  private let chains = Mutex<[AudioChain]>([])
  let parts = Mutex<[GraphPart]>([])
  /// Where others may listen while the graph runs.
  package let taps = TapDirectory()
  /// The stages that take commands.
  package var commands: CommandDirectory { services.commands }
  private let gates = Mutex<[AudioGate]>([])
  /// The files the graph uses.
  let files = FileConflicts()
  let end = GraphEnd()
  let services: GraphServices
  private let notices: NoticeGate
  let plan: Plan

  package init(_ plan: Plan, services: GraphServices) {
    self.plan = plan
    let notices = NoticeGate(services)
    var services = services
    services.notice = { notices.tell($0, $1) }
    self.notices = notices
    self.services = services
  }

  /// Runs the graph to its end and returns what failed, the most severe first.
  /// - Throws: `StageError` when the graph cannot be put together.
  package func run() async throws -> [Failure] {
    var builder = GraphBuilder(plan: plan, services: services, supervisor: self, taps: taps)
    try builder.build()
    parts.withLock { [made = builder.parts] in $0 = made }
    let audioSinks = plan.nodes.filter { $0.output == nil && $0.input != .events }.count
    state.withLock { $0.sinksLeft = builder.sinks.count + builder.immediateSinkCount + audioSinks }
    chains.withLock { $0 = builder.chains }
    gates.withLock { $0 = Array(builder.gates.values) }
    // What is certain to fail does so now, before a device is opened, a connection made or a minute billed.
    guard try await canBegin(builder) else { return close() }
    let workers = try services.workers ?? AudioWorkers(most: builder.chains.count)
    watch()
    // Chains that begin together would all send in the same instant, every 80 ms: a thousand of them 40 ms late.
    let paced = builder.chains.filter(\.isPaced)
    for (index, chain) in paced.enumerated() { chain.startDelay = .milliseconds(80) * index / paced.count }
    for chain in builder.chains { workers.add(chain) }
    // Asked for before there was anything to stop.
    if state.withLock({ $0.isStopping }) { stop() }
    await withCheckedContinuation { continuation in
      let isOver = state.withLock { state in
        if state.parts == 0 || state.isAborted { return true }
        state.finished = continuation
        return false
      }
      if isOver { continuation.resume() }
    }
    // Those of a graph that was given up may never come to their end.
    if services.workers == nil, !state.withLock({ $0.isAborted }) {
      // Joining blocks, and no thread of the pool may.
      try? await services.disk.lane().run { workers.stop() }
    }
    return close()
  }

  /// Keeps what there is to say of the graph, lets go of the rest, and returns what failed.
  private func close() -> [Failure] {
    // The chains refer to this object, and to all the audio they hold.
    let last = progress
    let summary = statistics
    state.withLock { state in
      state.lastProgress = last
      state.lastStatistics = summary
    }
    parts.withLock { $0 = [] }
    services.commands.removeAll()
    fail(forLossesOf: notices)
    notices.end()
    chains.withLock { $0 = [] }
    return state.withLock { $0.failures }.sorted { $0.error.code.severity > $1.error.code.severity }
  }

  /// Ends the sources. What is on its way still arrives; the graph then ends by itself.
  package func stop() {
    state.withLock { state in
      state.isStopping = true
      return state.opening
    }?.finish()
    for chain in chains.withLock({ $0 }) { chain.stop() }
    for gate in gates.withLock({ $0 }) { gate.openForGood() }
  }

  /// Ends everything at once.
  package func abort() {
    let (tasks, cancels, waiter) = state.withLock { state in
      state.isAborted = true
      defer { state.finished = nil }
      return (Array(state.tasks.values), state.cancels, state.finished)
    }
    for task in tasks { task.cancel() }
    for cancel in cancels { cancel() }
    for chain in chains.withLock({ $0 }) { chain.abandon() }
    waiter?.resume()
  }

  /// How far the first finite source has come, from 0 to 1, and the seconds of audio that have gone through.
  package var progress: (fraction: Double?, seconds: Double) {
    if let last = state.withLock({ $0.lastProgress }) { return last }
    let chains = chains.withLock { $0 }
    return (chains.compactMap(\.progress).min(), chains.map(\.secondsPassed).max() ?? 0)
  }

  /// What the graph has done so far, and how its parts fare.
  package var statistics: GraphStatistics {
    if let last = state.withLock({ $0.lastStatistics }) { return last }
    var statistics = GraphStatistics()
    statistics.parts = parts.withLock { $0 }.map(\.report)
    statistics.turns = turnCount
    statistics.seconds = progress.seconds
    return statistics
  }

  /// Turns that have ended so far, over all recognisers.
  package var turnCount: Int { state.withLock { $0.turns } }

  // MARK: - Start

  /// Looks at what the stages need, and opens the sinks. When something is wrong, those that are open end again.
  private func canBegin(_ builder: GraphBuilder) async throws -> Bool {
    let look = WorldLook(plan, filesInUse: services.filesInUse, world: services.world)
    let findings = try await findings(of: look)
    for finding in findings {
      if case .failure(let error) = finding.result { partFailed(StagePlace(finding.node), error) }
    }
    if hasFailed { return false }
    let (openings, opening) = AsyncStream<Void>.makeStream()
    let isStopping = state.withLock { state in
      state.opening = opening
      return state.isStopping
    }
    if isStopping { opening.finish() }
    let patience = services.world.clock.now().advanced(by: Self.openingTime)
    let timer = services.world.loop.schedule(at: patience) { opening.finish() }
    for (node, sink) in builder.sinks { start(node, sink, builder.parts) { opening.yield() } }
    var awaited = openings.makeAsyncIterator()
    for _ in builder.sinks { await awaited.next() }
    timer.cancel()
    state.withLock { $0.opening = nil }
    guard hasFailed else { return true }
    // Nothing will come to them.
    for (_, sink) in builder.sinks { sink.queue.end() }
    let tasks = state.withLock { Array($0.tasks.values) }
    for task in tasks { await task.value }
    return false
  }

  /// What there is of what the stages need. A look that does not come back, as from a file server that is gone, is not waited for:
  /// the stage it is for will learn when it opens its files.
  private func findings(of look: WorldLook) async throws -> [WorldLook.Finding] {
    let found = LookedAt()
    let lane = services.disk.lane(isEnding: { true }, lastPatience: Self.openingTime)
    do {
      try await lane.run { [files] in look.findings(files) { found.append($0) } }
    } catch let silence as DiskSilence {
      services.notice(
        Notice(
          "hanging", "\(silence); the graph begins without having looked", severity: .warning,
          details: [("seconds", JSONValue(silence.time.seconds, digits: 1))]), nil)
    }
    return found.all
  }

  /// - Parameter opened: called when the sink is open, or will never be.
  private func start(
    _ node: PlanNode, _ sink: EventSinkNode, _ parts: [GraphPart], opened: @escaping @Sendable () -> Void
  ) {
    partAdded()
    let part = parts.first { $0.isOf(sink) }
    start {
      var isOpen = false
      do {
        try await sink.run(
          {
            guard let stage = try node.specification.make(node.settings).form.eventSink else {
              throw StageError(.internal, "\(node.title) is no sink")
            }
            return stage
          },
          opened: {
            isOpen = true
            opened()
          })
        part?.end(nil)
      } catch {
        self.partFailed(StagePlace(node), error)
        part?.end(error)
        if !isOpen { opened() }
      }
      self.partEnded(endsSink: true)
    }
  }

  /// Names a stage that keeps an audio thread from its work.
  private func watch() {
    let isOver = state.withLock { $0.parts == 0 || $0.isAborted }
    if isOver { return }
    let now = services.world.clock.now()
    let steps = chains.withLock { $0 }.compactMap { chain in chain.step.map { (ObjectIdentifier(chain), $0) }
    }
    let findings = state.withLock { state in
      state.blocked.look(Dictionary(steps, uniquingKeysWith: { $1 }), now: now)
    }
    for finding in findings { tell(finding) }
    _ = services.world.loop.schedule(at: now.advanced(by: .seconds(1))) { [weak self] in self?.watch() }
  }

  private func tell(_ finding: BlockedStages.Finding) {
    let (name, stage, text, time): (String, String, String, Duration) =
      switch finding {
      case .blocks(let stage, let time):
        ("blocked", "\(stage)", "has blocked its audio thread for \(seconds(time)), and still does", time)
      case .hasBlocked(let stage, let time):
        ("unblocked", "\(stage)", "blocked its audio thread for \(seconds(time))", time)
      }
    services.notice(
      Notice(
        name, "\(stage) \(text)", severity: .warning, stream: stage,
        details: [("seconds", JSONValue(time.seconds, digits: 1))]), nil)
  }

  private func seconds(_ time: Duration) -> String { fixedText(time.seconds, digits: 1) + " s" }

  // MARK: - GraphSupervisor

  func partAdded() {
    state.withLock { $0.parts += 1 }
  }

  func partFailed(_ place: StagePlace, _ error: any Error) {
    if error is EndOfInterest || error is CancellationError { return }
    let stageError = plan.secrets.masked(
      error as? StageError ?? (error as? DiskSilence)?.stageError
        ?? StageError(.internal, "\(place.title): \(error)"))
    if stageError.isLoss, services.toleratesLosses {
      services.notice(
        Notice("lost", stageError.description, severity: .warning, stream: place.title), place.location)
      return
    }
    state.withLock { state in
      if state.isAborted { return }
      state.failures.append(Failure(title: place.title, location: place.location, error: stageError))
    }
    services.notice(
      Notice("failed", stageError.description, severity: .error, stream: place.title), place.location)
  }

  var hasFailed: Bool { state.withLock { !$0.failures.isEmpty } }

  func partEnded(endsSink: Bool) {
    let (waiter, noSinkLeft) = state.withLock { state -> (CheckedContinuation<Void, Never>?, Bool) in
      state.parts -= 1
      if endsSink { state.sinksLeft -= 1 }
      let noSinkLeft = endsSink && state.sinksLeft == 0
      guard state.parts == 0 else { return (nil, noSinkLeft) }
      defer { state.finished = nil }
      return (state.finished, false)
    }
    if noSinkLeft { stop() }
    waiter?.resume()
  }

  func begin(
    _ body: @escaping @Sendable (_ over: @escaping @Sendable () -> Void) async -> @Sendable () -> Void
  ) {
    start(isRecogniser: true) {
      let cancel = await body { [self] in partEnded(endsSink: false) }
      let isAborted = self.state.withLock { state in
        state.cancels.append(cancel)
        return state.isAborted
      }
      if isAborted { cancel() }
    }
  }

  /// Runs a task until it ends, or the graph is aborted.
  private func start(isRecogniser: Bool = false, _ body: @escaping @Sendable () async -> Void) {
    let number = state.withLock { state in
      state.taskCount += 1
      if isRecogniser { state.recognisers.insert(state.taskCount) }
      return state.taskCount
    }
    let task = Task.detached { [self] in
      await body()
      state.withLock { state in
        if state.tasks.removeValue(forKey: number) == nil { state.endedTasks.insert(number) }
      }
    }
    let isAborted = state.withLock { state in
      if state.endedTasks.remove(number) == nil { state.tasks[number] = task }
      return state.isAborted
    }
    if isAborted { task.cancel() }
  }

  func counted(_ event: Event) {
    guard case .turn(let turn) = event, turn.kind == .endOfTurn else { return }
    state.withLock { $0.turns += 1 }
  }
}

/// What a look has found so far.
private final class LookedAt: Sendable {
  private let findings = Mutex<[WorldLook.Finding]>([])

  func append(_ finding: WorldLook.Finding) { findings.withLock { $0.append(finding) } }
  var all: [WorldLook.Finding] { findings.withLock { $0 } }
}

extension StageError.Code {
  /// Which failure decides the exit code when there are several: the more a user has to do about it, the more severe.
  package var severity: Int {
    switch self {
    case .badInput: 0
    case .inputOutput: 1
    case .unavailable: 2
    case .refused: 3
    case .badGraph: 4
    case .internal: 5
    }
  }
}
