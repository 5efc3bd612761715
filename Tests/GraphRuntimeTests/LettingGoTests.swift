import FluxGraph
import GraphLanguage
import StageTesting
import Synchronization
import Testing

@testable import GraphRuntime

/// A sink that takes commands, with all it has.
private struct Commanded: EventSink {
  static let description = StageDescription<Commanded>("commanded", "Takes commands.")

  mutating func open(_ context: StageContext) async throws {
    let keeper = context.resource(Keeper.self)
    let held = Held()
    keeper?.held.withLock { $0 = WeakHeld(held) }
    // The handler holds the context, which holds the way to the directory of handlers.
    context.onCommand { _ in StageReply(isAccepted: true, "\(context.name) \(held)") }
  }

  mutating func write(_ event: Event) async throws {}
  mutating func finish() async throws {}
}

private final class Held: Sendable {}

private struct WeakHeld: Sendable {
  weak let object: Held?
  init(_ object: Held) { self.object = object }
}

private final class Keeper: Sendable {
  let held = Mutex<WeakHeld?>(nil)
}

/// A process may run thousands of graphs, one after the other.
@Suite struct LettingGoTests {
  @Test(
    "nothing of a graph that has ended is kept, on threads of its own or on shared ones",
    arguments: [false, true])
  func memory(_ shared: Bool) async throws {
    let (bench, keeper) = (Bench(), Keeper())
    let world = TestWorld(resources: [bench, keeper])
    let workers = shared ? try AudioWorkers(most: 2) : nil
    weak var graph: RunningGraph?
    do {
      let text = "heard = counting 30 | listen\nheard | commanded\nheard | collect"
      let source = GraphSource(name: "t", text: text, directory: ".")
      let plan = try #require(Checker(catalogue: stages.adding(Commanded.self)).check(source).plan)
      var services = world.services(clock: SystemClock(), disk: try DiskThreads())
      services.workers = workers
      let running = RunningGraph(plan, services: services)
      graph = running
      #expect(try await running.run().isEmpty)
      let report = running.statistics
      #expect(report.parts.allSatisfy { $0.state == .ended } && report.parts.count == 4)
      #expect(report.parts.first { $0.kind == .recogniser }?.seconds == report.seconds)
      #expect(report.latency.count == UInt64(2 * report.turns) && report.turns > 0)
    }
    // The last task may be about to return.
    for _ in 0..<1_000 where graph != nil || keeper.held.withLock({ $0?.object }) != nil {
      try await Task.sleep(for: .milliseconds(1))
    }
    #expect(graph == nil)
    #expect(keeper.held.withLock { $0?.object } == nil)
    if let workers { try await BlockingWorker("stop").run { workers.stop() } }
  }
}
