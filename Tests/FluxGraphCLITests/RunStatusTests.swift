import FluxGraph
import Testing

@testable import FluxGraphCLI

@Suite struct RunStatusTests {
  private func reply(state: String = "streaming", open: Bool = false, backlog: Double = 0) -> StageReply {
    StageReply(
      isAccepted: true, "",
      details: [("state", .string(state)), ("open", .bool(open)), ("backlog", JSONValue(backlog))])
  }

  @Test("a file has a bar, a share, and the time it will take; live input its stream time")
  func kinds() {
    let file = RunStatus(seconds: 31, fraction: 0.25, answers: [("flux", reply())])
    #expect(
      file.line(columns: 100) == "[=====>              ]   25 %  0:31.0 of about 2:04.0  connected")
    #expect(file.line(columns: 50) == " 25 %  0:31.0  connected")
    let live = RunStatus(
      seconds: 3661.5, fraction: nil, answers: [("heard", reply(open: true, backlog: 12.34))])
    #expect(live.line(columns: 100) == "1:01:01.5  connected, turn open, 12.3 s behind" && live.isTroubled)
    let whole = RunStatus(seconds: 2, fraction: 1.5, answers: [])
    #expect(whole.line(columns: 80) == "[====================]  100 %  0:02.0 of about 0:02.0")
    #expect(RunStatus(seconds: 0, fraction: 0, answers: []).line(columns: 40) == "  0 %  0:00.0")
  }

  @Test("several sessions have their names, those that are over are left out")
  func sessions() {
    let channels = JSONValue.array([
      .object([("state", "streaming"), ("open", true)]), .object([("state", "waiting"), ("backlog", 2.5)]),
    ])
    let status = RunStatus(
      seconds: 5, fraction: nil,
      answers: [
        ("me", reply()), ("them", StageReply(isAccepted: true, "", details: [("channels", channels)])),
        ("old", reply(state: "over")), ("gain", StageReply(isAccepted: true, "")),
      ])
    #expect(
      status.line(columns: 200)
        == "0:05.0  me: connected  them 1: connected, turn open  them 2: disconnected, 2.5 s behind")
    #expect(status.isTroubled)
  }

  @Test("no line reaches the last column", arguments: 1...90)
  func width(columns: Int) {
    let status = RunStatus(seconds: 5, fraction: 0.5, answers: [("日本", reply()), ("b", reply(open: true))])
    #expect(displayColumns(status.line(columns: columns)) <= max(1, columns - 1))
  }
}
