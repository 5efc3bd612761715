internal import EventStages
internal import FluxClient
internal import FluxGraph
internal import FluxGraphHost
internal import Glibc
internal import GraphLanguage
internal import GraphRuntime
internal import Platform
internal import Synchronization

/// `fluxgraph run`: runs a graph to its end.
struct RunCommand: Sendable {
  struct Arguments: Sendable {
    var paths: [String] = []
    var graph = GraphChoice()
    var isQuiet = false
    /// Whether audio or events that were lost are no failure.
    var isLossy = false
    var limit: Duration?
    /// When a graph that was asked to end is over at the latest.
    var stopTimeout = Self.usualStopTimeout
    /// How long undelivered events are waited for at the end; nil for no further try.
    var drain: Duration?
    /// Where commands are taken; nil for nowhere.
    var controlPath: String?
    var observation = ObservationArguments()
    /// Long enough for what is under way when all is well, and shorter than what supervisors of services wait for.
    static let usualStopTimeout = Duration.seconds(10)

    /// The graph's file; nil for a text.
    var path: String? { paths.first }

    init(_ arguments: [String]) throws(UsageError) {
      try self.init(parsing: arguments)
      guard paths.count < 2 else {
        throw UsageError("`run` takes one graph, and got `\(paths[0])` and `\(paths[1])`")
      }
      if path == nil && graph.text == nil {
        throw UsageError("`run` needs a graph: a file, or `-e 'file talk.opus | flux | stdout'`")
      }
      if path != nil && graph.text != nil { throw UsageError("`run` takes a file or `-e`, not both") }
    }

    /// Reads everything, however many files there are.
    init(parsing arguments: [String]) throws(UsageError) {
      var reader = ArgumentReader(
        arguments,
        known: ["--for", "--drain", "--control", "--quiet", "--lossy", "--stop-timeout"] + GraphChoice.known
          + ObservationArguments.known)
      while let argument = reader.next() {
        switch argument {
        case "--lossy": isLossy = true
        case "--quiet", "-q": isQuiet = true
        case "--control": controlPath = try reader.value(of: argument)
        case "--for": limit = try reader.duration(of: argument)
        case "--drain": drain = try reader.duration(of: argument)
        case "--stop-timeout": stopTimeout = try reader.duration(of: argument)
        default:
          if try graph.take(argument, &reader) { continue }
          if try observation.take(argument, &reader) { continue }
          if argument.hasPrefix("-") && argument != "-" { throw reader.unknown(argument) }
          paths.append(argument)
        }
      }
      try observation.check()
    }
  }

  /// What is to be put down of the first session.
  struct Recording: Sendable {
    var holdsAudio: Bool
    /// The file it is put down in, and what must be so for that.
    var path: String
    var need: Need
    var write: @Sendable (String) -> Void
  }

  /// What is left in the spools is delivered, and nothing else is run.
  struct Delivery: Sendable {
    /// The only sink that delivers; nil for all.
    var sink: String?
    var drain: DeliveryDrain
  }

  private let arguments: Arguments
  private let catalogue: Catalogue
  private let signals: SignalReader
  var recording: Recording?
  var delivery: Delivery?

  init(_ arguments: Arguments, _ catalogue: Catalogue, _ signals: SignalReader) {
    self.arguments = arguments
    self.catalogue = catalogue
    self.signals = signals
  }

  func run() async throws -> ExitCode {
    let file = try arguments.graph.file(arguments.path)
    file.tellOfEnvironment()
    let result = arguments.graph.check(file, catalogue)
    guard var plan = result.plan else { return .failure(result) }
    let missing = delivery == nil ? FileSearch.missingFiles(of: result) : []
    if let delivery { plan = try plan.delivering(delivery.sink) }
    for diagnostic in missing {
      Terminal.error.write(
        drawn: diagnostic.rendered(
          source: result.source, color: Terminal.error.isColored, width: Terminal.error.columns) + "\n")
    }
    if !missing.isEmpty { return .failure(.inputOutput) }
    let complete = try await plan.withSecrets()
    _ = try recording?.need.look()
    return try await run(complete, file)
  }

  private func run(_ plan: Plan, _ file: GraphFile) async throws -> ExitCode {
    ErrorQueue.shared.begin()
    let log = LogSettings.current
    let isJSON = log.format == .json
    let region = arguments.isQuiet || isJSON ? nil : StatusTicker.region(for: plan)
    let printer = NoticePrinter(isQuiet: arguments.isQuiet, isJSON: isJSON, region: region)
    for problem in log.problems { printer.print("warning: \(problem)") }
    var options = GraphHost.Options(
      environment: file.environment,
      log: ProgramLog(settings: log, isJSON: isJSON, write: { printer.write($0) }))
    options.isNative = arguments.graph.isStrict
    options.toleratesLosses = arguments.isLossy
    if let drain = delivery?.drain ?? arguments.drain.map({ DeliveryDrain($0) }) {
      options.resources.append(drain)
    }
    if StatusTicker.sharesTerminal, let region { options.resources.append(region) }
    if let recording {
      options.filesInUse = [FileInUse(recording.path, .written, by: "`record`")]
      options.recorder = SessionRecorder(holdsAudio: recording.holdsAudio, write: recording.write)
    }
    return try await GraphHost.run(options) { host in
      let graph = host.graph(plan) { $0.notice = { printer.print($0, $1) } }
      return try await run(graph, plan, host, printer)
    }
  }

  private func run(_ graph: RunningGraph, _ plan: Plan, _ host: GraphHost, _ printer: NoticePrinter)
    async throws -> ExitCode
  {
    let observation = host.observation
    // Before anything says that the program is there.
    handleSignals(graph, host, printer)
    if let address = arguments.observation.address {
      let port = try await host.offerMetrics(at: address, isPublic: arguments.observation.isPublic) {
        observation.isRunning && graph.hasConnected
      }
      printer.print("metrics at \(address.url(port: port))metrics")
    }
    if let path = arguments.controlPath { try await host.takeCommands(at: path) }
    if let limit = arguments.limit {
      _ = host.loop.schedule(at: Instant.now().advanced(by: limit)) { [stopTimeout = arguments.stopTimeout] in
        graph.stop(within: stopTimeout)
      }
    }
    let began = Instant.now()
    let ticker = await statusTicker(graph, plan, host, printer.region)
    ticker?.start()
    let failures: [RunningGraph.Failure]
    do {
      failures = try await host.run(graph)
    } catch {
      await ticker?.stop()
      throw error
    }
    await ticker?.stop()
    if !arguments.isQuiet && graph.progress.seconds > 0 {
      let wall = Instant.now().duration(since: began).seconds
      printer.print(Self.summary(graph, wall))
    }
    if arguments.observation.showsStatistics {
      printer.write(observation.summaryText(asJSON: printer.isJSON))
    }
    if delivery != nil {
      await ErrorQueue.shared.flush()
      let balances = DeliveryBalance.all(observation.metrics.samples)
      for (stage, balance) in balances { Terminal.output.write("\(stage)  \(balance.text)\n") }
      if failures.isEmpty, balances.contains(where: { $0.balance.waiting > 0 }) {
        return .failure(.unavailable)
      }
    }
    return failures.first.map { .failure($0.error.code) } ?? .success
  }

  private func handleSignals(_ graph: RunningGraph, _ host: GraphHost, _ printer: NoticePrinter) {
    let (loop, observation) = (host.loop, host.observation)
    let interruptions = Atomic<Int>(0)
    let stopTimeout = arguments.stopTimeout
    let hadTerminal = Self.hasTerminal
    signals.handle { number in
      // A log rotation's hang-up asks for files to be opened anew. It is the end only when a terminal has gone.
      if number == SIGHUP && !(hadTerminal && !Self.hasTerminal) {
        loop.execute { graph.commands.hangUp() }
        return
      }
      if interruptions.add(1, ordering: .relaxed).newValue == 1 {
        Self.endProcess(after: stopTimeout)
        graph.stop(within: stopTimeout)
        printer.print("stopping; once more to stop at once")
      } else {
        printer.region?.eraseStatus()
        exit(ExitCode.interrupted.rawValue)
      }
    }
    signals.handleUserSignal(SIGUSR1) { printer.write(observation.snapshot(asJSON: printer.isJSON)) }
    signals.handleUserSignal(SIGUSR2) {
      // Push to talk: the key was let go.
      loop.execute { _ = graph.commands.give(.endTurn) }
    }
  }

  private func statusTicker(
    _ graph: RunningGraph, _ plan: Plan, _ host: GraphHost, _ region: TerminalRegion?
  ) async -> StatusTicker? {
    guard let region else { return nil }
    // Only for show: a file server that is gone is not waited for.
    let isStrict = arguments.graph.isStrict
    let forecast = host.services.disk.lane(isEnding: { true })
    let total = (try? await forecast.run { PlanForecast(plan, native: isStrict).seconds }) ?? nil
    return StatusTicker(region, loop: host.loop, terminal: host.terminal) {
      let progress = graph.progress
      return RunStatus(
        seconds: progress.seconds,
        fraction: total.map { progress.seconds / max($0, 0.001) } ?? progress.fraction,
        answers: graph.commands.give(.status))
    }
  }

  /// Ends the process when its end has taken longer than it may, whatever holds it up, be it what it has to say of it.
  static func endProcess(after time: Duration) {
    NamedThread("stop") {
      usleep(UInt32(clamping: Int((time.seconds + lastWords.seconds) * 1e6)))
      _exit(ExitCode.failure(.unavailable).rawValue)
    }.detach()
  }

  /// How long it takes to say what is left over after the end.
  private static let lastWords = Duration.milliseconds(1500)

  /// Whether the process has a terminal that is still there.
  static var hasTerminal: Bool {
    let descriptor = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY)
    if descriptor >= 0 { close(descriptor) }
    return descriptor >= 0
  }

  private static func summary(_ graph: RunningGraph, _ wall: Double) -> String {
    let seconds = graph.progress.seconds
    var text = "\(positionText(seconds)) of audio"
    if wall > 0, seconds / wall > 2 { text += " at \(Int(seconds / wall)) times real time" }
    let turns = graph.turnCount
    if turns > 0 { text += ", \(turns) turn\(turns == 1 ? "" : "s")" }
    return text
  }
}
