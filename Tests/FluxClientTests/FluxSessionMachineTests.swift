import FluxClient
import FluxGraph
import FluxProtocol
import Testing

/// Something that happens to a session.
enum Happening: Sendable {
  case opened
  case text(String)
  case inputEnds
  case closed(UInt16?, String = "")
  case refused(Int, body: String = "", headers: [String: String] = [:])
  case failed(NetworkFailure.Code)
  case blocked
  /// So many seconds pass.
  case wait(Double)
  case cancelled

  static let connected = Happening.text(#"{"type":"Connected","request_id":"r1","sequence_id":0}"#)

  static func turn(_ event: String, _ transcript: String, trigger: String? = nil) -> Happening {
    let trigger = trigger.map { #","trigger":"\#($0)""# } ?? ""
    return .text(
      #"{"type":"TurnInfo","event":"\#(event)","turn_index":0,"audio_window_start":0,"audio_window_end":1,"#
        + #""transcript":"\#(transcript)","words":[],"end_of_turn_confidence":0.5\#(trigger)}"#)
  }
}

/// A session's course: what happens, and what the machine wants done about it, in words.
struct Course: Sendable, CustomTestStringConvertible {
  var testDescription: String
  var steps: [(Happening, [String])]
  var endsIn: FluxSessionMachine.State

  init(
    _ name: String, endsIn: FluxSessionMachine.State = .over, _ steps: [(Happening, [String])]
  ) {
    testDescription = name
    self.steps = steps
    self.endsIn = endsIn
  }
}

private let greeted: [(Happening, [String])] = [(.opened, []), (.connected, ["audio"])]
private let talking =
  greeted + [(.turn("StartOfTurn", "Hello"), [#"StartOfTurn 1 "Hello""#])]
private let forcing = talking + [(.inputEnds, [#"send {"type":"ForceEndTurn"}"#])]
private let closing = greeted + [(.inputEnds, [#"send {"type":"CloseStream"}"#])]

private let courses = [
  Course(
    "a server that accepts and says nothing is left after 10 s",
    [
      (.opened, []), (.wait(9.9), []),
      (
        .wait(0.1),
        [
          "abort",
          "fail unavailable: host accepted the connection and then said nothing for 10 s, request dg",
        ]
      ),
    ]),
  Course(
    "the end of the input ends the open turn, closes the stream, and the close without a code is a success",
    forcing + [
      (
        .turn("EndOfTurn", "Hello there", trigger: "manual"),
        [#"EndOfTurn 1 "Hello there" final manual"#, #"send {"type":"CloseStream"}"#]
      ),
      (.closed(nil), ["done"]),
    ]),
  Course("a stream without a turn is closed at once", closing + [(.closed(1000), ["done"])]),
  Course(
    "an input that ends before Connected closes the stream as soon as it comes",
    [
      (.opened, []), (.inputEnds, []), (.connected, ["audio", #"send {"type":"CloseStream"}"#]),
      (.inputEnds, []), (.closed(nil), ["done"]),
    ]),
  Course(
    "speech without a StartOfTurn is asked to end as well",
    greeted + [
      (.turn("Update", "Hel"), [#"Update 1 "Hel""#]), (.inputEnds, [#"send {"type":"ForceEndTurn"}"#]),
      (.closed(nil), [#"StartOfTurn 1 "Hel""#, #"EndOfTurn 1 "Hel" local input-ended"#, "done"]),
    ]),
  Course(
    "a warning that no turn is active goes on to CloseStream without a word",
    forcing + [
      (
        .text(#"{"type":"Warning","code":"FORCE_END_TURN_NO_ACTIVE_TURN","description":"none"}"#),
        [#"send {"type":"CloseStream"}"#]
      ),
      (.closed(nil), [#"EndOfTurn 1 "Hello" local input-ended"#, "done"]),
    ]),
  Course(
    "any other warning is passed on",
    endsIn: .streaming,
    greeted + [
      (
        .text(#"{"type":"Warning","code":"SLOW","description":"take care"}"#),
        ["notice service-warning: host sent the warning SLOW: take care, request r1"]
      )
    ]),
  Course(
    "a server that does not know ForceEndTurn has its turn ended here, in good order",
    forcing + [
      (
        .text(#"{"type":"Error","code":"UNPARSABLE_CLIENT_MESSAGE","description":"what?"}"#),
        [#"EndOfTurn 1 "Hello" local input-ended"#, "abort", "done"]
      )
    ]),
  Course(
    "a server that does not answer ForceEndTurn gets CloseStream after 5 s",
    forcing + [
      (.wait(4.9), []),
      (.wait(0.1), [#"EndOfTurn 1 "Hello" local input-ended"#, #"send {"type":"CloseStream"}"#]),
      (.closed(nil), ["done"]),
    ]),
  Course(
    "a server that does not answer CloseStream is left after 10 s, with a notice",
    closing + [
      (.wait(9.9), []),
      (
        .wait(0.1),
        ["notice close-timeout: host did not close the stream within 10 s", "abort", "done"]
      ),
    ]),
  Course(
    "a connection lost within a turn ends it as disconnected and fails",
    talking + [
      (
        .failed(.connectionLost),
        [#"EndOfTurn 1 "Hello" local disconnected"#, "fail unavailable: it broke, request r1"]
      )
    ]),
  Course(
    "a close in the middle of the stream fails with its code and reason",
    talking + [
      (
        .closed(1011, "oops"),
        [
          #"EndOfTurn 1 "Hello" local disconnected"#,
          "fail unavailable: host closed the connection with code 1011 (oops), request r1",
        ]
      )
    ]),
  Course(
    "a close without a code in the middle of the stream fails as well",
    greeted + [(.closed(nil), ["fail unavailable: host closed the connection with no code, request r1"])]),
  Course(
    "a connection that breaks after CloseStream has nothing more to lose",
    closing + [(.failed(.connectionLost), ["done"])]),
  Course(
    "a connection that cannot be made fails", [(.failed(.nameNotFound), ["fail unavailable: it broke"])]),
  Course(
    "a fatal error ends the turn and is told in the service's words",
    talking + [
      (
        .text(#"{"type":"Error","code":"INTERNAL_SERVER_ERROR","description":"sorry"}"#),
        [
          #"EndOfTurn 1 "Hello" local disconnected"#, "abort",
          "fail unavailable: host sent the error INTERNAL_SERVER_ERROR: sorry, request r1",
        ]
      )
    ]),
  Course(
    "a message the server could not read is a fault of this program",
    greeted + [
      (
        .text(#"{"type":"Error","code":"UNPARSABLE_CLIENT_MESSAGE"}"#),
        ["abort", "fail internal: host sent the error UNPARSABLE_CLIENT_MESSAGE, request r1"]
      )
    ]),
  Course(
    "unknown and unreadable messages are told and change nothing", endsIn: .streaming,
    greeted + [
      (
        .text(#"{"type":"Heartbeat","ts":1}"#),
        ["notice unknown-message: host sent a message of an unknown type, Heartbeat"]
      ),
      (
        .text(#"{"event":"x"}"#),
        ["notice unknown-message: host sent a message of an unknown type, without a name"]
      ),
      (.text("[]"), ["notice unreadable-message: host: the service sent JSON that is not an object"]),
      (
        .text(#"{"type":"ConfigureSuccess"}"#), []
      ),
      (.connected, ["notice messages-lost: host: sequence_id is 0 where 4 was due"]),
    ]),
  Course(
    "a network that takes nothing ends the session",
    talking + [
      (
        .blocked,
        [
          #"EndOfTurn 1 "Hello" local disconnected"#, "abort",
          "fail unavailable: host has taken no audio for 5 s, request r1",
        ]
      )
    ]),
  Course(
    "cancelling ends the turn and drops the connection",
    talking + [(.cancelled, [#"EndOfTurn 1 "Hello" local input-ended"#, "abort", "done"])]),
  Course("cancelling before the connection stands leaves nothing behind", [(.cancelled, ["abort", "done"])]),
  Course(
    "after the end nothing has an effect",
    closing + [
      (.closed(nil), ["done"]), (.closed(nil), []), (.failed(.other), []), (.connected, []), (.blocked, []),
      (.inputEnds, []), (.cancelled, []), (.wait(1000), []), (.opened, []), (.refused(500), []),
    ]),
  Course(
    "a gap in the message numbers is told", endsIn: .streaming,
    greeted + [
      (
        .text(#"{"type":"ConfigureSuccess","sequence_id":5}"#),
        ["notice messages-lost: host: sequence_id is 5 where 1 was due"]
      )
    ]),
]

@Suite struct FluxSessionMachineTests {
  @Test("every course of a session is as the table says", arguments: courses)
  func course(_ course: Course) {
    var session = Played()
    for (index, (happening, expected)) in course.steps.enumerated() {
      #expect(session.play(happening) == expected, "step \(index + 1)")
    }
    #expect(session.machine.state == course.endsIn)
  }

  @Test(
    "refused upgrades keep the service's words and have the exit code of what can be done about them",
    arguments: [
      (400, "badGraph"), (401, "refused"), (402, "refused"), (403, "refused"), (404, "badGraph"),
      (429, "unavailable"), (500, "unavailable"), (503, "unavailable"),
    ])
  func refusals(status: Int, code: String) {
    var session = Played()
    let body = #"{"err_code":"NOPE","err_msg":"Not today.","request_id":"r9"}"#
    let expected =
      "fail \(code): host: the service refused the connection with status \(status) NOPE: Not today. (request r9)"
    #expect(session.play(.refused(status, body: body)) == [expected])
    #expect(session.machine.state == .over)
    #expect((session.help != nil) == [401, 403, 404].contains(status))
  }

  @Test("turn events on the second half of a timeline are shifted by the connection's offset")
  func offset() {
    var machine = FluxSessionMachine(host: "host")
    _ = machine.opened(requestID: nil, offset: 12.5, now: Instant(nanoseconds: 0))
    guard case .text(let connected) = Happening.connected,
      case .text(let turn) = Happening.turn("StartOfTurn", "a")
    else { return }
    _ = machine.received(Array(connected.utf8), now: Instant(nanoseconds: 0))
    let actions = machine.received(Array(turn.utf8), now: Instant(nanoseconds: 0))
    guard case .emit(let event)? = actions.first else {
      Issue.record("no event")
      return
    }
    #expect(event.start == 12.5)
    #expect(event.end == 13.5)
  }

  @Test("no text of a server, however broken, stops the machine")
  func mutations() {
    var generator = SplitMix64(seed: 7)
    let texts: [[UInt8]] = courses.flatMap { course in
      course.steps.compactMap { if case .text(let text) = $0.0 { Array(text.utf8) } else { nil } }
    }
    for _ in 0..<3000 {
      var text = texts.randomElement(using: &generator)!
      for _ in 0..<Int.random(in: 1...4, using: &generator) {
        let index = Int.random(in: 0..<text.count, using: &generator)
        switch Int.random(in: 0..<3, using: &generator) {
        case 0: text[index] = UInt8.random(in: 0...255, using: &generator)
        case 1: text.remove(at: index)
        default: text.insert(contentsOf: Array("9e99".utf8), at: index)
        }
        if text.isEmpty { text = [0] }
      }
      var session = Played()
      _ = session.play(.opened)
      _ = session.play(.connected)
      _ = session.machine.received(text, now: session.now)
      _ = session.play(.closed(nil))
      #expect(session.machine.state == .over)
    }
  }
}

/// A machine and its clock.
private struct Played {
  var machine = FluxSessionMachine(host: "host")
  var now = Instant(nanoseconds: 0)
  var help: String?

  mutating func play(_ happening: Happening) -> [String] {
    let actions =
      switch happening {
      case .opened: machine.opened(requestID: "dg", offset: 0, now: now)
      case .text(let text): machine.received(Array(text.utf8), now: now)
      case .inputEnds: machine.inputEnded(now: now)
      case .closed(let code, let reason): machine.closed(code: code, reason: reason, now: now)
      case .refused(let status, let body, let headers):
        machine.refused(RefusedUpgrade(status: status, header: { headers[$0] }, body: Array(body.utf8)))
      case .failed(let code): machine.failed(NetworkFailure(code, "it broke"))
      case .blocked: machine.sendBlocked()
      case .cancelled: machine.cancel()
      case .wait(let seconds):
        {
          now = now.advanced(by: .seconds(seconds))
          return machine.timeout(now: now)
        }()
      }
    return actions.map { words($0) }
  }

  private mutating func words(_ action: FluxSessionMachine.Action) -> String {
    switch action {
    case .emit(let event):
      let end =
        event.kind == .endOfTurn
        ? " \(event.isFinal ? "final" : "local") \(event.trigger?.rawValue ?? "-")" : ""
      return "\(event.kind) \(event.turn) \"\(event.transcript)\"\(end)"
    case .notice(let notice): return "notice \(notice.notice): \(notice.message)"
    case .send(let text): return "send \(text)"
    case .startAudio: return "audio"
    case .abort: return "abort"
    case .finish(nil): return "done"
    case .finish(let error?):
      help = error.help
      return "fail \(error.code): \(error.message)"
    }
  }
}

/// Vigna's SplitMix64: the same numbers on every run.
struct SplitMix64: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
