import FluxGraph
import FluxProtocol
import TestSupport
import Testing

@Suite("Fault plans")
struct FaultPlanTests {
  @Test(
    "a fault is a name and its settings",
    arguments: [
      ("refuse", .refuse(status: 503, times: nil, retryAfter: nil)),
      ("refuse status=429 times=2 retry-after=3", .refuse(status: 429, times: 2, retryAfter: 3)),
      ("never-answer", .neverAnswer), ("no-connected", .noConnected), ("stall after=3s", .stall(.after(3))),
      ("stall mid-turn", .stall(.midTurn)), ("drop", .drop(.after(0))),
      ("drop after=500ms", .drop(.after(0.5))),
      ("drop mid-turn", .drop(.midTurn)), ("drop between=eager", .drop(.afterEager)),
      ("drop mid-frame after=1.5s", .dropMidFrame(after: 1.5)), ("drop byte=8k", .dropAtByte(8000)),
      ("close code=1011 after=2s", .close(code: 1011, reason: "", .after(2))),
      ("close code=none reason=bye", .close(code: nil, reason: "bye", .after(0))),
      ("latency=200ms jitter=50ms", .latency(delay: .milliseconds(200), jitter: .milliseconds(50))),
      ("garbage-frame", .insert(.garbageFrame, after: 0)),
      ("oversize-frame bytes=2M after=1m", .insert(.oversizeFrame(bytes: 2_000_000), after: 60)),
      ("bad-utf8", .insert(.badUTF8, after: 0)), ("bad-json", .insert(.badJSON, after: 0)),
      ("unknown-type", .insert(.unknownType, after: 0)), ("wrong-order", .wrongOrder(after: 0)),
      ("duplicate-sequence after=1s", .duplicateSequence(after: 1)),
      ("slow-reader rate=8k", .slowReader(bytesPerSecond: 8000)),
    ] as [(String, Fault.Kind)])
  func kinds(text: String, kind: Fault.Kind) throws {
    let plan = try FaultPlan(parsing: text)
    #expect(plan.faults.map(\.kind) == [kind])
    #expect(FaultPlan.names.contains { text.hasPrefix($0) })
  }

  @Test("faults are separated by semicolons and lines, and have a connection, a chance and a seed")
  func several() throws {
    let plan = try FaultPlan(
      parsing: """
        # the second one is unlucky
        seed=7
        drop after=1s connection=2 ; latency=1s   # slow as well
        stall chance=0.25
        """)
    #expect(plan.seed == 7)
    #expect(plan.faults.map(\.connection) == [2, nil, nil])
    #expect(plan.faults.map(\.chance) == [1, 1, 0.25])
    #expect(plan.faults.map(\.text) == ["drop after=1s connection=2", "latency=1s", "stall chance=0.25"])
  }

  @Test(
    "what is not understood is named",
    arguments: [
      ("explode", "explode"), ("drop after=5", "`after=`"), ("drop when=5s", "when="),
      ("refuse status=200", "200"),
      ("close code=70000", "70000"), ("slow-reader", "rate="), ("drop chance=2", "chance="),
      ("stall now", "now"),
      ("drop between=turns", "turns"), ("latency=fast", "fast"),
      ("refuse times=99999999999999999999", "times="),
      ("seed=1 drop", "drop"),
    ])
  func refusals(text: String, part: String) {
    let error = #expect(throws: FaultError.self) { try FaultPlan(parsing: text) }
    #expect(error?.description.contains(part) == true)
  }

  @Test("random texts never trap", arguments: 1...20 as ClosedRange<UInt64>)
  func mutations(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let text = Array(
      "drop after=5s; refuse status=503 times=2; latency=200ms jitter=5m; seed=3; slow-reader rate=8k".utf8)
    for _ in 0..<100 {
      var bytes = text
      for _ in 0..<4 {
        bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 32...126, using: &random)
      }
      let plan = try? FaultPlan(parsing: String(decoding: bytes, as: UTF8.self))
      #expect((plan?.faults.count ?? 0) <= 12)
    }
  }
}
