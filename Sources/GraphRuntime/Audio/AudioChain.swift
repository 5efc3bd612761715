internal import FluxGraph
internal import Synchronization

/// A run of synchronous stages from a source, or a branch's queue, to a sink or to further branches. Its stages are fused: one
/// step pulls one block through all of them.
///
/// Made on the main side, then handed to one audio worker, which alone steps it.
final class AudioChain: @unchecked Sendable {
  // Unchecked: only the worker touches a chain after it was handed over; `wake`, `stop` and the counters are atomic.

  /// What a step left behind.
  enum Step {
    /// There is more to do at once.
    case again
    /// Nothing to do until woken, or until a time.
    case waiting(until: Instant?)
    case ended
  }

  /// The chain as people know it.
  let title: String
  private let producer: AudioProducer
  private let tail: AudioTail
  private let liveness: Liveness
  /// Which stage is at work.
  let trace: StageTrace
  private let failed: @Sendable (any Error, StagePlace?) -> Void
  private let ended: @Sendable ((any Error)?) -> Void
  private let isDirty = Atomic<Bool>(true)
  private let isStopping = Atomic<Bool>(false)
  private let framesPassed = Atomic<Int>(0)
  private let blocks = Atomic<Int>(0)
  private let rate = Atomic<Int>(0)
  private let progressBits = Atomic<UInt64>(0)
  private let isAbandoned = Atomic<Bool>(false)
  /// Counts beginnings and ends of steps: odd while one is under way.
  private let stepCount = Atomic<Int>(0)
  private let worker = AtomicLazyReference<ThreadOfChain>()

  /// Whether a stage of the chain holds it to real time.
  let isPaced: Bool
  /// How long after its first step the chain begins.
  var startDelay = Duration.zero
  private var startsAt: Instant?
  private var started = false
  private var stopApplied = false
  /// The block that is under way; without memory between steps.
  // Accesses are not checked: one thread has it, and checks were a tenth of what a chunk costs.
  @exclusivity(unchecked) private var block = AudioBuffer(
    format: AudioFormat(.f32le, rate: 1, channels: 1), capacity: 0)
  private var output: AudioProducer.Output?
  private var queues: [AudioQueue] = []
  /// Set when nothing more will be pulled: source and sink are being closed.
  private var isEnding = false
  private var isProducerClosed = false
  private var isTailFinished = false
  private var failure: (any Error)?
  private(set) var isEnded = false

  /// - Parameters:
  ///   - failed: called on the worker with the error that ends the chain, and where it comes from, before what follows the chain
  ///     ends.
  ///   - ended: called on the worker once, at last, with the same error, if any.
  init(
    title: String, producer: AudioProducer, tail: AudioTail, liveness: Liveness, isPaced: Bool,
    trace: StageTrace,
    failed: @escaping @Sendable (any Error, StagePlace?) -> Void,
    ended: @escaping @Sendable ((any Error)?) -> Void
  ) {
    self.title = title
    self.producer = producer
    self.tail = tail
    self.liveness = liveness
    self.isPaced = isPaced
    self.trace = trace
    self.failed = failed
    self.ended = ended
  }

  // MARK: - Any thread

  /// Says that there may be something to do.
  func wake() {
    if !isDirty.exchange(true, ordering: .acquiringAndReleasing) { worker.load()?.worker?.wake() }
  }

  /// Says which worker steps the chain. Once, before it does.
  func connect(_ worker: AudioWorker) {
    _ = self.worker.storeIfNil(ThreadOfChain(worker))
  }

  /// Has the chain woken when a descriptor can be read (`POLLIN`) or written (`POLLOUT`).
  func watch(_ descriptor: Int32, events: Int32) {
    worker.load()?.worker?.watch(descriptor, events: events, for: self)
  }

  /// Ends the chain's source; what is on its way still arrives.
  func stop() {
    isStopping.store(true, ordering: .releasing)
    wake()
  }

  /// Has the chain let go of its thread, wherever it is, without telling anybody.
  func abandon() {
    isAbandoned.store(true, ordering: .releasing)
    wake()
  }

  /// The step that is under way, and the stage it is in; nil between steps.
  var step: BlockedStages.Step? {
    let number = stepCount.load(ordering: .acquiring)
    return number.isMultiple(of: 2)
      ? nil
      : BlockedStages.Step(
        number: number, stage: trace.place.map { "\($0.word) (\($0.location))" } ?? title)
  }

  /// Seconds of audio that have reached the chain's end.
  var secondsPassed: Double {
    let rate = rate.load(ordering: .relaxed)
    return rate == 0 ? 0 : Double(framesPassed.load(ordering: .relaxed)) / Double(rate)
  }

  /// Blocks that have reached the chain's end.
  var blocksPassed: Int { blocks.load(ordering: .relaxed) }

  /// What of the input has been read, from 0 to 1; nil when not known.
  var progress: Double? {
    let bits = progressBits.load(ordering: .relaxed)
    return bits == 0 ? nil : Double(bitPattern: bits)
  }

  // MARK: - The worker

  /// Whether somebody has woken the chain since its last step.
  var isDirtied: Bool { !isEnded && isDirty.load(ordering: .acquiring) }

  /// Pulls blocks until there is nothing to do, or enough was done for once.
  /// - Parameter memory: where memory comes from for as long as audio is held.
  func step(_ now: Instant, _ memory: AudioMemory) -> Step {
    if isAbandoned.load(ordering: .acquiring) {
      isEnded = true
      return .ended
    }
    stepCount.add(1, ordering: .releasing)
    defer { stepCount.add(1, ordering: .releasing) }
    // Taken before the work: what arrives meanwhile makes the chain dirty again.
    isDirty.store(false, ordering: .sequentiallyConsistent)
    do {
      if isEnding { return end() }
      let result = try advance(now, memory)
      if case .ended = result { return end() }
      return result
    } catch {
      // What was delivered stays delivered; what follows this chain ends in order.
      fail(error)
      return end()
    }
  }

  private func advance(_ now: Instant, _ memory: AudioMemory) throws -> Step {
    if isStopping.load(ordering: .acquiring) && !stopApplied {
      stopApplied = true
      producer.stop()
      if !started && producer.hasSource { return .ended }
    }
    if !started {
      let begin = startsAt ?? now.advanced(by: startDelay)
      startsAt = begin
      if now < begin && !stopApplied { return .waiting(until: begin) }
      producer.use(memory, isPaced: isPaced)
      guard let output = try producer.start(now) else { return .waiting(until: nil) }
      try prepareTail(output)
      self.output = output
      started = true
    }
    guard let output else { return .ended }
    block.holdMemory(memory.take(output.byteCount), format: output.format)
    defer {
      // What a stage that failed has left.
      block.removeAll()
      memory.give(block.takeMemory(), takenFor: output.byteCount)
    }
    // Enough to make the cost of a step disappear, and little enough to keep other chains of this thread on time.
    for _ in 0..<32 {
      if case .branches = tail, !queues.contains(where: { !$0.isAbandoned }) { return .ended }
      if liveness == .finite {
        if case .sink(let sink) = tail, !sink.hasRoom { return .waiting(until: nil) }
        if queues.contains(where: { !$0.hasRoom }) { return .waiting(until: nil) }
      }
      switch try producer.pull(&block, now) {
      case .produced: try deliver()
      case .waiting, .restarted: return .waiting(until: producer.heldUntil)
      case .finished: return .ended
      }
    }
    return .again
  }

  private func prepareTail(_ output: AudioProducer.Output) throws {
    rate.store(output.format.rate, ordering: .relaxed)
    switch tail {
    case .sink(let sink): try sink.prepare(output.format)
    case .branches(let branches):
      queues = branches.map(\.queue)
      for queue in queues { queue.onRoom { [weak self] in self?.wake() } }
      for branch in branches { branch.open(output, isHeldBack: liveness == .finite) }
    }
  }

  private func deliver() throws {
    // A source that says it gave something and did not must not show behind it.
    if block.isEmpty { return }
    switch tail {
    case .sink(let sink): try sink.write(block)
    case .branches: for queue in queues { queue.push(block) }
    }
    framesPassed.add(block.frameCount, ordering: .relaxed)
    blocks.add(1, ordering: .relaxed)
    if let progress = producer.progress { progressBits.store(progress.bitPattern, ordering: .relaxed) }
    block.removeAll()
  }

  /// Closes both ends of the chain, as far as that goes without waiting; the first failure is the one reported.
  private func end() -> Step {
    isEnding = true
    isTailFinished = isTailFinished || attempt(finishTail)
    isProducerClosed = isProducerClosed || attempt(producer.close)
    guard isTailFinished && isProducerClosed else { return .waiting(until: nil) }
    isEnded = true
    ended(failure)
    return .ended
  }

  /// Whether `part` is done, if only by failing.
  private func attempt(_ part: () throws -> Bool) -> Bool {
    do {
      return try part()
    } catch {
      fail(error)
      return true
    }
  }

  private func fail(_ error: any Error) {
    guard failure == nil else { return }
    failure = error
    failed(error, trace.place)
  }

  private func finishTail() throws -> Bool {
    switch tail {
    case .sink(let sink):
      return started ? try sink.finish() : true
    case .branches(let branches):
      for branch in branches { branch.queue.end() }
    }
    return true
  }
}

/// The worker of a chain, which holds the chain and may be gone.
private final class ThreadOfChain: Sendable {
  weak let worker: AudioWorker?

  init(_ worker: AudioWorker) {
    self.worker = worker
  }
}
