internal import FluxGraph
internal import FluxGraphHost
internal import Glibc
internal import GraphLanguage
internal import GraphRuntime
internal import Synchronization

/// Runs one graph for each input of a batch, several at once, on the same threads.
actor BatchRun {
  /// How often an input that found no place among the service's streams comes again.
  private static let placeAttempts = 20

  /// An input and what is known of it.
  struct Item: Sendable {
    var input: BatchInput
    /// Files an attempt that came to nothing has left, and as what.
    var leftovers: [String: String] = [:]
    var attempts = 0
    /// What it has made so far.
    var made = MadeFiles()
  }

  /// What became of an input.
  private enum Result {
    case done, interrupted
    case failed(StageError)
    /// The service had no place for it.
    case refused(StageError)
  }

  private let prepare: @Sendable (BatchInput) async throws(StageError) -> Plan
  private let host: GraphHost
  private let manifest: BatchManifest
  private let reporter: BatchReporter
  private let disk: any BlockingThread
  private let directory: String
  private let common: Set<String>

  private var pending: ArraySlice<Item>
  private var schedule: BatchSchedule
  private var graphs: [ObjectIdentifier: RunningGraph] = [:]
  private var waiting: [CheckedContinuation<Void, Never>] = []
  /// How long what is under way may still take, once the batch is to end.
  private var stopTime: Duration?
  private var isStopping: Bool { stopTime != nil }
  /// Seconds of audio of the inputs that have ended.
  private var audio = 0.0
  private(set) var failures: [StageError] = []

  /// - Parameters:
  ///   - prepare: checks the graph for an input.
  ///   - host: what the graphs run on.
  ///   - common: outputs all inputs have in common.
  init(
    _ items: [Item], schedule: BatchSchedule, manifest: BatchManifest, reporter: BatchReporter,
    host: GraphHost, directory: String, common: Set<String>,
    prepare: @escaping @Sendable (BatchInput) async throws(StageError) -> Plan
  ) {
    pending = items[...]
    self.schedule = schedule
    self.manifest = manifest
    self.reporter = reporter
    self.host = host
    disk = host.services.disk.lane(tell: { reporter.tell($0.severity, $0.message) })
    self.directory = directory
    self.common = common
    self.prepare = prepare
  }

  /// Runs everything; `jobs` inputs at most at a time.
  func run(jobs: Int) async {
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<min(jobs, pending.count) {
        group.addTask { while let item = await self.take() { await self.work(item) } }
      }
    }
  }

  /// Begins no more inputs, and ends those under way in order.
  /// - Parameter time: after which what is under way is given up.
  func stop(within time: Duration) {
    stopTime = time
    for graph in graphs.values { graph.stop(within: time) }
    wakeAll()
  }

  /// Seconds of audio that have gone through.
  var audioSeconds: Double { audio + graphs.values.reduce(0) { $0 + $1.progress.seconds } }

  // MARK: - Taking turns

  /// The next input, once it may begin; nil when none is left.
  private func take() async -> Item? {
    while !isStopping {
      guard let item = pending.first else {
        // One that is under way may have to come again.
        if schedule.running == 0 { break }
        await change()
        continue
      }
      let now = Instant.now()
      switch schedule.next(now) {
      case .now:
        schedule.begin(now)
        pending.removeFirst()
        return item
      case .at(let time):
        let timer = host.loop.schedule(at: time) { [self] in Task { await self.wakeAll() } }
        await change()
        timer.cancel()
      case .later: await change()
      }
    }
    wakeAll()
    return nil
  }

  /// Waits until something has changed that may let another input begin.
  private func change() async {
    await withCheckedContinuation { waiting.append($0) }
  }

  private func wakeAll() {
    let all = waiting
    waiting = []
    for continuation in all { continuation.resume() }
  }

  private func refused() {
    schedule.refused(Instant.now())
  }

  // MARK: - One input

  private func work(_ item: Item) async {
    reporter.update { $0.running += 1 }
    let began = Instant.now()
    var item = item
    let (result, seconds, turns) = await attempt(&item)
    // As what its files were left, so that nobody's later work on them is taken for it.
    let leaves = await leaves(of: item)
    let wall = Instant.now().duration(since: began).seconds
    audio += seconds
    var wasRefused = false
    let measures = [
      ("seconds", JSONValue((wall * 1000).rounded() / 1000)),
      ("audio", JSONValue((seconds * 1000).rounded() / 1000)), ("turns", JSONValue(turns)),
    ]
    switch result {
    case .done:
      await note(.init(item.input.value, .done, measures))
      reporter.update { $0.done += 1 }
    case .interrupted:
      await note(.init(item.input.value, .interrupted, measures + leaves.members))
      reporter.update { $0.interrupted += 1 }
    case .refused where !isStopping && item.attempts < Self.placeAttempts:
      wasRefused = true
      item.leftovers = leaves.files
      pending.append(item)
    case .refused(let error), .failed(let error):
      failures.append(error)
      await note(
        .init(
          item.input.value, .failed,
          [("code", JSONValue(Int(error.code.rawValue))), ("error", .string(error.description))] + measures
            + leaves.members))
      reporter.tell(
        .error, error.description, input: item.input.name, code: "failed",
        members: [("code", JSONValue(Int(error.code.rawValue)))])
      reporter.update { $0.failed += 1 }
    }
    schedule.end(Instant.now(), wasRefused: wasRefused)
    let total = audioSeconds
    reporter.update {
      $0.running -= 1
      $0.audio = total
    }
    wakeAll()
  }

  /// Runs the graph for an input.
  private func attempt(_ item: inout Item) async -> (Result, seconds: Double, turns: Int) {
    let input = item.input
    item.attempts += 1
    do throws(StageError) {
      let plan = try await prepare(input)
      try await begin(input, plan, item.leftovers)
      // What it writes for itself alone; all of it is told before it is made.
      let own = Set(plan.outputs(in: directory).filter { !common.contains($0.path) }.map(\.node))
      let made = MadeFiles()
      item.made = made
      let refusals = RefusalWatch { [self] in Task { await self.refused() } }
      let graph = host.graph(plan) { services in
        services.fileMade = { [manifest, directory] node, path in
          let path = BatchInputs.value(of: path, in: directory)
          guard own.contains(node), made.paths.withLock({ $0.insert(path).inserted }) else { return }
          // A manifest that cannot be written to is told at the input's end.
          try? manifest.makes(input.value, path)
        }
        let count = services.noticed
        services.noticed = { notice in
          count(notice)
          refusals.see(notice)
        }
        services.notice = { [reporter] notice, location in
          // What ends an input is told once, with the input.
          if notice.severity == .info || notice.notice == "failed" { return }
          let place = location.map { " (\($0))" } ?? ""
          reporter.tell(
            notice.severity, (notice.stream.map { "\($0): " } ?? "") + notice.message + place,
            input: input.name,
            code: notice.notice)
        }
      }
      graphs[ObjectIdentifier(graph)] = graph
      if let stopTime { graph.stop(within: stopTime) }
      let failures = await failures(of: graph)
      graphs[ObjectIdentifier(graph)] = nil
      let measures = (graph.progress.seconds, graph.turnCount)
      // What it could not do by the end it was given will be done again.
      if let error = failures.first, !isStopping || error.code != .unavailable {
        return (
          refusals.wasLast && error.code == .unavailable ? .refused(error) : .failed(error), measures.0,
          measures.1
        )
      }
      return (isStopping ? .interrupted : .done, measures.0, measures.1)
    } catch {
      return (.failed(error), 0, 0)
    }
  }

  /// The files an input has made so far.
  final class MadeFiles: Sendable {
    let paths = Mutex<Set<String>>([])
  }

  private func leaves(of item: Item) async -> (files: [String: String], members: [(String, JSONValue)]) {
    let paths = item.made.paths.withLock { $0 }
    let files =
      (try? await disk.run {
        Dictionary(
          uniqueKeysWithValues: paths.compactMap { path in
            FileIdentity(of: path).map { (path, $0.description) }
          })
      }) ?? [:]
    let entries = files.sorted { $0.key < $1.key }.map { ($0.key, JSONValue.string($0.value)) }
    return (files, entries.isEmpty ? [] : [("leaves", .object(entries))])
  }

  /// Takes away what an earlier attempt has left, and notes that the input begins.
  private func begin(
    _ input: BatchInput, _ plan: Plan, _ leftovers: [String: String]
  ) async throws(StageError) {
    let outputs = plan.outputs(in: directory).filter { !common.contains($0.path) }
    // Only what would be made anew, and is still what was left: whatever else is at the path is somebody's.
    let wanted = leftovers.filter { path, _ in
      path != input.value
        && outputs.contains { $0.isFixed ? $0.path == path : path.hasPrefix($0.path.prefix { $0 != "{" }) }
    }
    do {
      try await disk.run { [manifest] in
        if WebURL(input.value) != nil || access(input.value, R_OK) == 0 {
          for (path, identity) in wanted
          where identity.isEmpty || FileIdentity(of: path)?.description == identity {
            unlink(path)
          }
        }
        try manifest.append(.init(input.value, .started))
      }
    } catch {
      throw error as? StageError ?? StageError(.inputOutput, "\(error)")
    }
  }

  private func note(_ entry: BatchManifest.Entry) async {
    do {
      try await disk.run { [manifest] in try manifest.append(entry) }
    } catch {
      reporter.tell(.error, "\(error)", input: entry.input)
      failures.append(error as? StageError ?? StageError(.inputOutput, "\(error)"))
    }
  }

  /// Runs a graph to its end and returns why it failed, the most severe reason first.
  private func failures(of graph: RunningGraph) async -> [StageError] {
    do {
      return try await host.run(graph).map(\.error)
    } catch {
      return [error as? StageError ?? StageError(.internal, "\(error)")]
    }
  }
}
