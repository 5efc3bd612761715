import FluxGraph
import StageTesting
import Testing

/// What a stage finds in its context beside the network: the log and the metrics.
@Suite struct StageWorldTests {
  @Test("a line of the log carries the stage's word, its name, the level and the time")
  func log() {
    let world = TestWorld()
    let context = world.context(name: "heard")
    context.log.warning("the level is \(3)")
    #expect(
      world.logged == [
        LogEntry(
          level: .warning, category: "heard", stage: "heard", time: world.loop.wallTime(),
          message: "the level is 3")
      ])
  }

  @Test("a line that is not wanted is not put together")
  func unwanted() {
    let log = StageLog(
      category: "gain", stage: "gain", sink: StandardErrorLog(upTo: .warning), clock: SystemClock())
    var built = 0
    let line = { () -> String in
      built += 1
      return "never"
    }
    log.info(line())
    log.debug(line())
    #expect(built == 0)
    #expect(log.isEnabled(.error) && log.isEnabled(.warning) && !log.isEnabled(.info))
  }

  @Test("metrics keep their values, and the same name is the same metric")
  func metrics() {
    let world = TestWorld()
    let metrics = world.context(name: "quiet").metrics
    let clipped = metrics.counter("clipped_frames_total", "Frames at full scale.")
    clipped.add(2)
    metrics.counter("clipped_frames_total", "Frames at full scale.").add()
    metrics.gauge("level_decibels", "The last block's level.").set(-12.5)
    world.context(name: "other").metrics.counter("clipped_frames_total", "Frames at full scale.").add(7)
    let samples = world.metrics.samples
    #expect(samples.map(\.name) == ["clipped_frames_total", "level_decibels", "clipped_frames_total"])
    #expect(samples.map(\.value) == [3, -12.5, 7])
    #expect(samples.map(\.kind) == [.counter, .gauge, .counter])
    #expect(samples.map(\.stage) == ["quiet", "quiet", "other"])
  }
}
