package import FluxGraph

/// The stage `command`: hands events to a program.
package struct Command: SpoolingSink {
  package static let description = StageDescription<Command>(
    "command", "Hands events to a program, as a JSON object on a line of its standard input.",
    details: """
      The program is started once and reads all events; with `each` it is started for every event, one after the other. It is \
      started without a shell, in the graph's directory, in a process group of its own, and without the \
      graph's secrets in its environment. What it prints is shown as notices. When the graph ends, so does its input; a \
      program that goes on for more than 2 s is ended. Up to 10000 events wait for the program, and 16 MB of them; more leave by the port \
      `dead`, as does an event the program takes longer for than `timeout`. With `each` an event is taken when its program \
      ends with 0; if not it is tried again as `retry` says, and then leaves by the port `dead`. With `spool` events that \
      are not taken outlive fluxgraph, as with `webhook`.
      """,
    ports: [
      PortSpecification("dead", "Events the program did not take, each with the reason."),
      PortSpecification("notices", "What the program prints, and how it ended."),
    ],
    examples: [
      #"file talk.opus | flux | command ["python3", "crm.py"]"#,
      #"file talk.opus | flux | where event == EndOfTurn | command ["notify-send", "a turn has ended"] each timeout=5s"#,
      #"file talk.opus | flux | command ["sh", "put.sh"] each spool=./spool retry=[10s, 1m, 10m]"#,
    ]
  ) {
    Option("program", \Command.program, "The program and its arguments.", positional: true, required: true)
    Rule(reads: ["program"]) { command in
      guard command.program.first?.isEmpty ?? true else { return nil }
      return OptionConflict(
        code: "missing-value", "`command` needs a program", options: ["program"],
        help: #"for example `command ["python3", "crm.py"]`"#)
    }
    Option("each", \Command.each, "Start the program for every event.")
    Option(
      "timeout", \Command.timeout, "How long the program may take for an event.",
      in: .milliseconds(100)...(.seconds(3600)))
    Option(
      "retry", \Command.retry, "The waits before further attempts, with `each`: `standard`, `none` or a list."
    )
    Option("spool", \Command.spool, "A directory that keeps what is not taken, with `each`.")
    spoolLimitOption
    Rule(
      "spool-without-each", reads: ["each", "spool", "retry"],
      "A program that reads all events does not say which it has taken, so that none can be kept for it or tried again.",
      example: "file talk.opus | flux | command [\"python3\", \"crm.py\"] spool=spool",
      fix: "file talk.opus | flux | command [\"python3\", \"crm.py\"] each spool=spool"
    ) { command in
      guard !command.each,
        let option = command.spool != nil ? "spool" : command.retry.waits.isEmpty ? nil : "retry"
      else { return nil }
      return OptionConflict(
        "`\(option)` needs `each`: a program that reads all events does not say which it has taken",
        options: [option], help: "add `each`, or leave `\(option)` out", fix: .remove(option))
    }
  }

  package var program: [String] = []
  package var each = false
  package var timeout = Duration.seconds(30)
  package var retry = RetrySchedule(waits: [])
  package var spool: Path?
  package var spoolLimit = ByteCount(100_000_000)
  private var context: StageContext?
  private var process: CommandProcess?
  private var drain: Task<Void, Never>?
  private var courier: Courier?

  package init() {}

  package func needs(_ context: StageContext) -> [Need]? {
    Need.programs(program, in: context.directory)
      + spoolNeeds(context)
  }

  package mutating func open(_ context: StageContext) async throws {
    self.context = context
    if each { return try await openCourier(context) }
    let process = try start(context)
    self.process = process
    drain = Task {
      while !Task.isCancelled {
        await process.drain()
        try? await Task.sleep(for: .milliseconds(200))
      }
    }
  }

  /// Starts a program for each event, and for each attempt.
  private mutating func openCourier(_ context: StageContext) async throws {
    let settings = Courier.Settings(
      receiver: name,
      policy: DeliveryQueue.Policy(retries: retry.waits, order: .seconds(300), concurrency: 1),
      sync: .interval, patience: timeout + .seconds(5))
    let opened = try await Courier.spool(spool, limit: spoolLimit, context)
    let courier = Courier(settings, spool: opened, context) { [self] shipment in
      await runOnce(shipment.content + [UInt8(ascii: "\n")], context)
    }
    self.courier = courier
    try await courier.resume()
  }

  package mutating func write(_ event: Event) async throws {
    guard let context else { return }
    if let courier { return await courier.accept(Delivery(event, context)) }
    var line: [UInt8] = []
    event.json.write(to: &line)
    line.append(UInt8(ascii: "\n"))
    let deadline = Instant.now().advanced(by: timeout)
    guard let exit = try await process?.send(line, until: deadline) else { return }
    drain?.cancel()
    process = nil
    // As with `| head`: a program that has what it wanted is no failure.
    if exit == .code(0) {
      context.notice(Notice("ended", "\(name) has ended, and is given no more events"))
      throw EndOfInterest()
    }
    let reason = failure(exit, deadline)
    context.emit(
      .notice(.undeliverable(event.json, reason: reason, attempts: 1, stream: context.name)), port: "dead")
    throw StageError(.unavailable, reason)
  }

  package mutating func finish() async throws {
    if let courier { return try await courier.finish() }
    drain?.cancel()
    guard let exit = try await process?.end(), exit != .code(0) else { return }
    throw StageError(.unavailable, "\(name) ended \(exit)")
  }

  private func runOnce(_ line: [UInt8], _ context: StageContext) async -> DeliveryQueue.Outcome {
    let deadline = Instant.now().advanced(by: timeout)
    do {
      let process = try start(context)
      let early = try await process.send(line, until: deadline)
      let exit: ChildProcess.Exit
      if let early {
        exit = early
      } else {
        exit = try await process.end(within: max(.zero, deadline.duration(since: .now())))
      }
      return exit == .code(0) ? .delivered : .failed(failure(exit, deadline), canRetry: true)
    } catch {
      return .failed((error as? StageError)?.message ?? "\(error)", canRetry: true)
    }
  }

  private func failure(_ exit: ChildProcess.Exit, _ deadline: Instant) -> String {
    Instant.now() >= deadline ? "\(name) was not ready in \(timeout.unitText)" : "\(name) ended \(exit)"
  }

  private var name: String {
    program.first.map { $0.split(separator: "/").last.map(String.init) ?? $0 } ?? "the program"
  }

  private func start(_ context: StageContext) throws(StageError) -> CommandProcess {
    try CommandProcess(program, name: name, environment: context.childEnvironment, context)
  }
}
