import FluxGraph
import Glibc
import Platform
import StageTesting
import Synchronization
import TestSupport
import Testing

@testable import GraphRuntime

/// A file system that takes nothing as long as it is closed.
private final class HeldFile: Sendable {
  private let semaphore = Platform.Semaphore()

  /// Blocks, as `write` does.
  func pass() {
    semaphore.wait()
    semaphore.post()
  }
  func open() { semaphore.post() }
}

@Suite(.timeLimit(.minutes(10))) struct DiskThreadsTests {
  @Test("what a lane is given is done in order, whoever gives it, and its signals are answered")
  func order() async throws {
    let threads = try DiskThreads()
    let lane = threads.lane()
    let done = Mutex<[Int]>([])
    for number in 0..<1000 { lane.submit { done.withLock { $0.append(number) } } }
    #expect(try await lane.run { done.withLock { $0.count } } == 1000)
    #expect(done.withLock { $0 } == Array(0..<1000))
    let answered = Atomic<Int>(0)
    let other = threads.lane()
    await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
      let waiter = Mutex<CheckedContinuation<Void, Never>?>(continuation)
      other.signal {
        answered.add(1, ordering: .relaxed)
        waiter.withLock { waiter in
          defer { waiter = nil }
          return waiter
        }?.resume()
      }.raise()
    }
    #expect(answered.load(ordering: .relaxed) == 1)
  }

  @Test("a lane that hangs keeps no other one, is told of by its file, and again when it is back")
  func hanging() async throws {
    let folder = try TemporaryFolder()
    let threads = try DiskThreads()
    let gate = HeldFile()
    let told = Mutex<[Notice]>([])
    let path = folder.file("slow/a.jsonl")
    let slow = threads.lane(tell: { notice in told.withLock { $0.append(notice) } })
    let quick = threads.lane(tell: { notice in told.withLock { $0.append(notice) } })
    let hung = Task {
      try await slow.run {
        slow.works(on: path)
        gate.pass()
      }
    }
    let began = Instant.now()
    var worst = Duration.zero
    // Two seconds of its own time: where the machine is busy that is later.
    while told.withLock({ $0.isEmpty }), Instant.now().duration(since: began) < .seconds(30) {
      let before = Instant.now()
      // On the same file system: nobody can know that only one file of it hangs.
      try await quick.run { quick.works(on: folder.file("b.jsonl")) }
      worst = max(worst, Instant.now().duration(since: before))
      try await Task.sleep(for: .milliseconds(20))
    }
    #expect(worst < .seconds(10), "held up for a second, by what might be its own disk: \(worst)")
    gate.open()
    try await hung.value
    for _ in 0..<1000 where told.withLock({ $0.count }) < 2 { try await Task.sleep(for: .milliseconds(10)) }
    let notices = told.withLock { $0 }
    #expect(notices.map(\.notice) == ["hanging", "answering"])
    #expect(notices.allSatisfy { $0.message.contains(path) }, "\(notices.map(\.message))")
  }

  @Test(
    "at the end a lane that hangs is given up, with its file and for how long; what comes later is refused")
  func givenUp() async throws {
    let threads = try DiskThreads()
    let gate = HeldFile()
    let isEnding = Atomic<Bool>(false)
    let lane = threads.lane(
      isEnding: { isEnding.load(ordering: .relaxed) }, lastPatience: .milliseconds(500))
    let hung = Task {
      try await lane.run {
        lane.works(on: "/dev/shm/a.wav")
        gate.pass()
      }
    }
    let behind = Task { try await lane.run { 1 } }
    isEnding.store(true, ordering: .relaxed)
    for waiting in [Task { _ = try await behind.value }, hung] {
      let error = await #expect(throws: DiskSilence.self) { try await waiting.value }
      #expect(error?.path == "/dev/shm/a.wav" && error?.time ?? .zero >= .seconds(2))
    }
    await #expect(throws: DiskSilence.self) { try await lane.run {} }
    gate.open()
  }

  @Test("threads end with those who use them, also when the last one lets go on such a thread")
  func letGo() async throws {
    weak var known: DiskThreads?
    do {
      let threads = try DiskThreads()
      known = threads
      let lane = threads.lane()
      try await lane.run {}
      lane.submit { usleep(20_000) }
    }
    for _ in 0..<500 where known != nil { try await Task.sleep(for: .milliseconds(10)) }
    #expect(known == nil)
  }

  @Test(
    "a sink that hangs loses what it has to say, exactly told, and its graph ends; the one beside it has everything"
  )
  func graph() async throws {
    let (gate, bench) = (HeldFile(), Bench())
    let world = TestWorld(resources: [gate, bench])
    let graph = try GraphHarness(
      "heard = counting 30 | listen\nheard | hung\nheard | collect",
      catalogue: stages.adding(Hung.self), world: world)
    let began = Instant.now()
    let failures = try await graph.run()
    #expect(Instant.now().duration(since: began) < .seconds(60))
    #expect(failures.map(\.title) == ["hung"] && failures.first?.error.code == .inputOutput)
    #expect(failures.first?.error.message.contains("/dev/shm/x has not answered for") == true)
    let lost = world.notices.first { $0.notice == "dropped" }?.details.first?.value.doubleValue ?? 0
    #expect(
      Int(lost) + 1 == bench.read { $0.events["collect"]?.count ?? 0 },
      "the one in the call, and those that waited for it")
    gate.open()
  }

  /// A sink whose disk takes nothing.
  private struct Hung: EventSink {
    static let description = StageDescription<Hung>("hung", "Hangs.")
    private var context: StageContext?

    mutating func open(_ context: StageContext) async throws { self.context = context }
    mutating func write(_ event: Event) async throws {
      let gate = context?.resource(HeldFile.self)
      try await context?.disk.run { [context] in
        context?.disk.works(on: "/dev/shm/x")
        gate?.pass()
      }
    }
    mutating func finish() async throws {}
  }
}
