import CCurl
package import FluxGraph
import Glibc
import Synchronization

/// The thread that owns every socket of the process: an epoll loop around one libcurl multi handle.
///
/// Thread: one, named at creation ("net"), made by ``start()``, joined by ``stop()``. It blocks all signals, and so
/// do the name lookup threads libcurl makes from it. It waits in `epoll_wait` only. It takes one lock, the
/// mailbox's, for as long as appending to an array takes. Every callback of this module runs on it and should not
/// compute for long or touch files, because all connections wait meanwhile.
///
/// A turn of the loop: bodies from ``execute(_:)``, raised signals, ready descriptors, due timers, libcurl's time-outs, at most one
/// new connect, finished transfers, connections with more to read, and last the sends of this turn, several to the
/// same connection as one.
///
/// `Sendable`: what other threads may touch is in `mailbox` and `threadID`; everything else is touched on the loop
/// thread, or before it runs and after it was joined.
package final class EventLoop: @unchecked Sendable {
  /// The name of the thread.
  package let name: String

  /// Counts since the start, for statistics.
  package struct Statistics: Sendable {
    /// Turns of the loop.
    package var turns = 0
    /// Writes to the eventfd that ends a wait; bodies added while the loop is awake cost none.
    package var wakeUps = 0
  }

  private enum Life { case new, running, stopped }
  /// Whether the loop thread will look into the mailbox by itself.
  private enum Attention { case awake, waiting, woken }

  private struct Mailbox {
    var bodies: [@Sendable () -> Void] = []
    var attention = Attention.awake
    var life = Life.new
    var isStopping = false
    var statistics = Statistics()
  }

  private final class Summons: DescriptorHandler, Sendable {
    private let wakeUp: WakeUp

    init() throws(NetworkFailure) {
      do { wakeUp = try WakeUp() } catch { throw .system(error.number, while: "creating the event loop") }
    }

    var descriptor: Int32 { wakeUp.descriptor }

    func signal() { wakeUp.signal() }

    func descriptorReady(_ descriptor: Int32, _ readiness: Readiness) { wakeUp.clear() }
  }

  private let mailbox = Mutex(Mailbox())
  private let summons: Summons
  private let raised: RaisedSignals
  private let threadID = Atomic<UInt>(0)
  private let absentNanoseconds = Atomic<Int64>(0)
  private let thread = Mutex<NamedThread?>(nil)

  let poller: Poller
  let curl: CurlMulti
  let chunks = ChunkPool()
  let authorities = CertificateAuthorities(variable: environmentVariable)
  let proxies = ProxyEnvironment(variable: environmentVariable)
  /// Where received bytes land, shared by all connections: a callback is done with them before the next read.
  let receiveBuffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 65_536, alignment: 16)
  /// Where a frame is put together before it is sent, for all connections; only the loop thread has it.
  @exclusivity(unchecked) var frame: [UInt8] = []
  let maskKeys = MaskKeys()
  var timers = TimerHeap()
  var agenda = Agenda()
  var connectionCaches = ConnectionCaches()

  /// - Parameter name: The thread's name, at most 15 bytes.
  /// - Throws: ``NetworkFailure`` with ``NetworkFailure/Code/system`` when descriptors or libcurl are not to be had.
  package init(name: String = "net") throws(NetworkFailure) {
    precondition(name.utf8.count <= 15, "Linux allows 15 bytes for the name of a thread")
    self.name = name
    guard ProcessSetup.succeeded else { throw .system(ENOMEM, while: "initialising libcurl") }
    summons = try Summons()
    raised = RaisedSignals { [summons] in summons.signal() }
    poller = try Poller()
    curl = try CurlMulti(poller: poller)
    let status = poller.watch(summons.descriptor, for: .readable, handler: summons)
    if status != 0 { throw .system(status, while: "creating the event loop") }
  }

  deinit {
    receiveBuffer.deallocate()
  }

  /// The time all deadlines of the loop refer to. It stands still while the process does not run, be it stopped, starved or on a
  /// suspended machine: nobody was waited for then.
  package var now: SuspendingClock.Instant { SuspendingClock.now.advanced(by: .zero - absence) }

  /// How long the process did not run while the loop had deadlines, in all. Any thread.
  package var absence: Duration { .nanoseconds(absentNanoseconds.load(ordering: .relaxed)) }

  /// Whether the caller runs on the loop thread.
  package var isOnLoop: Bool { threadID.load(ordering: .relaxed) == UInt(pthread_self()) }

  package var statistics: Statistics { mailbox.withLock { $0.statistics } }

  func preconditionOnLoop(_ function: StaticString = #function) {
    precondition(isOnLoop, "\(function) belongs on the thread of its event loop")
  }

  // MARK: - Life

  /// Starts the thread. Once.
  package func start() {
    mailbox.withLock { mailbox in
      precondition(mailbox.life == .new, "an event loop starts once")
      mailbox.life = .running
    }
    thread.withLock { $0 = NamedThread(name) { [self] in run() } }
  }

  /// Ends everything the loop owns and joins its thread.
  ///
  /// Connections and transfers get their last event with ``NetworkFailure/Code/stopped``; timers and watches end
  /// without a call. Harmless when repeated or when the loop never ran. Not on the loop thread. Needed before the
  /// process exits: OpenSSL frees its tables then, under the feet of a thread that still uses TLS.
  package func stop() {
    precondition(!isOnLoop, "an event loop cannot wait for its own end")
    guard let thread = thread.withLock({ $0.take() }) else { return }
    mailbox.withLock { $0.isStopping = true }
    summons.signal()
    thread.join()
  }

  // MARK: - Calls from other threads

  /// Runs `body` on the loop thread in its next turn, bodies of one thread in their order. Any thread.
  ///
  /// - Returns: False when the loop has stopped; `body` will not run then.
  @discardableResult
  package func execute(_ body: @escaping @Sendable () -> Void) -> Bool {
    let (isAccepted, needsWakeUp) = mailbox.withLock { mailbox in
      guard mailbox.life != .stopped else { return (false, false) }
      mailbox.bodies.append(body)
      guard mailbox.attention == .waiting else { return (true, false) }
      mailbox.attention = .woken
      mailbox.statistics.wakeUps += 1
      return (true, true)
    }
    if needsWakeUp { summons.signal() }
    return isAccepted
  }

  /// Makes a signal: each time it was raised, `body` runs on the loop thread in its next turn. Any thread.
  package func signal(_ body: @escaping @Sendable () -> Void) -> any GraphSignal {
    raised.signal(body)
  }

  // MARK: - The loop

  private func run() {
    threadID.store(UInt(pthread_self()), ordering: .relaxed)
    var isStopping = false
    var presence = Presence(since: SuspendingClock.now)
    while !isStopping {
      let timeout = agenda.isEmpty ? millisecondsToNextDeadline() : 0
      let hasBodies = mailbox.withLock { mailbox in
        if mailbox.bodies.isEmpty && !mailbox.isStopping && timeout != 0 { mailbox.attention = .waiting }
        return !mailbox.bodies.isEmpty || mailbox.isStopping
      }
      let mayWait = raised.beginWait() && !hasBodies
      note(presence.look(SuspendingClock.now, waited: 0))
      let ready = poller.wait(milliseconds: mayWait ? timeout : 0)
      // Before anybody looks at the time: what others said meanwhile is read first, and only then is their silence judged.
      note(presence.look(SuspendingClock.now, waited: mayWait ? timeout : 0))
      let bodies = mailbox.withLock { mailbox in
        mailbox.attention = .awake
        mailbox.statistics.turns += 1
        isStopping = mailbox.isStopping
        return mailbox.bodies.isEmpty ? [] : mailbox.bodies.takeAll()
      }
      for body in bodies { body() }
      raised.answer()
      poller.dispatch(count: ready)
      note(presence.look(SuspendingClock.now, waited: 0))
      runTimers(now: now)
      curl.runTimeout(now: SuspendingClock.now)
      beginNext()
      curl.collectFinished()
      runAgenda()
    }
    endEverything()
    threadID.store(0, ordering: .relaxed)
  }

  private func millisecondsToNextDeadline() -> Int32 {
    let waits = [
      timers.nextDeadline.map { min($0 - now, Presence.longestWait) },
      curl.deadline.map { $0 - SuspendingClock.now },
    ]
    return waits.compactMap(\.self).min().map { Int32(clamping: $0.millisecondsRoundedUp) } ?? -1
  }

  private func note(_ absence: Duration) {
    guard absence > .zero else { return }
    absentNanoseconds.wrappingAdd(absence.nanoseconds, ordering: .relaxed)
  }

  /// Ends what is left, with the thread still being the loop's for the callbacks.
  private func endEverything() {
    // Bodies already accepted may still add connections; whoever comes later is told by `execute`.
    var bodies: [@Sendable () -> Void]
    repeat {
      bodies = mailbox.withLock { mailbox in
        if mailbox.bodies.isEmpty { mailbox.life = .stopped }
        return mailbox.bodies.takeAll()
      }
      for body in bodies { body() }
    } while !bodies.isEmpty
    for owned in agenda.owned.values { owned.loopStops() }
    while !agenda.closed.isEmpty || !agenda.deliveries.isEmpty { runAgenda() }
    timers.removeAll()
    curl.shutDown()
  }
}

private func environmentVariable(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }

extension Duration {
  /// Whole milliseconds, never fewer than the duration has; 0 for a negative one.
  var millisecondsRoundedUp: Int64 {
    let (seconds, attoseconds) = components
    guard seconds >= 0, attoseconds >= 0 else { return 0 }
    let (product, isOverflowing) = seconds.multipliedReportingOverflow(by: 1000)
    if isOverflowing { return .max }
    let fraction = (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000
    let (sum, isSumOverflowing) = product.addingReportingOverflow(fraction)
    return isSumOverflowing ? .max : sum
  }
}
