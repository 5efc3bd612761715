import FluxGraph
import FluxProtocol
import FluxServer
import Testing

@Suite("Fault injector")
struct FaultInjectorTests {
  /// A session's messages: Connected, two turns' worth of events, one every 0.24 s.
  static let messages: [String] = {
    var messages = [#"{"type":"Connected","request_id":"id","sequence_id":0}"#]
    let events = ["Update", "Update", "StartOfTurn", "Update", "EagerEndOfTurn", "EndOfTurn", "Update"]
    for (index, event) in events.enumerated() {
      let end = Double(index + 1) * 0.24
      messages.append(
        #"{"type":"TurnInfo","event":"\#(event)","turn_index":0,"audio_window_end":\#(end),"sequence_id":\#(index + 1)}"#
      )
    }
    return messages
  }()

  static func frame(_ text: String) -> [UInt8] {
    [0x81] + (text.utf8.count < 126 ? [UInt8(text.utf8.count)] : [126, 0, UInt8(text.utf8.count)])
      + Array(text.utf8)
  }

  static func steps(_ plan: String) throws -> [FaultInjector.Step] {
    var schedule = FaultSchedule(try FaultPlan(parsing: plan))
    let next = schedule.next()
    var injector = try #require(next)
    for message in messages { injector.send(message, now: .zero) }
    injector.finish(now: .zero)
    var steps: [FaultInjector.Step] = []
    while let step = injector.next(now: .seconds(100)) { steps.append(step) }
    return steps
  }

  static func written(_ count: Int) -> [FaultInjector.Step] {
    messages.prefix(count).map { .write(frame($0)) }
  }
  static let end = FaultInjector.Step.close(code: nil, reason: "", cause: nil)

  @Test(
    "the connection is cut in place of the message of that moment",
    arguments: [
      ("drop", 0), ("drop after=0.1s", 1), ("drop after=0.48s", 2), ("drop mid-turn", 4),
      ("drop between=eager", 6),
    ])
  func drops(plan: String, count: Int) throws {
    #expect(try Self.steps(plan) == Self.written(count) + [.drop([], cause: plan)])
  }

  @Test("within a message half of it arrives, or as many bytes as were asked for")
  func cutFrames() throws {
    let second = Self.frame(Self.messages[1])
    #expect(
      try Self.steps("drop mid-frame")
        == Self.written(1) + [.drop(Array(second.prefix(second.count / 2)), cause: "drop mid-frame")])
    let limit = Self.frame(Self.messages[0]).count + 5
    #expect(
      try Self.steps("drop byte=\(limit)")
        == Self.written(1) + [.drop(Array(second.prefix(5)), cause: "drop byte=\(limit)")])
  }

  @Test("a stall says nothing more, not even the end; without Connected there is nothing at all")
  func silence() throws {
    #expect(try Self.steps("stall after=0.5s") == Self.written(3))
    #expect(try Self.steps("stall mid-turn") == Self.written(4))
    #expect(try Self.steps("no-connected") == [])
  }

  @Test(
    "a close has its code", arguments: [("1011", 1011), ("4000", 4000), ("none", nil)] as [(String, Int?)])
  func closes(text: String, code: Int?) throws {
    let plan = "close code=\(text) reason=why after=0.3s"
    #expect(try Self.steps(plan) == Self.written(2) + [.close(code: code, reason: "why", cause: plan)])
  }

  @Test(
    "an intruder comes once, behind Connected, and all messages arrive",
    arguments: ["garbage-frame", "oversize-frame", "bad-utf8", "bad-json", "unknown-type"])
  func intruders(plan: String) throws {
    var steps = try Self.steps(plan)
    guard case .write = steps.remove(at: 1) else { return #expect(Bool(false)) }
    #expect(steps == Self.written(8) + [Self.end])
    #expect(try Self.steps(plan) == Self.steps(plan), "the same seed gives the same bytes")
  }

  @Test("two messages change places, or one comes twice")
  func order() throws {
    var swapped = Self.written(8)
    swapped.swapAt(3, 4)
    #expect(try Self.steps("wrong-order after=0.7s") == swapped + [Self.end])
    var twice = Self.written(8)
    twice.insert(twice[3], at: 3)
    #expect(try Self.steps("duplicate-sequence after=0.7s") == twice + [Self.end])
  }

  @Test("latency delays each message, jitter keeps the order and comes from the seed")
  func latency() throws {
    func times(_ plan: String) throws -> [Duration] {
      var schedule = FaultSchedule(try FaultPlan(parsing: plan))
      let next = schedule.next()
      var injector = try #require(next)
      for (index, message) in Self.messages.enumerated() {
        injector.send(message, now: .milliseconds(100 * index))
      }
      var times: [Duration] = []
      while let due = injector.deadline {
        #expect(injector.next(now: due - .nanoseconds(1)) == nil)
        #expect(injector.next(now: due) != nil)
        times.append(due)
      }
      return times
    }
    #expect(try times("latency=200ms") == (0..<8).map { .milliseconds(200 + 100 * $0) })
    let jittered = try times("latency=200ms jitter=50ms")
    #expect(
      jittered == jittered.sorted()
        && jittered.allSatisfy { $0 >= .milliseconds(200) && $0 < .milliseconds(950) })
    #expect(try times("latency=200ms jitter=50ms") == jittered)
    #expect(try times("latency=200ms jitter=50ms; seed=2") != jittered)
  }

  @Test("faults are combined")
  func combined() throws {
    let steps = try Self.steps("unknown-type after=0.3s; drop after=0.9s")
    #expect(steps.count == 6 && steps.last == .drop([], cause: "drop after=0.9s"))
  }

  @Test("a fault hits its connections, some by chance, a refusal so many times")
  func schedule() throws {
    func hits(_ plan: String, _ count: Int) throws -> [Bool] {
      var schedule = FaultSchedule(try FaultPlan(parsing: plan))
      return (0..<count).map { _ in schedule.next() != nil }
    }
    #expect(try hits("drop connection=2", 3) == [false, true, false])
    #expect(try hits("refuse times=2", 4) == [true, true, false, false])
    let lucky = try hits("drop chance=0.3", 1000).count { $0 }
    #expect(250...350 ~= lucky)
    #expect(try hits("drop chance=0.5; seed=4", 50) == hits("drop chance=0.5; seed=4", 50))
    #expect(try hits("drop chance=0.5; seed=4", 50) != hits("drop chance=0.5; seed=5", 50))
  }
}
