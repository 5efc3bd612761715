internal import FluxGraph
internal import Synchronization

/// Something events are handed to.
protocol EventConsumer: Sendable {
  func accept(_ event: Event)
  /// Called once by each producer linked to it.
  func producerEnded()
}

/// Hands every event to all that are linked to an output.
final class EventFanOut: Sendable {
  private let consumers: [any EventConsumer]
  private let tap: StreamTap?

  /// - Parameter tap: where others may listen.
  init(_ consumers: [any EventConsumer], tap: StreamTap? = nil) {
    self.consumers = consumers
    self.tap = tap
  }

  func emit(_ event: Event) {
    if let tap, tap.isHeard { tap.hear(.event(event)) }
    for consumer in consumers { consumer.accept(event) }
  }

  func end() {
    for consumer in consumers { consumer.producerEnded() }
    tap?.end()
  }
}

/// A stage that turns events into events, run where the event comes from, one event at a time.
final class EventTransformNode: EventConsumer, @unchecked Sendable {
  // Unchecked: the stage and the timer are touched only under the lock.
  private var transform: any EventTransform
  private var timer: (time: Instant, timer: any GraphTimer)?
  private let lock = Mutex<Int>(0)
  /// The main output, then the ports.
  private let outputs: [EventFanOut]
  private let context: StageContext
  private let watch: EventStageWatch

  /// - Parameter producers: how many outputs are linked to the stage.
  init(_ transform: any EventTransform, producers: Int, outputs: [EventFanOut], context: StageContext) {
    self.transform = transform
    self.transform.prepare(context)
    self.outputs = outputs
    self.context = context
    watch = EventStageWatch(context)
    lock.withLock { $0 = producers }
  }

  func accept(_ event: Event) {
    // Handed on inside the lock: what comes from several streams keeps the order it was decided in.
    lock.withLock { _ in
      watch.measure { now in
        transform.advance(to: now) { outputs[0].emit($0) }
        transform.process(event) { outputs[0].emit($0) }
      }
      setTimer()
    }
  }

  func producerEnded() {
    let isLast = lock.withLock { producers in
      producers -= 1
      if producers == 0 {
        timer?.timer.cancel()
        timer = nil
        watch.measure { _ in transform.finish { outputs[0].emit($0) } }
      }
      return producers == 0
    }
    if isLast { for output in outputs { output.end() } }
  }

  private func setTimer() {
    let deadline = transform.deadline
    guard deadline != timer?.time else { return }
    timer?.timer.cancel()
    timer = deadline.map { time in
      (time, context.loop.schedule(at: time) { [weak self] in self?.timeHasCome() })
    }
  }

  private func timeHasCome() {
    lock.withLock { producers in
      guard producers > 0 else { return }
      timer = nil
      watch.measure { now in transform.advance(to: now) { outputs[0].emit($0) } }
      setTimer()
    }
  }
}

/// A sink of events behind its own queue, so that it holds up nobody.
final class EventSinkNode: EventConsumer {
  let title: String
  let queue: EventQueue
  private let overflowPort: String?
  private let producers: Atomic<Int>
  private let ports: [String: EventFanOut]
  private let clock: any GraphClock
  private let context: StageContext
  private let latency = Mutex(LatencyHistogram())
  /// Whether the sink has taken an event out of the queue, and not done with it.
  private let isWriting = Atomic<Bool>(false)

  /// - Parameters:
  ///   - producers: how many outputs are linked to the sink.
  ///   - queue: the queue in front of it.
  ///   - ports: the sink's own outputs that lead somewhere.
  init(
    title: String, queue: EventQueue, producers: Int, ports: [String: EventFanOut], context: StageContext
  ) {
    self.title = title
    self.queue = queue
    overflowPort = context.queue.policy.overflowPort
    self.producers = Atomic(producers)
    self.ports = ports
    self.context = context
    clock = context.clock
    // It has only to do what an earlier run has left.
    if producers == 0 { queue.end() }
  }

  /// How long events took from their arrival until they were written.
  var latencies: LatencyHistogram { latency.withLock { $0 } }

  /// Events that are in the queue or on their way out of it.
  var unwritten: Int { queue.report.waiting + (isWriting.load(ordering: .relaxed) ? 1 : 0) }

  func accept(_ event: Event) {
    let offer = queue.offer(event, now: clock.now())
    if offer == .kept { return }
    if let overflowPort { giveUp(event, "\(title) did not keep up, and its queue was full", overflowPort) }
    guard offer == .firstDropped else { return }
    context.notice(
      Notice(
        "dropping", "\(title) does not keep up: events are being dropped until it does", severity: .warning))
  }

  func producerEnded() {
    if producers.subtract(1, ordering: .acquiringAndReleasing).newValue == 0 { queue.end() }
  }

  /// Opens the sink, then takes events from the queue into it until they end.
  /// - Parameter opened: called once the sink is open.
  /// - Throws: what the sink throws.
  func run(_ makeSink: () throws -> any EventSink, opened: () -> Void) async throws {
    defer {
      queue.close()
      for port in ports.values { port.end() }
    }
    var sink = try makeSink()
    try await sink.open(context)
    opened()
    do {
      try await work(&sink)
    } catch {
      let failure = error as? StageError ?? (error as? DiskSilence)?.stageError
      guard let failure else { throw error }
      if let overflowPort, ports[overflowPort] != nil {
        await giveUpAll(failure, overflowPort)
      } else {
        tellLeft(queue.close())
        tellDropped()
      }
      throw failure
    }
  }

  private func tellLeft(_ count: Int) {
    guard count > 0 else { return }
    let text =
      count == 1 ? "1 event that waited for \(title) is" : "\(count) events that waited for \(title) are"
    context.notice(
      Notice("dropped", "\(text) lost with it", severity: .warning, details: [("count", JSONValue(count))]))
  }

  private func tellDropped() {
    let dropped = queue.takeDropped(now: clock.now())
    guard dropped > 0 else { return }
    context.notice(
      Notice(
        "dropped", "\(dropped) events were dropped because \(title) did not keep up", severity: .warning,
        details: [("count", JSONValue(dropped))], loss: .init(events: dropped)))
  }

  private func work(_ sink: inout any EventSink) async throws {
    while let (event, offered) = await queue.nextOffered() {
      isWriting.store(true, ordering: .relaxed)
      try await sink.write(event)
      isWriting.store(false, ordering: .relaxed)
      let duration = clock.now().duration(since: offered)
      latency.withLock { $0.record(duration) }
      tellDropped()
    }
    tellDropped()
    try await sink.finish()
  }

  /// A sink that has failed takes no more events, and somebody is there for those it does not take.
  private func giveUpAll(_ error: StageError, _ port: String) async {
    if queue.hasEnded && queue.isEmpty { return }
    context.notice(
      Notice("failing", "\(title) takes no more events; they leave by its port `\(port)`", severity: .warning)
    )
    while let event = await queue.next() { giveUp(event, error.message, port) }
    tellDropped()
  }

  private func giveUp(_ event: Event, _ reason: String, _ port: String) {
    context.emit(.notice(.undeliverable(event.json, reason: reason, stream: context.name)), port: port)
  }
}
