import FluxGraph
import FluxProtocol
import StageTesting
import Testing

@testable import FluxClient

@Suite("Faults of the network and the service")
struct FaultTableTests {
  /// A fault, what each connection was sent of the source, and the turns that came of it. All words of the source are in the
  /// turns, each once: nothing that was within the buffer is lost, nothing is told twice.
  struct Row: Sendable, CustomTestStringConvertible {
    var name: String
    var source = SessionStage.Source()
    var faults: [Fault]
    var sent: [String]
    var turns: [String]
    var notices: [String]
    var testDescription: String { name }
  }

  static let live = SessionStage.Source(liveness: .live)
  static let whole = ["1 one two three", "2 four five six", "3 seven eight nine"]
  static let replayed = ["1 one two three", "2 four five six [replayed]", "3 seven eight nine"]
  static let split = ["1 one two three", "2 four five [disconnected]", "3 six", "4 seven eight nine"]
  static let once = ["connection-lost", "reconnected"]

  static let rows: [Row] = [
    Row(name: "finite: nothing goes wrong", faults: [], sent: ["0.00-10.00"], turns: whole, notices: []),
    Row(
      name: "live: nothing goes wrong", source: live, faults: [], sent: ["0.00-10.00"], turns: whole,
      notices: []),
    Row(
      name: "finite: lost inside a turn", faults: [.cut(after: 4.6)], sent: ["0.00-4.64", "3.44-10.00"],
      turns: replayed, notices: once),
    Row(
      name: "live: lost inside a turn", source: live, faults: [.cut(after: 4.6)],
      sent: ["0.00-4.64", "4.56-10.00"], turns: split, notices: once),
    Row(
      name: "finite: lost between turns", faults: [.cut(after: 3.2)], sent: ["0.00-3.20", "3.12-10.00"],
      turns: whole, notices: once),
    Row(
      name: "live: lost between turns", source: live, faults: [.cut(after: 3.2)],
      sent: ["0.00-3.20", "3.12-10.00"], turns: whole, notices: once),
    Row(
      name: "finite: closed without a code inside a turn", faults: [.closed(after: 4.6, code: nil)],
      sent: ["0.00-4.64", "3.44-10.00"], turns: replayed, notices: once),
    Row(
      name: "live: closed with 1011 inside a turn", source: live, faults: [.closed(after: 4.6, code: 1011)],
      sent: ["0.00-4.64", "4.56-10.00"], turns: split, notices: once),
    Row(
      name: "finite: the service falls silent inside a turn", source: .init(seconds: 20),
      faults: [.stalled(after: 4.6)], sent: ["0.00-4.64", "3.44-20.00"], turns: replayed, notices: once),
    Row(
      name: "live: the service falls silent inside a turn", source: .init(liveness: .live, seconds: 20),
      faults: [.stalled(after: 4.6)], sent: ["0.00-4.64", "4.56-20.00"], turns: split,
      notices: once + ["caught-up"]),
    Row(
      name: "live: the network takes nothing more", source: .init(liveness: .live, seconds: 20),
      faults: [.blocked(after: 4.6)], sent: ["0.00-4.64", "4.56-20.00"], turns: split,
      notices: ["backlog"] + once + ["caught-up"]),
    Row(
      name: "finite: unreachable twice", faults: [.unreachable, .unreachable], sent: ["", "", "0.00-10.00"],
      turns: whole, notices: ["connect-failed", "connect-failed"]),
    Row(
      name: "live: accepted without a greeting", source: live, faults: [.mute], sent: ["", "0.00-10.00"],
      turns: whole, notices: ["connect-failed", "backlog", "caught-up"]),
    Row(
      name: "finite: lost again while a turn is replayed",
      faults: [.cut(after: 4.6), .unreachable, .cut(after: 0.4)],
      sent: ["0.00-4.64", "", "3.44-3.84", "3.44-10.00"], turns: replayed,
      notices: ["connection-lost", "connect-failed", "reconnected", "connection-lost", "reconnected"]),
    Row(
      name: "finite: too many streams, then room",
      faults: [.refused(429, body: #"{"err_code":"TOO_MANY_REQUESTS","err_msg":"Too many"}"#)],
      sent: ["", "0.00-10.00"], turns: whole, notices: ["connect-failed"]),
    Row(
      name: "live: an HTML page with 503, then room", source: live,
      faults: [.refused(503, body: "<html><h1>Bad</h1></html>")], sent: ["", "0.00-10.00"], turns: whole,
      notices: ["connect-failed"]),
    Row(
      name: "finite: an internal error", faults: [.error(after: 4.6, code: "INTERNAL_SERVER_ERROR")],
      sent: ["0.00-4.64", "3.44-10.00"], turns: replayed, notices: once),
    Row(
      name: "finite: lost in every turn", faults: [.cut(after: 1.5), .cut(after: 4), .cut(after: 4)],
      sent: ["0.00-1.52", "0.40-4.40", "3.44-7.44", "6.40-10.00"],
      turns: ["1 one two three [replayed]", "2 four five six [replayed]", "3 seven eight nine [replayed]"],
      notices: once + once + once),
  ]

  @Test("a fault costs nothing that was within the buffer, and no turn is told twice", arguments: rows)
  func recovered(_ row: Row) {
    let stage = SessionStage(row.source, faults: row.faults).runToEnd()
    guard case .good? = stage.outcome else {
      Issue.record("the session ended with \(String(describing: stage.outcome))")
      return
    }
    #expect(stage.intervals == row.sent)
    #expect(stage.turns == row.turns)
    #expect(stage.notices == row.notices)
    #expect(stage.brokenPromises == [])
    // Stream time is the source's own, over all connections.
    #expect(
      stage.places == [
        "one@0.96", "two@1.36", "three@1.76", "four@4.00", "five@4.40", "six@4.80", "seven@6.96",
        "eight@7.36", "nine@7.76",
      ])
  }

  @Test("a turn without word times is replayed from before it was told of", arguments: [4.2, 4.6, 5.3])
  func withoutWordTimes(_ moment: Double) {
    let stage = SessionStage(faults: [.cut(after: moment)], givesWordTimes: false).runToEnd()
    #expect(stage.turns == Self.replayed)
    #expect(stage.brokenPromises == [])
  }

  @Test(
    "what would fail again is not tried again",
    arguments: [
      (
        Fault.refused(400, body: #"{"err_msg":"Unknown query parameters: x"}"#), StageError.Code.badGraph,
        "Unknown query"
      ),
      (
        .refused(401, body: #"{"err_code":"INVALID_AUTH","err_msg":"Invalid credentials."}"#), .refused,
        "INVALID_AUTH"
      ),
      (.refused(402), .refused, "402"), (.refused(403), .refused, "403"), (.refused(404), .badGraph, "404"),
      (
        .error(after: 2, code: "UNPARSABLE_CLIENT_MESSAGE"), .internal,
        "UNPARSABLE_CLIENT_MESSAGE: it says why"
      ),
    ])
  func permanent(_ fault: Fault, _ code: StageError.Code, _ words: String) {
    let stage = SessionStage(faults: [fault]).runToEnd()
    guard case .failed(let error)? = stage.outcome else {
      Issue.record("the session did not fail")
      return
    }
    #expect(error.code == code)
    #expect(error.message.contains(words))
    #expect(stage.connections.count == 1)
    #expect(stage.brokenPromises == [])
  }

  @Test("a service that was never there is given up after three attempts, one that was after ten")
  func givenUp() {
    let never = SessionStage(faults: Array(repeating: .unreachable, count: 20)).runToEnd()
    #expect(never.connections.count == 3)
    let gone = SessionStage(faults: [.cut(after: 4.6)] + Array(repeating: .unreachable, count: 30)).runToEnd()
    #expect(gone.connections.count == 10)
    #expect(gone.turns == ["1 one two three", "2 four five [disconnected] [replayed]"])
    #expect(gone.brokenPromises == [])
    guard case .failed(let error)? = gone.outcome else {
      Issue.record("the session did not fail")
      return
    }
    #expect(error.code == .unavailable)
  }

  @Test("the delays double to 30 s, and begin again after a stable minute")
  func delays() {
    var schedule = ReconnectSchedule(last: .seconds(30), seed: 1)
    let delays = (0..<8).map { _ in schedule.delay(after: nil).seconds }
    for (delay, exact) in zip(delays, [1.0, 2, 4, 8, 16, 30, 30, 30]) {
      #expect((exact * 0.75 - 1e-6...min(30, exact * 1.25) + 1e-6).contains(delay))
    }
    #expect(Set(delays).count > 4)
    #expect(schedule.delay(after: .seconds(59)).seconds > 20)
    #expect(schedule.delay(after: .seconds(60)).seconds < 1.3)
    #expect(schedule.delay(after: nil, minimum: .seconds(77)) == .seconds(77))
  }
}
