import FluxGraph
import FluxProtocol
import StageTesting
import Testing

@testable import FluxClient

@Suite("A process that is stopped for a while")
struct StoppedTests {
  @Test(
    "keeps its connection and its open turn, whenever and however long it is stopped",
    arguments: [0.02, 0.1, 1.5, 2.0, 2.3, 4.6, 9.0], [10.0, 100, 4000])
  func keepsAll(_ moment: Double, _ length: Double) {
    let stage = SessionStage(.init(liveness: .live))
    stage.run(moment)
    stage.stop(length)
    _ = stage.runToEnd()
    #expect(stage.notices == [])
    #expect(stage.services.count == 1)
    #expect(stage.turns == FaultTableTests.whole)
    #expect(stage.intervals == ["0.00-10.00"])
  }

  @Test("still finds a service silent that is, by the time the process runs")
  func silent() throws {
    let stage = SessionStage(.init(liveness: .live, seconds: 60), faults: [.stalled(after: 2)])
    stage.run(4)
    stage.stop(1000)
    stage.run(5.5)
    #expect(!stage.notices.contains("connection-lost"))
    stage.run(4)
    #expect(stage.notices.contains("connection-lost"))
  }

  @Test("waits for the next attempt as long as it runs, and reads what is left to read before it judges")
  func waiting() {
    let stage = SessionStage(.init(liveness: .live), faults: [.unreachable])
    stage.run(0.3)
    stage.stop(500)
    stage.run(0.3)
    #expect(stage.services.count == 1)
    _ = stage.runToEnd()
    #expect(stage.services.count == 2)
    #expect(stage.turns == FaultTableTests.whole)
  }
}
