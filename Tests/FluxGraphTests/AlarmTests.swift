import FluxGraph
import StageTesting
import Testing

@Suite struct AlarmTests {
  private let world = TestWorld()

  /// The wakes there have been after so many milliseconds more.
  private func wakes(after milliseconds: Int) -> Int {
    world.loop.advance(by: .milliseconds(milliseconds))
    return world.wakes
  }

  private func set(_ alarm: Alarm, in milliseconds: Int) {
    alarm.set(world.loop.now().advanced(by: .milliseconds(milliseconds)))
  }

  @Test("a stage is woken at the time, once, and then only if it sets the alarm again")
  func wakes() {
    let alarm = Alarm(world.context())
    set(alarm, in: 50)
    #expect(wakes(after: 49) == 0)
    #expect(wakes(after: 1) == 1)
    #expect(wakes(after: 1_000) == 1)
    set(alarm, in: 50)
    #expect(wakes(after: 50) == 2)
  }

  @Test("an earlier time counts; a later one is for the stage to set again when it is woken")
  func order() {
    let alarm = Alarm(world.context())
    set(alarm, in: 50)
    _ = wakes(after: 1)
    set(alarm, in: 10)
    #expect(wakes(after: 10) == 1)
    _ = wakes(after: 1_000)
    let before = world.wakes
    set(alarm, in: 50)
    _ = wakes(after: 1)
    set(alarm, in: 100)
    #expect(wakes(after: 49) == before + 1)
  }

  @Test("a thousand settings make one timer")
  func many() {
    let alarm = Alarm(world.context())
    for milliseconds in 1...1_000 { set(alarm, in: 50 + milliseconds) }
    _ = wakes(after: 0)
    for _ in 1...1_000 {
      set(alarm, in: 5_000)
      _ = wakes(after: 0)
    }
    #expect(wakes(after: 10_000) == 1)
  }
}
