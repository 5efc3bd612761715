import FluxGraph
import FluxProtocol
import FluxServer
import TestSupport
import Testing

/// Faults as the `websockets` client of Python sees them; without it there is nobody to see them.
@Suite("Faulty server", .enabled(if: Peers.havePython))
struct FaultyServerTests {
  static let words = [
    RecognisedWord(text: "hello", start: 0.3, end: 0.5, confidence: 0.9),
    RecognisedWord(text: "world", start: 0.5, end: 0.8, confidence: 0.9),
  ]

  /// What one client sees after another.
  static func seen(_ plan: String, clients: Int = 1) async throws -> [JSONValue] {
    var options = FluxServer.Options()
    options.words = .script(ScriptedWords(words))
    options.faults = try FaultPlan(parsing: plan)
    var lines: [JSONValue] = []
    _ = try await FluxServerTests().withServer(options) { port in
      for _ in 0..<clients { lines += try await Peers.run(script: "faulty.py", ["\(port)"]) }
    }
    return lines
  }

  static func events(_ line: JSONValue) -> [String] {
    (line["messages"]?.arrayValue ?? []).compactMap { ($0["event"] ?? $0["type"])?.stringValue }
  }

  @Test("without faults the session ends without a code")
  func none() async throws {
    let line = try #require(try await Self.seen("drop connection=2").first)
    #expect(line["end"]?.stringValue == "closed" && line["received"]?.intValue == 1005)
    #expect(Self.events(line).contains("EagerEndOfTurn") && Self.events(line).contains("EndOfTurn"))
  }

  @Test("a refusal has its status, and the third client gets in")
  func refusal() async throws {
    let lines = try await Self.seen("refuse status=503 times=2 retry-after=7", clients: 3)
    #expect(lines.map { $0["status"]?.intValue } == [503, 503, nil])
    #expect(lines[0]["retry"]?.stringValue == "7" && lines[2]["end"]?.stringValue == "closed")
  }

  @Test(
    "an end is what it should be",
    arguments: [
      ("never-answer", "no answer", nil, 0...0), ("no-connected", "silence", nil, 0...0),
      ("stall after=1s", "silence", nil, 2...20), ("drop", "closed", nil, 0...0),
      // A client that fails to write first does not read what had come.
      ("drop after=1s", "closed", nil, 2...20), ("drop mid-frame", "closed", nil, 0...1),
      ("drop byte=200", "closed", nil, 0...1), ("drop mid-turn", "closed", nil, 1...20),
      ("close code=1011 after=1s", "closed", 1011, 2...20), ("close code=4001", "closed", 4001, 0...0),
    ] as [(String, String, Int?, ClosedRange<Int>)])
  func ends(plan: String, end: String, code: Int?, messages: ClosedRange<Int>) async throws {
    let line = try #require(try await Self.seen(plan).first)
    #expect(line["end"]?.stringValue == end)
    #expect(line["received"]?.intValue == code)
    #expect(messages.contains(Self.events(line).count))
  }

  @Test("between EagerEndOfTurn and EndOfTurn the connection is gone")
  func eager() async throws {
    let line = try #require(try await Self.seen("drop between=eager").first)
    #expect(Self.events(line).last == "EagerEndOfTurn" && line["received"]?.intValue == nil)
  }

  @Test(
    "a client that checks closes with the code of what was wrong",
    arguments: [("garbage-frame", 1002), ("oversize-frame", 1009), ("bad-utf8; stall after=1s", 1007)])
  func wrongFrames(plan: String, code: Int) async throws {
    let line = try #require(try await Self.seen(plan).first)
    #expect(line["sent"]?.intValue == code)
  }

  @Test("wrong messages come in well-formed frames")
  func wrongMessages() async throws {
    let plan = "bad-json; unknown-type after=0.3s; wrong-order after=0.6s; duplicate-sequence after=1.5s"
    let line = try #require(try await Self.seen(plan).first)
    #expect(line["received"]?.intValue == 1005)
    let events = Self.events(line)
    #expect(events[1] == "?" && events.contains("SomeFutureFeature"))
    let numbers = (line["messages"]?.arrayValue ?? []).compactMap { $0["sequence_id"]?.intValue }
    #expect(Set(numbers).count == numbers.count - 1, "one number twice")
    #expect(numbers != numbers.sorted(), "two places changed")
  }

  @Test("latency delays the end as well, a slow reader takes its time")
  func slowness() async throws {
    let late = try #require(try await Self.seen("latency=300ms jitter=100ms").first)
    #expect((late["seconds"]?.doubleValue ?? 0) >= 0.3 && late["received"]?.intValue == 1005)
    // 64 KB at 100 kB a second.
    let slow = try #require(try await Self.seen("slow-reader rate=100k").first)
    #expect((slow["seconds"]?.doubleValue ?? 0) >= 0.5 && slow["received"]?.intValue == 1005)
  }
}
