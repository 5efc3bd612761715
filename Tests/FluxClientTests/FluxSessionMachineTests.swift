import FluxGraph
import FluxProtocol
import Testing

@testable import FluxClient

/// Something that happens to a session.
enum Happening: Sendable {
  case opened
  case text(String)
  case inputEnds
  case closed(UInt16?, String = "")
  case refused(Int, body: String = "")
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

  init(_ name: String, endsIn: FluxSessionMachine.State = .over, _ steps: [(Happening, [String])]) {
    testDescription = name
    self.steps = steps
    self.endsIn = endsIn
  }

  private static let greeted: [(Happening, [String])] = [(.opened, []), (.connected, [])]
  private static let talking = greeted + [(.turn("StartOfTurn", "Hello"), [#"StartOfTurn 1 "Hello""#])]
  private static let forcing = talking + [(.inputEnds, [#"send {"type":"ForceEndTurn"}"#])]
  private static let closing = greeted + [(.inputEnds, [#"send {"type":"CloseStream"}"#])]

  static let ends = [
    Course(
      "the end of the input ends the open turn, closes the stream, and the close without a code is a success",
      forcing + [
        (
          .turn("EndOfTurn", "Hello there", trigger: "manual"),
          [#"EndOfTurn 1 "Hello there" final manual"#, #"send {"type":"CloseStream"}"#]
        ),
        (.closed(nil), ["abort", "done"]),
      ]),
    Course("a stream without a turn is closed at once", closing + [(.closed(1000), ["abort", "done"])]),
    Course(
      "an input that ends before Connected closes the stream as soon as it comes",
      [
        (.opened, []), (.inputEnds, []), (.connected, [#"send {"type":"CloseStream"}"#]), (.inputEnds, []),
        (.closed(nil), ["abort", "done"]),
      ]),
    Course(
      "speech without a StartOfTurn is asked to end as well",
      greeted + [
        (.turn("Update", "Hel"), [#"Update 1 "Hel""#]), (.inputEnds, [#"send {"type":"ForceEndTurn"}"#]),
        (.closed(nil), [#"StartOfTurn 1 "Hel""#, #"EndOfTurn 1 "Hel" local input-ended"#, "abort", "done"]),
      ]),
    Course(
      "a warning that no turn is active goes on to CloseStream without a word",
      forcing + [
        (
          .text(#"{"type":"Warning","code":"FORCE_END_TURN_NO_ACTIVE_TURN","description":"none"}"#),
          [#"send {"type":"CloseStream"}"#]
        ),
        (.closed(nil), [#"EndOfTurn 1 "Hello" local input-ended"#, "abort", "done"]),
      ]),
    Course(
      "a turn that ends by itself while it is asked to ends without a warning",
      forcing + [
        (
          .turn("EndOfTurn", "Hello there", trigger: "model"),
          [#"EndOfTurn 1 "Hello there" final model"#, #"send {"type":"CloseStream"}"#]
        ),
        (.text(#"{"type":"Warning","code":"FORCE_END_TURN_NO_ACTIVE_TURN","description":"none"}"#), []),
        (.closed(nil), ["abort", "done"]),
      ]),
    Course(
      "a service that does not answer ForceEndTurn gets CloseStream after 5 s",
      forcing + [
        (.wait(4.9), []),
        (.wait(0.1), [#"EndOfTurn 1 "Hello" local input-ended"#, #"send {"type":"CloseStream"}"#]),
        (.closed(nil), ["abort", "done"]),
      ]),
    Course(
      "a service that does not answer CloseStream is left after 10 s, with a notice",
      closing + [
        (.wait(9.9), []),
        (
          .wait(0.1),
          ["notice close-timeout: host did not close the stream within 10 s", "abort", "done"]
        ),
      ]),
    Course(
      "a connection that breaks after CloseStream has nothing more to lose",
      closing + [(.failed(.connectionLost), ["abort", "done"])]),
    Course(
      "cancelling before the connection stands leaves nothing behind", [(.cancelled, ["abort", "done"])]),
    Course(
      "after the end nothing has an effect",
      closing + [
        (.closed(nil), ["abort", "done"]), (.closed(nil), []), (.failed(.other), []), (.connected, []),
        (.blocked, []), (.inputEnds, []), (.cancelled, []), (.wait(1000), []), (.opened, []),
        (.refused(500), []),
      ]),
  ]

  static let failures = [
    Course(
      "a close in the middle of the stream is told with its code and reason",
      talking + [
        (
          .closed(1011, "oops"),
          [
            "abort", #"EndOfTurn 1 "Hello" local disconnected"#,
            "fail unavailable: host closed the connection with code 1011 (oops), request r1",
          ]
        )
      ]),
    Course(
      "a close without a code in the middle of the stream is no success",
      greeted + [
        (
          .closed(nil),
          ["abort", "fail unavailable: host closed the connection with no code, request r1"]
        )
      ]),
    Course(
      "a connection that cannot be made is told in the network's words",
      [(.failed(.nameNotFound), ["abort", "fail unavailable: it broke"])]),
    Course(
      "a fatal error ends the turn and is told in the service's words",
      talking + [
        (
          .text(#"{"type":"Error","code":"INTERNAL_SERVER_ERROR","description":"sorry"}"#),
          [
            "abort", #"EndOfTurn 1 "Hello" local disconnected"#,
            "fail unavailable: host sent the error INTERNAL_SERVER_ERROR: sorry, request r1",
          ]
        )
      ]),
  ]

  static let odd = [
    Course(
      "a warning of the service is passed on", endsIn: .streaming,
      greeted + [
        (
          .text(#"{"type":"Warning","code":"SLOW","description":"take care"}"#),
          ["notice service-warning: host sent the warning SLOW: take care, request r1"]
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
        (.connected, ["notice messages-lost: host: sequence_id is 0 where 3 was due"]),
      ]),
    Course(
      "a gap in the message numbers is told", endsIn: .streaming,
      greeted + [
        (
          .text(#"{"type":"Heartbeat","sequence_id":5}"#),
          [
            "notice messages-lost: host: sequence_id is 5 where 1 was due",
            "notice unknown-message: host sent a message of an unknown type, Heartbeat",
          ]
        )
      ]),
  ]
}

/// One connection, step by step. What several do together is in `FaultTableTests`.
@Suite("The machine of a session")
struct FluxSessionMachineTests {
  @Test(
    "every course of a connection is as the table says",
    arguments: Course.ends + Course.failures + Course.odd)
  func course(_ course: Course) {
    let session = Played()
    for (index, (happening, expected)) in course.steps.enumerated() {
      #expect(session.play(happening) == expected, "step \(index + 1)")
    }
    #expect(session.machine.state == course.endsIn)
  }

  @Test(
    "refused upgrades keep the service's words, have the exit code of what can be done about them, and say it",
    arguments: [
      (400, "badGraph", nil), (401, "refused", "DEEPGRAM_API_KEY"), (402, "refused", nil),
      (403, "refused", "no access to the model"), (404, "badGraph", "path is wrong"),
      (408, "unavailable", nil), (429, "unavailable", nil), (500, "unavailable", nil),
      (503, "unavailable", nil),
    ] as [(Int, String, String?)])
  func refusals(status: Int, code: String, help: String?) {
    let session = Played()
    let body = #"{"err_code":"NOPE","err_msg":"Not today.","request_id":"r9"}"#
    let expected =
      "fail \(code): host: the service refused the connection with status \(status) NOPE: Not today. (request r9)"
    #expect(session.play(.refused(status, body: body)) == ["abort", expected])
    #expect(session.machine.state == .over)
    #expect((session.help == nil) == (help == nil))
    if let help { #expect(session.help?.contains(help) == true) }
  }
}

/// A machine whose first failure is its last, and its clock.
private final class Played {
  var machine: FluxSessionMachine
  var now = Instant(nanoseconds: 0)
  var help: String?

  init() {
    var settings = FluxSessionSettings(
      host: "host", parameters: ListenParameters(model: "flux-general-en"), liveness: .live, resume: .cut,
      rate: 16_000, seed: 7)
    settings.limits.attempts = 1
    machine = FluxSessionMachine(settings)
    _ = machine.start(now: now)
  }

  func play(_ happening: Happening) -> [String] {
    var actions: [FluxSessionMachine.Action]
    switch happening {
    case .opened: actions = machine.opened(requestID: "dg", now: now)
    case .text(let text): actions = machine.received(Array(text.utf8), now: now)
    case .inputEnds:
      machine.inputEnded(now: now)
      actions = []
    case .closed(let code, let reason): actions = machine.closed(code: code, reason: reason, now: now)
    case .refused(let status, let body):
      let refusal = RefusedUpgrade(status: status, header: { _ in nil }, body: Array(body.utf8))
      actions = machine.refused(refusal, now: now)
    case .failed(let code): actions = machine.failed(NetworkFailure(code, "it broke"), now: now)
    case .blocked: actions = machine.sendBlocked(now: now)
    case .cancelled: actions = machine.cancel()
    case .wait(let seconds):
      now = now.advanced(by: .seconds(seconds))
      actions = machine.tick(now: now)
    }
    actions += machine.pump(now: now, room: 32_000)
    return actions.compactMap { words($0) }
  }

  /// nil for what is of no concern here: which audio can be forgotten.
  private func words(_ action: FluxSessionMachine.Action) -> String? {
    switch action {
    case .dial: return "dial"
    case .emit(let event):
      let end =
        event.kind == .endOfTurn
        ? " \(event.isFinal ? "final" : "local") \(event.trigger?.rawValue ?? "-")" : ""
      return "\(event.kind.rawValue) \(event.turn) \"\(event.transcript)\"\(end)"
    case .notice(let notice): return "notice \(notice.notice): \(notice.message)"
    case .send(let text): return "send \(text)"
    case .sendAudio(let range): return "audio \(range)"
    case .sendSilence(let frames): return "silence \(frames)"
    case .insertSilence(let frames): return "insert \(frames)"
    case .endAudio: return "end of audio"
    case .forget: return nil
    case .abort: return "abort"
    case .finish(nil): return "done"
    case .finish(let error?):
      help = error.help
      return "fail \(error.code): \(error.message)"
    }
  }
}
