internal import FluxGraph
internal import Synchronization

// Stages that make, change or take events.
extension ContractBench {
  func events(_ stage: any Stage, in run: ContractRun) throws -> Outcome {
    guard var stage = stage.form.eventTransform else { return Outcome() }
    var outcome = Outcome()
    let clock = run.world.loop
    stage.prepare(run.context)
    for event in conversation {
      // As time goes by in a graph: deadlines first, then the event.
      stage.advance(to: clock.now()) { outcome.events.append($0.json.serialized) }
      stage.process(event) { outcome.events.append($0.json.serialized) }
      if let deadline = stage.deadline {
        clock.advance(by: max(.zero, deadline.duration(since: clock.now())))
        stage.advance(to: clock.now()) { outcome.events.append($0.json.serialized) }
        if let next = stage.deadline, next <= clock.now() {
          throw StageContract.Violation(
            rule: .progress, message: "the deadline has come, the time was told, and the deadline stays")
        }
      }
    }
    stage.finish { outcome.events.append($0.json.serialized) }
    let count = outcome.events.count
    stage.finish { outcome.events.append($0.json.serialized) }
    guard outcome.events.count == count else {
      throw StageContract.Violation(
        rule: .flush,
        message: "finish had given everything, and then gave \(outcome.events.count - count) more")
    }
    outcome.events += run.sent
    return outcome
  }

  func eventSink(in run: ContractRun) async throws -> Outcome {
    let context = run.context
    let make = make
    let conversation = conversation
    // A stage may wait for timers; the loop's time goes on as long as it does.
    let task = Task {
      guard var stage = try make().form.eventSink else { return }
      try await stage.open(context)
      for event in conversation { try await stage.write(event) }
      try await stage.finish()
    }
    try await run.passTime(until: task, "the sink has not finished")
    return Outcome(events: run.sent)
  }

  func recognise(cuts: [Int], in run: ContractRun) async throws -> Outcome {
    guard let accepts = try make().form.recogniser?.accepts else { return Outcome() }
    let (bytes, format) = try audio(for: accepts)
    // Recognisers are promised pieces of a length where they ask for it.
    let cuts = accepts.chunk.map { [format.frames(in: $0)] } ?? cuts.map { min($0, format.rate / 25) }
    let total = bytes.count / format.bytesPerFrame
    let queue = AudioQueue(format: format, slotFrames: cuts.max() ?? 1, capacity: total)
    let inlet = AudioInlet(queue, liveness: .finite)
    let heard = Mutex<[String]>([])
    let outlet = EventOutlet { event in
      guard case .turn(var turn) = event else { return }
      // New in every run.
      turn.session = ""
      turn.time = WallTime(seconds: 0)
      heard.withLock { $0.append(Event.turn(turn).json.serialized) }
    }
    let context = run.context
    let make = make
    let task = Task {
      guard var stage = try make().form.recogniser else { return }
      try await stage.run(inlet, into: outlet, context)
    }
    try feed(bytes, format, cuts) { block in queue.push(block) }
    queue.end()
    try await run.passTime(until: task, "the audio is over, and the recogniser goes on")
    return Outcome(events: heard.withLock { $0 })
  }
}

extension ContractRun {
  /// What left by ports; notices are compared by their words, which have no time in them.
  fileprivate var sent: [String] {
    world.emitted.filter { $0.port != "notices" }.map { "\($0.port): \($0.event.json.serialized)" }
  }

  /// Lets the virtual time pass until a task has ended.
  /// - Throws: what the task throws; `Violation` when it has not ended after ten minutes of virtual time.
  func passTime(until task: Task<Void, any Error>, _ message: String) async throws {
    let end = End()
    Task {
      _ = await task.result
      end.hasCome.store(true, ordering: .releasing)
    }
    for _ in 0..<60_000 {
      if end.hasCome.load(ordering: .acquiring) { return try await task.value }
      world.loop.advance(by: .milliseconds(10))
      // The tasks that are waited for get the processor in between.
      try await Task.sleep(for: .microseconds(200))
    }
    task.cancel()
    throw StageContract.Violation(rule: .flush, message: message)
  }

  private final class End: Sendable {
    let hasCome = Atomic<Bool>(false)
  }
}
