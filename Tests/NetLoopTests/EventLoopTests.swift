import FluxGraph
import Foundation
import Glibc
import Synchronization
import TestSupport
import Testing

@testable import NetLoop

@Suite(.timeLimit(.minutes(10)))
struct EventLoopTests {
  @Test(
    "bodies of one thread run in their order, on the loop thread, which has its name and blocks all signals")
  func execute() async throws {
    let loop = try EventLoop(name: "net-test")
    let order = Mutex<[Int]>([])
    for index in 0..<100 { loop.execute { order.withLock { $0.append(index) } } }
    loop.start()
    defer { loop.stop() }
    for index in 100..<200 { loop.execute { order.withLock { $0.append(index) } } }
    let (isOnLoop, name, blocked) = await loop.call {
      let status = (try? String(contentsOfFile: "/proc/thread-self/status", encoding: .utf8)) ?? ""
      func field(_ name: String) -> String {
        let line = status.split(separator: "\n").first { $0.hasPrefix(name + ":") } ?? ""
        return line.dropFirst(name.count + 1).trimmingCharacters(in: .whitespaces)
      }
      return (loop.isOnLoop, field("Name"), UInt64(field("SigBlk"), radix: 16) ?? 0)
    }
    #expect(order.withLock { $0 } == Array(0..<200))
    #expect(isOnLoop)
    #expect(!loop.isOnLoop)
    #expect(name == "net-test")
    // All but SIGKILL, SIGSTOP and the two signals glibc keeps for itself.
    for signal in [SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGCHLD, SIGUSR1, SIGALRM] {
      #expect(blocked & (1 << UInt64(signal - 1)) != 0, "\(signal)")
    }
  }

  @Test("bodies from many threads all run, with at most one wake-up for each wait of the loop")
  func coalescing() async throws {
    let loop = try EventLoop()
    loop.start()
    defer { loop.stop() }
    let count = Atomic(0)
    DispatchQueue.concurrentPerform(iterations: 8) { _ in
      for _ in 0..<5000 { loop.execute { count.add(1, ordering: .relaxed) } }
    }
    await loop.call {}
    #expect(count.load(ordering: .relaxed) == 40_000)
    let statistics = loop.statistics
    #expect(statistics.wakeUps <= statistics.turns)

    // A loop that is busy needs no wake-up at all.
    let before = loop.statistics.wakeUps
    let gate = DispatchSemaphore(value: 0)
    let entered = DispatchSemaphore(value: 0)
    loop.execute {
      entered.signal()
      gate.wait()
    }
    entered.waitForTest()
    for _ in 0..<1000 { loop.execute {} }
    #expect(loop.statistics.wakeUps - before <= 1)
    gate.signal()
  }

  @Test("a signal raised from many threads is answered after the last time, at most once in a turn")
  func signals() async throws {
    let loop = try EventLoop()
    let raised = Atomic(0)
    let seen = Atomic(0)
    let answers = Atomic(0)
    let signal = loop.signal {
      seen.store(raised.load(ordering: .sequentiallyConsistent), ordering: .relaxed)
      answers.add(1, ordering: .relaxed)
    }
    let order = Mutex<[Int]>([])
    let others = (0..<100).map { index in loop.signal { order.withLock { $0.append(index) } } }
    // Before the loop runs they wait for it, each once, in their order.
    for other in others + others { other.raise() }
    loop.start()
    defer { loop.stop() }
    DispatchQueue.concurrentPerform(iterations: 8) { _ in
      for _ in 0..<5000 {
        raised.add(1, ordering: .sequentiallyConsistent)
        signal.raise()
      }
    }
    // What is raised before a body is handed over is answered no later than with it.
    await loop.call {}
    await loop.call {}
    #expect(seen.load(ordering: .relaxed) == 40_000)
    #expect(answers.load(ordering: .relaxed) <= loop.statistics.turns)
    #expect(order.withLock { $0 } == Array(0..<100))
    // A loop that waits is woken.
    let woken = DispatchSemaphore(value: 0)
    let waker = loop.signal { woken.signal() }
    for _ in 0..<100 {
      waker.raise()
      woken.waitForTest()
    }
  }

  @Test("timers fire in the order of their deadlines, equal ones in the order of scheduling, never early")
  func timerOrder() async throws {
    let loop = try EventLoop()
    loop.start()
    defer { loop.stop() }
    let fired = Mutex<[Int]>([])
    let late = Mutex<[Duration]>([])
    let delays = [12, 3, 7, 3, 1, 12, 0, 18, 7, 5]
    await loop.call {
      let start = loop.now
      for (index, delay) in delays.enumerated() {
        let deadline = start.advanced(by: .milliseconds(delay))
        loop.schedule(at: deadline) {
          fired.withLock { $0.append(index) }
          late.withLock { $0.append(loop.now - deadline) }
        }
      }
    }
    await withCheckedContinuation { continuation in
      loop.schedule(after: .milliseconds(20)) { continuation.resume() }
    }
    #expect(fired.withLock { $0 } == [6, 4, 1, 3, 9, 2, 8, 0, 5, 7])
    #expect(late.withLock { $0 }.allSatisfy { $0 >= .zero })
  }

  @Test(
    "a cancelled timer does not fire, cancelled on the loop, off it, or by another timer of the same moment")
  func timerCancellation() async throws {
    let loop = try EventLoop()
    loop.start()
    defer { loop.stop() }
    let fired = Mutex<[String]>([])
    let far = loop.schedule(after: .milliseconds(5)) { fired.withLock { $0.append("off") } }
    far.cancel()
    far.cancel()
    await loop.call {
      let near = loop.schedule(after: .milliseconds(5)) { fired.withLock { $0.append("on") } }
      near.cancel()
      let moment = loop.now.advanced(by: .milliseconds(2))
      let box = Mutex<LoopTimer?>(nil)
      loop.schedule(at: moment) { box.withLock { $0?.cancel() } }
      box.withLock { $0 = loop.schedule(at: moment) { fired.withLock { $0.append("same moment") } } }
    }
    await withCheckedContinuation { continuation in
      loop.schedule(after: .milliseconds(15)) { continuation.resume() }
    }
    #expect(fired.withLock { $0 }.isEmpty)
    #expect(await loop.call { loop.timers.count } == 0)
  }

  @Test("thousands of timers, many of them cancelled at random, come out sorted")
  func timerHeap() throws {
    let loop = try EventLoop()
    var heap = TimerHeap()
    var random = SeededGenerator(seed: 7)
    let base = loop.now
    var live: [LoopTimer] = []
    for _ in 0..<4000 {
      let deadline = base.advanced(by: .milliseconds(Int(random.next() % 1000)))
      let timer = LoopTimer(loop: loop, deadline: deadline) {}
      heap.insert(timer)
      live.append(timer)
      if random.next() % 3 == 0 {
        heap.remove(live.remove(at: Int(random.next() % UInt64(live.count))))
      }
    }
    #expect(heap.count == live.count)
    var out: [SuspendingClock.Instant] = []
    while let timer = heap.popDue(base.advanced(by: .seconds(2))) { out.append(timer.deadline) }
    #expect(out == live.map(\.deadline).sorted())
    #expect(heap.nextDeadline == nil)
  }

  @Test("a timer that renews itself without delay does not hold up the loop")
  func renewingTimer() async throws {
    let loop = try EventLoop()
    loop.start()
    defer { loop.stop() }
    let renewer = Renewer(loop: loop)
    loop.execute { renewer.renew() }
    await loop.call {}
    await loop.call {}
    await loop.call { renewer.isOver = true }
  }

  @Test("a watched descriptor is reported while it is ready, and no more once the watch is cancelled")
  func watch() async throws {
    let loop = try EventLoop()
    loop.start()
    defer { loop.stop() }
    var ends: [Int32] = [0, 0]
    try #require(pipe(&ends) == 0)
    let (reading, writing) = (ends[0], ends[1])
    let seen = Mutex<[Readiness]>([])
    let watch = await loop.call {
      try? loop.watch(reading, for: .readable) { readiness in
        seen.withLock { $0.append(readiness) }
        var byte: UInt8 = 0
        read(reading, &byte, 1)
      }
    }
    let registration = try #require(watch)
    write(writing, "ab", 2)
    while seen.withLock({ $0.count }) < 2 { await loop.call {} }
    #expect(seen.withLock { $0 } == [.readable, .readable])
    await loop.call { registration.cancel() }
    write(writing, "c", 1)
    for _ in 0..<20 { await loop.call {} }
    #expect(seen.withLock { $0.count } == 2)
    close(reading)
    close(writing)
    let file = open("/etc/passwd", O_RDONLY)
    let error = await loop.call { () -> NetworkFailure? in
      do throws(NetworkFailure) {
        _ = try loop.watch(file, for: .readable) { _ in }
        return nil
      } catch {
        return error
      }
    }
    #expect(error?.code == .system(EPERM))
    close(file)
  }

  @Test("after the stop nothing is accepted, and who comes late is told so")
  func afterStop() async throws {
    let loop = try EventLoop()
    loop.start()
    loop.stop()
    loop.stop()
    #expect(!loop.execute {})
    let recorder = Recorder()
    loop.connect(.local(1), recorder)
    #expect(recorder.error?.code == .stopped)
    await #expect(throws: NetworkFailure.stopped) {
      _ = try await loop.response(for: HTTPRequest(url: "http://127.0.0.1/"))
    }
    #expect(throws: NetworkFailure.stopped) { _ = try loop.listen(on: .tcp(port: 0)) { _ in { _, _ in } } }
  }

  @Test("the soft limit of open files is raised and a broken pipe does not end the process")
  func process() throws {
    _ = try EventLoop()
    var limit = rlimit()
    getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    #expect(limit.rlim_cur == limit.rlim_max)
    var action = sigaction()
    sigaction(SIGPIPE, nil, &action)
    #expect(unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self) == 1)
  }
}

/// Schedules itself again whenever it fires.
private final class Renewer: @unchecked Sendable {
  private let loop: EventLoop
  /// Loop thread only.
  var isOver = false

  init(loop: EventLoop) { self.loop = loop }

  func renew() {
    if !isOver { loop.schedule(after: .zero) { self.renew() } }
  }
}

extension DispatchSemaphore {
  /// Blocks a test for a moment; only where the other side is certain to come.
  fileprivate func waitForTest() { wait() }
}
