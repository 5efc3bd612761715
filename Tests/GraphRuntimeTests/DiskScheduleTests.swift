import FluxGraph
import TestSupport
import Testing

@testable import GraphRuntime

@Suite struct DiskScheduleTests {
  private let start = Instant(nanoseconds: 1)
  private var soon: Instant { start.advanced(by: .milliseconds(999)) }
  private var late: Instant { start.advanced(by: .seconds(1)) }

  private func all(_ schedule: inout DiskSchedule<Int>, _ now: Instant) -> [Int] {
    var begun: [Int] = []
    while let id = schedule.next(now: now) { begun.append(id) }
    return begun.sorted()
  }

  @Test("one is at work for each file system, in the order they came")
  func oneEach() {
    var schedule = DiskSchedule<Int>()
    for id in 1...3 { schedule.add(id, on: 7) }
    schedule.add(4, on: 8)
    #expect(all(&schedule, start) == [1, 4])
    schedule.rest(1)
    schedule.add(1, on: 7)
    #expect(all(&schedule, soon) == [2])
    schedule.rest(4)
    schedule.rest(2)
    #expect(all(&schedule, soon) == [3])
    schedule.rest(3)
    #expect(all(&schedule, soon) == [1])
    schedule.rest(1)
    #expect(schedule.isIdle && schedule.count == 0)
  }

  @Test("one that does not come back holds up those of its file system for a second, and no others at all")
  func stuck() {
    var schedule = DiskSchedule<Int>()
    for id in 1...9 { schedule.add(id, on: 7) }
    #expect(all(&schedule, start) == [1])
    #expect(all(&schedule, soon).isEmpty)
    #expect(all(&schedule, late) == [2])
    #expect(all(&schedule, late.advanced(by: .seconds(1))) == [3])
    #expect(all(&schedule, late.advanced(by: .seconds(2))) == [4])
    #expect(all(&schedule, late.advanced(by: .seconds(99))).isEmpty, "no more than a few")
    schedule.add(10, on: 8)
    #expect(all(&schedule, late) == [10])
    schedule.rest(3)
    #expect(all(&schedule, late.advanced(by: .seconds(99))) == [5], "once one has come back there is room")
  }

  @Test("whoever has not said where he writes is at work beside few others, and moves once he has")
  func unnamed() {
    var schedule = DiskSchedule<Int>()
    for id in 1...20 { schedule.add(id, on: nil) }
    #expect(all(&schedule, start) == Array(1...8))
    for id in 1...8 { schedule.move(id, to: 7) }
    #expect(all(&schedule, start) == Array(9...16))
    schedule.add(30, on: 7)
    #expect(all(&schedule, start).isEmpty, "eight of the file system are at work, and none of them is stuck")
    for id in 1...8 { schedule.rest(id) }
    #expect(all(&schedule, start) == [30])
    schedule.rest(1)
    schedule.move(1, to: 9)
    #expect(schedule.count == 9, "whoever rests neither comes back twice nor moves")
  }

  @Test("as many file systems as there may be can hang, and the next one still finds a thread")
  func manyStuck() {
    var schedule = DiskSchedule<Int>()
    for id in 0..<200 { schedule.add(id, on: UInt(id % 20)) }
    var now = start
    for _ in 0..<50 {
      _ = all(&schedule, now)
      now = now.advanced(by: .seconds(1))
    }
    #expect(schedule.count == 20, "what is more than one for each leaves room: \(schedule.count)")
    schedule.add(900, on: 900)
    #expect(all(&schedule, now) == [900])
  }

  @Test("whatever comes, goes and hangs: the bounds hold, nobody is at work twice, and all have their turn")
  func random() {
    var random = SeededGenerator(seed: 5)
    for _ in 0..<200 {
      var schedule = DiskSchedule<Int>()
      var now = start
      var (waiting, working): (Set<Int>, Set<Int>) = ([], [])
      for step in 0..<400 {
        now = now.advanced(by: .milliseconds(.random(in: 0...700, using: &random)))
        if step < 300 {
          let place: UInt? = Bool.random(using: &random) ? nil : .random(in: 0...3, using: &random)
          schedule.add(step, on: place)
          waiting.insert(step)
        }
        for id in all(&schedule, now) { #expect(waiting.remove(id) != nil && working.insert(id).inserted) }
        #expect(schedule.count == working.count && working.count <= DiskSchedule<Int>.limit)
        for id in working where Int.random(in: 0..<3, using: &random) == 0 {
          if Bool.random(using: &random) { schedule.move(id, to: .random(in: 0...3, using: &random)) }
          schedule.rest(id)
          working.remove(id)
        }
      }
      while !waiting.isEmpty {
        for id in working { schedule.rest(id) }
        working = []
        for id in all(&schedule, now) {
          waiting.remove(id)
          working.insert(id)
        }
        if working.isEmpty { break }
      }
      for id in working { schedule.rest(id) }
      #expect(waiting.isEmpty && schedule.isIdle)
    }
  }
}
