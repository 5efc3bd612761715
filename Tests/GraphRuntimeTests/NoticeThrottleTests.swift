import FluxGraph
import StageTesting
import Synchronization
import TestSupport
import Testing

@testable import GraphRuntime

@Suite struct NoticeThrottleTests {
  private func at(_ seconds: Double) -> Instant {
    Instant(nanoseconds: 0).advanced(by: .milliseconds(Int64(seconds * 1000)))
  }

  private func told(
    _ word: String = "unknown-message", _ message: String = "what is this", stream: String? = "heard",
    location: String? = "a.graph:1:1"
  ) -> NoticeThrottle.Told {
    .init(notice: Notice(word, message, severity: .warning, stream: stream), location: location)
  }

  private func heldBack(_ notice: Notice) -> Int? {
    notice.details.first { $0.name == "held_back" }?.value.intValue
  }

  @Test("a hundred of the same word come as two in ten seconds, the second with how many there were between")
  func flood() {
    var throttle = NoticeThrottle()
    #expect(throttle.offer(told(), now: at(0)) != nil && throttle.deadline == nil)
    for number in 1...99 {
      #expect(throttle.offer(told("unknown-message", "number \(number)"), now: at(0.01)) == nil)
    }
    #expect(throttle.deadline == at(10) && throttle.due(now: at(9.9)).isEmpty)
    let due = throttle.due(now: at(10))
    #expect(due.count == 1 && due[0].notice.message == "number 99 (98 more of these were held back)")
    #expect(heldBack(due[0].notice) == 98)
    // The next ten seconds begin with it.
    #expect(throttle.offer(told(), now: at(19.9)) == nil)
    #expect(throttle.due(now: at(20)).map(\.notice.message) == ["what is this"])
    #expect(throttle.due(now: at(30)).isEmpty && throttle.deadline == nil)
    #expect(throttle.offer(told(), now: at(31)) != nil)
  }

  @Test("words, stages and places do not hold back each other, nor is what a program prints held back")
  func keys() {
    var throttle = NoticeThrottle()
    let different = [
      told(), told("gap"), told("gap", stream: "other"), told("gap", location: "a.graph:2:1"),
      told("gap", stream: nil, location: nil),
    ]
    for one in different { #expect(throttle.offer(one, now: at(0)) != nil) }
    for one in different { #expect(throttle.offer(one, now: at(1)) == nil) }
    for word in ["stdout", "stderr", "failed"] {
      for _ in 0..<20 { #expect(throttle.offer(told(word), now: at(1)) != nil) }
    }
    #expect(throttle.end().count == different.count && throttle.end().isEmpty)
  }

  @Test("at any time a word has passed once in ten seconds at most, and none is left out of the count")
  func random() {
    for seed in 0..<50 as Range<UInt64> {
      var random = SeededGenerator(seed: seed)
      var throttle = NoticeThrottle()
      var clock = 0.0
      var passed: [String: [Double]] = [:]
      var counted = 0
      func pass(_ all: [NoticeThrottle.Told]) {
        for one in all {
          passed[one.notice.notice, default: []].append(clock)
          counted += 1 + (heldBack(one.notice) ?? 0)
        }
      }
      for _ in 0..<500 {
        clock += Double.random(in: 0...3, using: &random)
        if let deadline = throttle.deadline, deadline <= at(clock) { pass(throttle.due(now: at(clock))) }
        let word = ["a", "b", "c"].randomElement(using: &random)!
        if let one = throttle.offer(told(word), now: at(clock)) { pass([one]) }
      }
      for times in passed.values {
        #expect(zip(times, times.dropFirst()).allSatisfy { $1 - $0 >= 9.999 })
      }
      pass(throttle.end())
      #expect(counted == 500, "seed \(seed)")
    }
  }

  @Test("a message with a whole page of somebody else's in it is cut")
  func long() {
    var throttle = NoticeThrottle()
    let page = String(repeating: "é", count: 100_000)
    let message = throttle.offer(told("service-warning", page), now: at(0))?.notice.message
    #expect(message?.count == NoticeThrottle.longest + 1 && message?.last == "…")
    #expect("short".excerpt() == "short" && page.excerpt().count == 201)
    #expect(String(repeating: "x", count: 200).excerpt().count == 200)
  }

  @Test("all are counted at once; those held back are told by time, or at the end")
  func gate() throws {
    let world = TestWorld()
    let counted = Mutex(0)
    var services = world.services(clock: world.loop, disk: try DiskThreads())
    services.noticed = { _ in counted.withLock { $0 += 1 } }
    let gate = NoticeGate(services)
    for _ in 0..<50 { gate.tell(Notice("gap", "a gap", stream: "heard"), nil) }
    #expect(counted.withLock { $0 } == 50 && world.notices.count == 1)
    world.loop.advance(by: .seconds(11))
    #expect(world.notices.count == 2 && heldBack(world.notices[1]) == 48)
    gate.tell(Notice("gap", "the last", stream: "heard"), nil)
    gate.end()
    #expect(world.notices.map(\.message).last == "the last")
  }
}
