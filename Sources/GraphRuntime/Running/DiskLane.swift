internal import FluxGraph
internal import Synchronization

/// What one user of `DiskThreads` has to do there, one thing after the other: a stage, mostly.
final class DiskLane: BlockingThread, Sendable {
  /// Who is told when a file system does not answer, and who has to wait no longer.
  struct Owner: Sendable {
    /// Called on the threads' own thread, which is not to be kept.
    var tell: @Sendable (Notice) -> Void
    /// Whether nothing more will come, so that it is all the graph waits for.
    var isEnding: @Sendable () -> Bool
    /// How long nothing may come back then.
    var lastPatience: Duration
  }

  /// Something to do, and what is to be done when nobody waits for it any more.
  private struct Job: Sendable {
    var body: @Sendable () -> Void
    var giveUp: @Sendable (DiskSilence) -> Void = { _ in }
  }

  private struct State {
    var jobs: [Job] = []
    /// What is being done, and what comes right after it.
    var current: [Job] = []
    /// Whether the threads know that there is something to do.
    var isAdded = false
    var silence: DiskSilence?
    var path: String?
    var fileSystem: UInt?
  }

  /// How long nothing has come back before that is told of.
  static let patience = Duration.seconds(2)

  private let owner: Owner
  private let state = Mutex(State())
  /// Kept, so that what is handed over finds them.
  private let keeper: DiskThreads
  private let threads: DiskThreads.Core

  init(_ owner: Owner, _ keeper: DiskThreads, _ threads: DiskThreads.Core) {
    self.owner = owner
    self.keeper = keeper
    self.threads = threads
  }

  // MARK: - Any thread

  func run<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
    try await withCheckedThrowingContinuation { continuation in
      let waiter = Waiter(continuation)
      append(
        Job(
          body: { waiter.resume(Swift.Result { try body() }) },
          giveUp: { waiter.resume(.failure($0)) }))
    }
  }

  func submit(_ body: @escaping @Sendable () -> Void) { append(Job(body: body)) }

  func signal(_ body: @escaping @Sendable () -> Void) -> any GraphSignal {
    threads.signal { [self] in submit(body) }
  }

  private func append(_ job: Job) {
    let (silence, isNew, fileSystem) = state.withLock { state in
      if state.silence == nil { state.jobs.append(job) }
      defer { state.isAdded = true }
      return (state.silence, state.silence == nil && !state.isAdded, state.fileSystem)
    }
    if let silence { return job.giveUp(silence) }
    if isNew { threads.add(self, on: fileSystem) }
  }

  // MARK: - Its turn

  func works(on path: String) {
    let isKnown = state.withLock { state in
      defer { state.path = path }
      return state.path == path && state.fileSystem != nil
    }
    guard !isKnown, let place = FluxGraph.fileSystem(holding: path) else { return }
    state.withLock { $0.fileSystem = place }
    threads.move(self, to: place)
  }

  /// Does what there is to do.
  func work() {
    let jobs = state.withLock { state in
      swap(&state.jobs, &state.current)
      return state.current
    }
    for job in jobs where state.withLock({ $0.silence == nil }) { job.body() }
    state.withLock { $0.current = [] }
  }

  /// Whether there is more to do by now, and where; nil when there is not.
  func rest() -> (isBusy: Bool, fileSystem: UInt?) {
    state.withLock { state in
      state.isAdded = !state.jobs.isEmpty
      return (state.isAdded, state.fileSystem)
    }
  }

  // MARK: - While it does not come back

  var isEnding: Bool { owner.isEnding() }
  var lastPatience: Duration { owner.lastPatience }

  func tellSilence(_ time: Duration) {
    let silence = DiskSilence(path: state.withLock { $0.path }, time: time)
    tell("hanging", "\(silence); what is to be written there waits in memory", silence, .warning)
  }

  func tellAnswer(after time: Duration) {
    let silence = DiskSilence(path: state.withLock { $0.path }, time: time)
    let text = "\(silence.path ?? "the disk") answers again, after \(fixedText(time.seconds, digits: 1)) s"
    tell("answering", text, silence, .info)
  }

  /// Has nobody wait for it any more: what was begun may come back or not.
  func giveUp(after time: Duration) {
    let (jobs, silence) = state.withLock { state in
      let silence = DiskSilence(path: state.path, time: time)
      state.silence = silence
      defer { state.jobs = [] }
      return (state.current + state.jobs, silence)
    }
    for job in jobs { job.giveUp(silence) }
  }

  private func tell(_ name: String, _ text: String, _ silence: DiskSilence, _ severity: Notice.Severity) {
    let path = silence.path.map { [("path", JSONValue.string($0))] } ?? []
    owner.tell(
      Notice(
        name, text, severity: severity,
        details: path + [("seconds", JSONValue(silence.time.seconds, digits: 1))]))
  }
}

/// Somebody who waits for what is done on a disk, and is told once.
private final class Waiter<Result: Sendable>: Sendable {
  private let continuation: Mutex<CheckedContinuation<Result, any Error>?>

  init(_ continuation: CheckedContinuation<Result, any Error>) {
    self.continuation = Mutex(continuation)
  }

  func resume(_ result: Swift.Result<Result, any Error>) {
    continuation.withLock { continuation in
      defer { continuation = nil }
      return continuation
    }?.resume(with: result)
  }
}
