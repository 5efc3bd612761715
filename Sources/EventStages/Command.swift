package import FluxGraph

/// The stage `command`: hands events to a program.
package struct Command: EventSink {
  package static let description = StageDescription<Command>(
    "command", "Hands events to a program, as a JSON object on a line of its standard input.",
    details: """
      The program is started once and reads all events; with `each` it is started for every event, one after the other. It is \
      started without a shell, in the graph's directory, in a process group of its own, and without the \
      graph's secrets in its environment. What it prints is shown as notices. When the graph ends, so does its input; a program that goes on for \
      more than 2 s is ended. An event whose program fails, or is not ready in time, leaves by the port `dead`.
      """,
    ports: [
      PortSpecification(
        "dead", "Events whose program failed, with `each`, and those that find no room in the queue."),
      PortSpecification("notices", "What the program prints, and how it ended."),
    ],
    examples: [
      #"file talk.opus | flux | command ["python3", "crm.py"]"#,
      #"file talk.opus | flux | where event == EndOfTurn | command ["notify-send", "a turn has ended"] each timeout=5s"#,
    ]
  ) {
    Option("program", \Command.program, "The program and its arguments.", positional: true, required: true)
    Option("each", \Command.each, "Start the program for every event.")
    Option(
      "timeout", \Command.timeout, "How long the program may take for an event, with `each`.",
      in: .milliseconds(100)...(.seconds(3600)))
  }

  package var program: [String] = []
  package var each = false
  package var timeout = Duration.seconds(30)
  private var context: StageContext?
  private var process: CommandProcess?
  private var drain: Task<Void, Never>?

  package init() {}

  package func validate() throws(OptionConflict) {
    if program.first?.isEmpty ?? true {
      throw OptionConflict(
        code: "missing-value", "`command` needs a program", options: ["program"],
        help: #"for example `command ["python3", "crm.py"]`"#)
    }
  }

  package var queue: QueuePolicy { QueuePolicy(overflowPort: "dead") }

  package mutating func open(_ context: StageContext) async throws {
    self.context = context
    guard !each else { return }
    let process = try start(context)
    self.process = process
    drain = Task {
      while !Task.isCancelled {
        await process.drain()
        try? await Task.sleep(for: .milliseconds(200))
      }
    }
  }

  package mutating func write(_ event: Event) async throws {
    guard let context else { return }
    var line: [UInt8] = []
    event.json.write(to: &line)
    line.append(UInt8(ascii: "\n"))
    if each { return try await runOnce(line, event, context) }
    guard let exit = try await process?.send(line) else { return }
    drain?.cancel()
    process = nil
    // As with `| head`: a program that has what it wanted is no failure.
    if exit == .code(0) { throw EndOfInterest() }
    throw StageError(.unavailable, "\(name) ended \(exit)")
  }

  package mutating func finish() async throws {
    drain?.cancel()
    guard let exit = try await process?.end(), exit != .code(0) else { return }
    throw StageError(.unavailable, "\(name) ended \(exit)")
  }

  private func runOnce(_ line: [UInt8], _ event: Event, _ context: StageContext) async throws {
    var reason: String?
    do {
      let process = try start(context)
      let deadline = Instant.now().advanced(by: timeout)
      let early = try await process.send(line, until: deadline)
      let exit: ChildProcess.Exit
      if let early {
        exit = early
      } else {
        exit = try await process.end(within: max(.zero, deadline.duration(since: .now())))
      }
      if exit != .code(0) {
        reason =
          Instant.now() >= deadline ? "\(name) was not ready in \(timeout.unitText)" : "\(name) ended \(exit)"
      }
    } catch let error as StageError {
      reason = error.message
    }
    guard let reason else { return }
    context.notice(Notice("undelivered", "an event was not taken: \(reason)", severity: .warning))
    context.emit(
      .notice(
        Notice(
          "undeliverable", reason, severity: .error, stream: context.name,
          details: [("reason", .string(reason)), ("attempts", 1), ("original", event.json)])), port: "dead")
  }

  private var name: String {
    program.first.map { $0.split(separator: "/").last.map(String.init) ?? $0 } ?? "the program"
  }

  private func start(_ context: StageContext) throws(StageError) -> CommandProcess {
    try CommandProcess(program, name: name, environment: context.childEnvironment, context)
  }
}
