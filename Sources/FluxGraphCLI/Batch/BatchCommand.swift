internal import FluxGraph
internal import FluxGraphHost
internal import Glibc
internal import GraphLanguage
internal import GraphRuntime
internal import Platform
internal import Synchronization

/// `fluxgraph batch`: one graph, many inputs, one process.
struct BatchCommand: Sendable {
  private let arguments: BatchArguments
  private let catalogue: Catalogue
  private let signals: SignalReader
  private let directory = BatchInputs.workingDirectory

  init(_ arguments: BatchArguments, _ catalogue: Catalogue, _ signals: SignalReader) {
    self.arguments = arguments
    self.catalogue = catalogue
    self.signals = signals
  }

  func run() async throws -> ExitCode {
    let file = try arguments.graph.file(arguments.path)
    let (inputs, repetitions) = try BatchInputs.read(
      arguments.inputs, separator: arguments.separator, directory: directory)
    for input in inputs { SecretRegister.program.add(addressesIn: input.value) }
    guard let first = inputs.first else {
      Terminal.error.write("notice: the list names no inputs; there is nothing to do\n")
      return .success
    }
    guard let graph = try BatchGraph(file, first: first, directory: directory, check: check(file)) else {
      return .failure(check(file)(first.value))
    }
    if let sessions = arguments.limits.sessions, sessions < graph.sessionsEach {
      throw StageError(
        .badGraph,
        "each input has \(graph.sessionsEach) sessions with Flux, and `--max-sessions` allows \(sessions)")
    }
    let secrets = SecretCache()
    try refuseCollisions(inputs, graph, file)
    let problems = graph.problems(
      of: try await secrets.resolve(graph.sample), world: GraphHost.unstarted(file.environment))
    for problem in problems { Terminal.error.write("error: \(problem.error) (\(problem.location))\n") }
    if let worst = problems.map(\.error.code).max(by: { $0.severity < $1.severity }) {
      return .failure(worst)
    }
    let mine = inputs.filter { arguments.shard?.contains($0.name) ?? true }
    let manifest = try await BatchManifest.whenFree(path: arguments.manifestPath)
    try refuseRepetition(mine, manifest)
    let items = mine.compactMap { input -> BatchRun.Item? in
      let past = manifest.past(of: input.value)
      return past?.state == .done ? nil : BatchRun.Item(input: input, leftovers: past?.made ?? [:])
    }
    let progress = BatchProgress(total: items.count, skipped: mine.count - items.count)
    let reporter = BatchReporter(progress, isQuiet: arguments.isQuiet)
    if repetitions > 0 {
      reporter.tell(.info, "\(repetitions) inputs were named more than once; each is run once")
    }
    return try await run(items, file, graph, manifest, reporter, secrets)
  }

  /// Checks the graph for one value of `$input`.
  private func check(_ file: GraphFile) -> @Sendable (String) -> CheckResult {
    let (catalogue, arguments) = (catalogue, arguments)
    return { value in
      var parameters = arguments.graph.parameters
      parameters["input"] = value
      return file.check(catalogue, parameters: parameters, isStrict: arguments.graph.isStrict)
    }
  }

  /// Two inputs that write the same file are a mistake in the graph, best known before the first has been written. Looked for
  /// among all inputs, not only this shard's: the others write to the same place.
  private func refuseCollisions(_ inputs: [BatchInput], _ graph: BatchGraph, _ file: GraphFile)
    throws(StageError)
  {
    let check = check(file)
    var collisions = BatchCollisions(
      inputs: inputs.count > 1 ? inputs : [], common: inputs.count > 1 ? graph.commonOutputs : [],
      own: filesInUse)
    guard graph.hasOutputs else { return }
    for input in inputs {
      guard let plan = check(input.value).plan else { continue }
      if let (problem, help) = collisions.add(input, plan.outputs(in: directory)) {
        throw StageError(.badGraph, problem, help: help)
      }
    }
  }

  /// What the batch itself reads and writes, and no stage may.
  private var filesInUse: [FileInUse] {
    let lists = arguments.inputs.filter { $0.hasPrefix("@") }.map {
      FileInUse(String($0.dropFirst()), .read, by: "the list of inputs")
    }
    return lists + [FileInUse(arguments.manifestPath, .written, by: "the batch's manifest")]
  }

  /// What has been done is not done again by accident: the service sends a bill for it.
  private func refuseRepetition(_ inputs: [BatchInput], _ manifest: BatchManifest) throws(StageError) {
    guard !arguments.resumes else { return }
    let known = inputs.filter { manifest.past(of: $0.value) != nil }.count
    guard known > 0 else { return }
    throw StageError(
      .inputOutput, "\(manifest.path) tells of an earlier run of \(known) of these inputs",
      help: "Add `--resume` to go on where it ended, or name another `--manifest`.")
  }

  private func run(
    _ items: [BatchRun.Item], _ file: GraphFile, _ graph: BatchGraph, _ manifest: BatchManifest,
    _ reporter: BatchReporter, _ secrets: SecretCache
  ) async throws -> ExitCode {
    ErrorQueue.shared.begin()
    let log = LogSettings.current
    for problem in log.problems { reporter.tell(.warning, problem) }
    var options = GraphHost.Options(
      environment: file.environment,
      log: ProgramLog(settings: log, isJSON: reporter.isJSON, write: { reporter.write($0) }))
    options.observation = Observation(batch: { reporter.progress.states })
    options.isNative = arguments.graph.isStrict
    options.toleratesLosses = arguments.isLossy
    options.filesInUse = filesInUse
    options.sharesAudioThreads = true
    let observation = options.observation
    let check = check(file)
    let (batch, interruptions) = try await GraphHost.run(options) { host in
      let batch = BatchRun(
        items, schedule: BatchSchedule(arguments.limits, sessionsEach: graph.sessionsEach),
        manifest: manifest, reporter: reporter, host: host, directory: directory,
        common: graph.commonOutputs
      ) { input async throws(StageError) in
        let result = check(input.value)
        guard let plan = result.plan else {
          let message = result.diagnostics.first { $0.severity == .error }?.message
          throw StageError(.badGraph, message ?? "the graph is not right for this input")
        }
        return try await secrets.resolve(plan)
      }
      // Before anything says that the program is there.
      let interruptions = handleSignals(batch, reporter)
      if let address = arguments.observation.address {
        let port = try await host.offerMetrics(at: address, isPublic: arguments.observation.isPublic) {
          observation.isRunning
        }
        reporter.tell(.info, "metrics at \(address.url(port: port))metrics")
      }
      if let path = arguments.controlPath { try await host.takeCommands(at: path) }
      signals.handleUserSignal(SIGUSR1) { reporter.write(observation.snapshot(asJSON: reporter.isJSON)) }
      let ticker = Task {
        while !Task.isCancelled {
          let audio = await batch.audioSeconds
          reporter.update { $0.audio = audio }
          try? await Task.sleep(for: .milliseconds(200))
        }
      }
      await batch.run(jobs: arguments.limits.jobs)
      ticker.cancel()
      await ticker.value
      return (batch, interruptions)
    }
    reporter.show(isLast: true)
    if arguments.observation.showsStatistics {
      reporter.write(observation.summaryText(asJSON: reporter.isJSON))
    }
    return await code(batch, reporter, interruptions.wasInterrupted)
  }

  private func code(_ batch: BatchRun, _ reporter: BatchReporter, _ wasInterrupted: Bool) async -> ExitCode {
    let progress = reporter.progress
    let left = progress.total - progress.ended
    if wasInterrupted && left > 0 {
      reporter.tell(.warning, "stopped with \(left) inputs left; `--resume` goes on with them")
      return .interrupted
    }
    let worst = await batch.failures.max { $0.code.severity < $1.code.severity }
    return worst.map { .failure($0.code) } ?? .success
  }

  /// Whether a signal has asked for the end.
  private final class Interruptions: Sendable {
    let count = Atomic<Int>(0)
    var wasInterrupted: Bool { count.load(ordering: .relaxed) > 0 }
  }

  private func handleSignals(_ batch: BatchRun, _ reporter: BatchReporter) -> Interruptions {
    let interruptions = Interruptions()
    let hadTerminal = RunCommand.hasTerminal
    let stopTimeout = arguments.stopTimeout
    signals.handle { number in
      if number == SIGHUP && !(hadTerminal && !RunCommand.hasTerminal) { return }
      if interruptions.count.add(1, ordering: .relaxed).newValue == 1 {
        RunCommand.endProcess(after: stopTimeout)
        Task { await batch.stop(within: stopTimeout) }
        reporter.tell(
          .info, "no more inputs are begun, those under way are stopped; once more to stop at once")
      } else {
        exit(ExitCode.interrupted.rawValue)
      }
    }
    return interruptions
  }
}

/// Secrets looked up once for all inputs.
private actor SecretCache {
  private var lookups: [SecretReference: Task<Result<Secret, StageError>, Never>] = [:]

  nonisolated func resolve(_ plan: Plan) async throws(StageError) -> Plan {
    try await plan.resolvingSecrets { reference throws(StageError) in try await secret(reference) }
  }

  private func secret(_ reference: SecretReference) async throws(StageError) -> Secret {
    let lookup =
      lookups[reference]
      ?? Task {
        do throws(StageError) {
          return .success(try await SecretReader(secrets: .program).secret(reference))
        } catch {
          return .failure(error)
        }
      }
    lookups[reference] = lookup
    return try await lookup.value.get()
  }
}
