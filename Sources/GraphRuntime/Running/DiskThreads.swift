package import FluxGraph
internal import Synchronization

/// The threads that read and write files: as many as there are file systems at work, and some more where one does not answer; see
/// `DiskSchedule`. Whoever uses them has a lane of his own, whose work is done in order.
///
/// Threads: `disk` takes signals and looks after the others, and never touches a file; `disk-1…n` do the work. What was handed over is
/// still done when nobody refers to the threads any more, unless it never comes back.
package final class DiskThreads: Sendable {
  private let core: Core
  private let watcher: NamedThread

  /// - Throws: `StageError` when no more files can be opened.
  package init() throws(StageError) {
    let core = try Core()
    self.core = core
    watcher = NamedThread("disk") { core.watch() }
  }

  deinit {
    // Nothing is under way: a lane with something to do refers to its threads.
    let workers = core.close()
    for thread in workers + [watcher] {
      // The last reference may be one that a job held; a thread cannot wait for itself.
      if thread.isCurrent { thread.detach() } else { thread.join() }
    }
  }

  /// A lane for somebody.
  /// - Parameters:
  ///   - tell: called with what there is to say of a file system that does not answer, on a thread that must not be kept.
  ///   - isEnding: whether all that is left to do is what was handed over: then nobody waits for longer than `lastPatience`.
  package func lane(
    tell: @escaping @Sendable (Notice) -> Void = { _ in },
    isEnding: @escaping @Sendable () -> Bool = { false },
    lastPatience: Duration = .seconds(5)
  ) -> any BlockingThread {
    DiskLane(.init(tell: tell, isEnding: isEnding, lastPatience: lastPatience), self, core)
  }

  /// What the threads share.
  final class Core: Sendable {
    /// Somebody who has something to do.
    private struct Entry {
      let lane: DiskLane
      /// Since when nothing has come back.
      var since: Instant
      var isTold = false
      var endingSince: Instant?
      var isGivenUp = false
    }

    private struct State {
      var schedule = DiskSchedule<ObjectIdentifier>()
      var entries: [ObjectIdentifier: Entry] = [:]
      /// Those at work that no thread has taken yet.
      var begun: [DiskLane] = []
      var workers: [NamedThread] = []
      var workerCount = 0
      /// Whether the watcher looks again and again.
      var isWatched = false
      var isClosed = false
      /// How long the process did not run, in all: nobody's silence.
      var absence = Duration.zero

      var now: Instant { Instant.now().advanced(by: .zero - absence) }
    }

    private static let interval = Duration.milliseconds(250)
    /// A later wake-up than this is no delay: the process did not run.
    private static let tolerance = Duration.milliseconds(500)

    private let state = Mutex(State())
    private let work = Semaphore()
    private let wakeUp: WakeUp
    private let signals: RaisedSignals

    init() throws(StageError) {
      let wakeUp: WakeUp
      do { wakeUp = try WakeUp() } catch { throw StageError(outOf: "files can be opened", error) }
      self.wakeUp = wakeUp
      signals = RaisedSignals { wakeUp.signal() }
    }

    // MARK: - Any thread

    func signal(_ body: @escaping @Sendable () -> Void) -> any GraphSignal { signals.signal(body) }

    func add(_ lane: DiskLane, on fileSystem: UInt?) {
      let (isNews, needed) = state.withLock { state in
        let id = ObjectIdentifier(lane)
        state.entries[id] = Entry(lane: lane, since: state.now)
        state.schedule.add(id, on: fileSystem)
        defer { state.isWatched = true }
        return (!state.isWatched, begin(&state))
      }
      supply(needed)
      if isNews { wakeUp.signal() }
    }

    func move(_ lane: DiskLane, to fileSystem: UInt) {
      let needed = state.withLock { state in
        state.schedule.move(ObjectIdentifier(lane), to: fileSystem)
        return begin(&state)
      }
      supply(needed)
    }

    /// Has those begin that may. Returns how many more threads that takes.
    private func begin(_ state: inout State, takesOne: Bool = false) -> Int {
      let now = state.now
      var isTaken = !takesOne
      while let id = state.schedule.next(now: now), let entry = state.entries[id] {
        state.begun.append(entry.lane)
        // Each that has begun has a thread, which waits for it, or is the one that asks.
        if isTaken && state.workerCount >= state.schedule.count { work.post() }
        isTaken = true
      }
      let needed = max(0, state.schedule.count - state.workerCount)
      state.workerCount += needed
      return needed
    }

    private func supply(_ count: Int) {
      for _ in 0..<count {
        // Inside: it is known before it can have done anything.
        state.withLock { state in
          state.workers.append(NamedThread("disk-\(state.workers.count + 1)") { [self] in doWork() })
        }
      }
    }

    /// Ends the threads, and returns those that work.
    func close() -> [NamedThread] {
      let workers = state.withLock { state in
        state.isClosed = true
        defer { state.workers = [] }
        return state.workers
      }
      wakeUp.signal()
      for _ in workers { work.post() }
      return workers
    }

    // MARK: - The working threads

    private func doWork() {
      while true {
        let (lane, isClosed) = state.withLock { state in
          (state.begun.isEmpty ? nil : state.begun.removeFirst(), state.isClosed)
        }
        if let lane {
          lane.work()
          rest(lane)
        } else if isClosed {
          return
        } else {
          work.wait()
        }
      }
    }

    private func rest(_ lane: DiskLane) {
      let id = ObjectIdentifier(lane)
      let (silence, needed) = state.withLock { state -> (Duration?, Int) in
        let now = state.now
        let entry = state.entries.removeValue(forKey: id)
        state.schedule.rest(id)
        let (isBusy, fileSystem) = lane.rest()
        if isBusy {
          state.entries[id] = Entry(lane: lane, since: now)
          state.schedule.add(id, on: fileSystem)
        }
        let silence = entry.flatMap { $0.isTold ? now.duration(since: $0.since) : nil }
        return (silence, begin(&state, takesOne: true))
      }
      supply(needed)
      if let silence { lane.tellAnswer(after: silence) }
    }

    // MARK: - The thread that watches

    func watch() {
      while true {
        let (isClosed, wait) = state.withLock { ($0.isClosed, $0.isWatched ? Self.interval : nil) }
        if isClosed { return }
        guard signals.beginWait() else {
          signals.answer()
          continue
        }
        let before = Instant.now()
        wakeUp.wait(for: wait)
        let late = Instant.now().duration(since: before) - (wait ?? .zero)
        if wait != nil, late > Self.tolerance { state.withLock { $0.absence = $0.absence + late } }
        look()
      }
    }

    private func look() {
      let (silent, needed) = state.withLock { state -> ([(DiskLane, Duration)], Int) in
        if state.schedule.isIdle { state.isWatched = false }
        let now = state.now
        let silent = state.entries.values.compactMap { entry -> (DiskLane, Duration)? in
          let time = now.duration(since: entry.since)
          return time >= DiskLane.patience ? (entry.lane, time) : nil
        }
        return (silent, begin(&state))
      }
      supply(needed)
      for (lane, time) in silent { look(at: lane, time) }
    }

    private func look(at lane: DiskLane, _ time: Duration) {
      let isEnding = lane.isEnding
      let (isNews, isOver) = state.withLock { state -> (Bool, Bool) in
        let (id, now) = (ObjectIdentifier(lane), state.now)
        guard var entry = state.entries[id] else { return (false, false) }
        let isNews = !entry.isTold
        entry.isTold = true
        if isEnding, entry.endingSince == nil { entry.endingSince = now }
        let wait = entry.endingSince.map { now.duration(since: max($0, entry.since)) } ?? .zero
        let isOver = wait >= lane.lastPatience && !entry.isGivenUp
        if isOver { entry.isGivenUp = true }
        state.entries[id] = entry
        return (isNews, isOver)
      }
      if isNews { lane.tellSilence(time) }
      if isOver { lane.giveUp(after: time) }
    }
  }
}
