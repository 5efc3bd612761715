import FluxGraph
import FluxProtocol
import Testing

@testable import FluxClient
@testable import FluxGraphCLI

/// Every fault the local Flux can be asked for, and what a session makes of it.
@Suite("Faults of the local Flux, by the virtual clock")
struct ServedFaultTests {
  /// A fault, the audio each connection's service heard, the turns that were told, and how the program ends.
  struct Row: Sendable, CustomTestStringConvertible {
    var fault: String
    var liveness = Liveness.finite
    var eager = false
    var attempts: Int?
    /// Seconds without a word of the service after which its connection is given up.
    var stall: Double?
    var sent: [String]
    var turns: [String]
    var notices: [String]
    var exit: Int32 = 0
    /// A part of the error's text.
    var message = ""

    var testDescription: String { "\(liveness == .live ? "live" : "finite"): \(fault)" }
  }

  private static let all = ["0.00-10.00"]
  private static let whole = ["1 one two three", "2 four five six", "3 seven eight nine"]
  private static let first = ["1 one two three [replayed]", "2 four five six", "3 seven eight nine"]
  private static let second = ["1 one two three", "2 four five six [replayed]", "3 seven eight nine"]
  private static let once = ["connection-lost", "reconnected"]

  static let rows: [Row] = [
    Row(
      fault: "", sent: all, turns: whole,
      notices: []),
    Row(
      fault: "", liveness: .live, sent: all, turns: whole,
      notices: []),
    Row(
      fault: "refuse status=503 times=2", sent: ["", "", "0.00-10.00"], turns: whole,
      notices: ["connect-failed", "connect-failed"]),
    Row(
      fault: "refuse status=429 times=1", liveness: .live, sent: ["", "0.00-10.00"], turns: whole,
      notices: ["connect-failed", "backlog", "caught-up"]),
    Row(
      fault: "refuse status=429 times=1 retry-after=20", sent: ["", "0.00-10.00"], turns: whole,
      notices: ["connect-failed"]),
    Row(
      fault: "refuse status=400", sent: [""], turns: [],
      notices: [], exit: 78, message: "400 INVALID_QUERY_PARAMETER"),
    Row(
      fault: "refuse status=401", sent: [""], turns: [],
      notices: [], exit: 77, message: "INVALID_AUTH"),
    Row(
      fault: "refuse status=402", sent: [""], turns: [],
      notices: [], exit: 77, message: "ASR_PAYMENT_REQUIRED"),
    Row(
      fault: "refuse status=403", sent: [""], turns: [],
      notices: [], exit: 77, message: "INSUFFICIENT_PERMISSIONS"),
    Row(
      fault: "refuse status=404", sent: [""], turns: [],
      notices: [], exit: 78, message: "404"),
    Row(
      fault: "refuse status=500", sent: ["", "", ""], turns: [],
      notices: ["connect-failed", "connect-failed"], exit: 69, message: "500"),
    Row(
      fault: "never-answer connection=1", sent: ["", "0.00-10.00"], turns: whole,
      notices: ["connect-failed"]),
    Row(
      fault: "never-answer connection=1", liveness: .live, sent: ["", "0.00-10.00"], turns: whole,
      notices: ["connect-failed", "backlog", "caught-up"]),
    Row(
      fault: "no-connected connection=1", sent: ["", "0.00-10.00"], turns: whole,
      notices: ["connect-failed"]),
    Row(
      fault: "no-connected", sent: ["", "", ""], turns: [],
      notices: ["connect-failed", "connect-failed"], exit: 69, message: "said nothing for 10 s"),
    Row(
      fault: "drop byte=2000 connection=1", sent: ["0.00-2.08", "0.48-10.00"], turns: first,
      notices: once),
    Row(
      fault: "drop mid-frame after=4.5s connection=1", sent: ["0.00-4.56", "3.44-10.00"], turns: second,
      notices: once),
    Row(
      fault: "drop mid-turn connection=1", sent: ["0.00-1.60", "0.48-10.00"], turns: first,
      notices: once),
    Row(
      fault: "drop mid-turn connection=1", liveness: .live, sent: ["0.00-1.60", "1.36-10.00"],
      turns: ["1 one [disconnected]", "2 two three", "3 four five six", "4 seven eight nine"],
      notices: once),
    Row(
      fault: "drop between=eager connection=1", eager: true, sent: ["0.00-2.40", "0.48-10.00"], turns: first,
      notices: once),
    Row(
      fault: "drop between=eager connection=1", liveness: .live, eager: true,
      sent: ["0.00-2.40", "2.40-10.00"],
      turns: ["1 one two three [disconnected]", "2 four five six", "3 seven eight nine"],
      notices: once),
    Row(
      fault: "drop after=5s", sent: ["0.00-5.04", "3.44-8.48", "6.48-10.00"],
      turns: ["1 one two three", "2 four five six [replayed]", "3 seven eight nine [replayed]"],
      notices: ["connection-lost", "reconnected", "connection-lost", "reconnected"]),
    Row(
      fault: "slow-reader rate=24k", sent: all, turns: whole,
      notices: []),
    Row(
      fault: "slow-reader rate=24k", liveness: .live, sent: all, turns: whole,
      notices: []),
    Row(
      fault: "garbage-frame after=4.5s connection=1", sent: ["0.00-4.56", "3.44-10.00"], turns: second,
      notices: once),
    Row(
      fault: "oversize-frame after=4.5s connection=1", liveness: .live, sent: ["0.00-4.56", "4.32-10.00"],
      turns: ["1 one two three", "2 four [disconnected]", "3 five six", "4 seven eight nine"],
      notices: once),
    Row(
      fault: "bad-utf8 after=4.5s connection=1", sent: ["0.00-4.56", "3.44-10.00"], turns: second,
      notices: once),
    Row(
      fault: "bad-json after=4.5s", sent: all, turns: whole,
      notices: ["unreadable-message"]),
    Row(
      fault: "unknown-type after=4.5s", sent: all, turns: whole,
      notices: ["unknown-message", "messages-lost"]),
    Row(
      fault: "wrong-order after=4.5s", sent: all, turns: whole,
      notices: ["messages-lost", "messages-lost", "messages-lost"]),
    Row(
      fault: "duplicate-sequence after=4.5s", sent: all, turns: whole,
      notices: ["messages-lost"]),
    Row(
      fault: "latency=300ms jitter=200ms", sent: all, turns: whole,
      notices: []),
    Row(
      fault: "latency=300ms jitter=200ms", liveness: .live, sent: all, turns: whole,
      notices: []),
    Row(
      fault: "close code=none after=4.5s connection=1", sent: ["0.00-4.56", "3.44-10.00"], turns: second,
      notices: once),
    Row(
      fault: "close code=1000 after=4.5s connection=1", sent: ["0.00-4.56", "3.44-10.00"], turns: second,
      notices: once),
    Row(
      fault: "close code=1001 after=4.5s connection=1", liveness: .live, sent: ["0.00-4.56", "4.32-10.00"],
      turns: ["1 one two three", "2 four [disconnected]", "3 five six", "4 seven eight nine"],
      notices: once),
    Row(
      fault: "close code=1008 after=4.5s connection=1", sent: ["0.00-4.56", "3.44-10.00"], turns: second,
      notices: once),
    Row(
      fault: "close code=1011 after=4.5s connection=1", sent: ["0.00-4.56", "3.44-10.00"], turns: second,
      notices: once),
    Row(
      fault: "close code=4000 reason=why after=4.5s", attempts: 1, sent: ["0.00-4.56"],
      turns: ["1 one two three", "2 four [disconnected]"],
      notices: ["not-transcribed"], exit: 69, message: "code 4000 (why)"),
    Row(
      fault: "stall mid-turn connection=1", stall: 2, sent: ["0.00-3.36", "0.48-10.00"], turns: first,
      notices: once),
    Row(
      fault: "stall after=4.5s connection=1", liveness: .live, stall: 2,
      sent: ["0.00-6.32", "4.32-10.00"],
      turns: ["1 one two three", "2 four [disconnected]", "3 five six", "4 seven eight nine"],
      notices: once + ["caught-up"]),
    // The input is over before the service's silence is long enough to be noticed: what it did not speak of is sent again.
    Row(
      fault: "stall mid-turn connection=1", sent: ["0.00-10.00", "0.48-10.00"], turns: first, notices: once),
    Row(
      fault: "stall after=4.5s connection=1", liveness: .live, sent: ["0.00-10.00", "4.32-10.00"],
      turns: ["1 one two three", "2 four [disconnected]", "3 five six", "4 seven eight nine"],
      notices: once + ["caught-up"]),
  ]

  @Test("a fault costs nothing that was within the buffer, and no turn is told twice", arguments: rows)
  func course(_ row: Row) throws {
    let course = FaultCourse(try FaultPlan(parsing: row.fault), liveness: row.liveness, eager: row.eager) {
      $0.limits.attempts = row.attempts
      if let stall = row.stall { $0.limits.stall = .seconds(stall) }
    }
    #expect(course.sent == row.sent)
    #expect(course.turns == row.turns)
    #expect(course.notices == row.notices)
    #expect(course.brokenPromises == [])
    let exit = course.error.map { ExitCode.failure($0.code) } ?? .success
    #expect(exit.rawValue == row.exit)
    if let error = course.error {
      #expect(!row.message.isEmpty && error.description.contains(row.message), "\(error)")
    } else {
      #expect(course.losses == [])
    }
  }
}
