import FluxGraph
import Platform
import StageTesting
import Testing

@testable import GraphRuntime

/// What the watchdog makes of what it sees.
@Suite struct BlockedStagesTests {
  private typealias Step = BlockedStages.Step
  /// Stands for a chain.
  private let chain = ObjectIdentifier(BlockedStagesTests.self)

  @Test("a step seen for two seconds is told once, and its length once it is over")
  func blocked() {
    var stages = BlockedStages()
    var told: [BlockedStages.Finding] = []
    for second in 0...7 {
      let steps = second < 6 ? [chain: Step(number: 41, stage: "gate")] : [:]
      told += stages.look(steps, now: Instant(nanoseconds: Int64(second) * 1_000_000_000))
    }
    #expect(told == [.blocks(stage: "gate", .seconds(2)), .hasBlocked(stage: "gate", .seconds(6))])
  }

  @Test("a thread that goes on is not told of, however often it is seen at work")
  func busy() {
    var stages = BlockedStages()
    for second in 0...60 {
      let steps = [chain: Step(number: second * 2 + 1, stage: "gate")]
      #expect(stages.look(steps, now: Instant(nanoseconds: Int64(second) * 1_000_000_000)).isEmpty)
    }
  }

  @Test("a stage of events that keeps its thread is told of, and not those the events come from")
  func events() {
    let world = TestWorld()
    let (first, second) = (
      EventStageWatch(world.context(name: "mask")), EventStageWatch(world.context(name: "slow"))
    )
    first.measure { _ in
      second.measure { _ in world.loop.advance(by: .seconds(3)) }
      world.loop.advance(by: .seconds(1))
    }
    #expect(world.notices.map(\.message) == ["slow blocked the thread of its events for 3.0 s"])
    first.measure { _ in
      second.measure { _ in world.loop.advance(by: .seconds(1)) }
      world.loop.advance(by: .seconds(1.5))
    }
    #expect(world.notices.last?.message == "mask blocked the thread of its events for 2.5 s")
  }

  @Test("a stage that blocks its thread does not hide one that blocks another in the same time")
  func beside() async {
    let world = TestWorld()
    let (first, second) = (
      EventStageWatch(world.context(name: "one")), EventStageWatch(world.context(name: "other"))
    )
    first.measure { _ in
      let other = NamedThread("other") { second.measure { _ in world.loop.advance(by: .seconds(3)) } }
      other.join()
    }
    #expect(
      Set(world.notices.map(\.message)) == [
        "one blocked the thread of its events for 3.0 s", "other blocked the thread of its events for 3.0 s",
      ])
  }
}
