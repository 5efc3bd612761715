import FluxGraph
import Testing

@Suite struct EventTests {
  private func endOfTurn() throws -> TurnEvent {
    TurnEvent(
      kind: .endOfTurn, stream: "me", session: "0192", turn: 4, isFinal: true, trigger: "model", start: 83.44,
      end: 86.1, time: WallTime(seconds: 1_795_183_331.123), transcript: "Hello, how are you?",
      words: [TurnEvent.Word(word: "Hello,", start: 83.5, end: 83.9000000286, confidence: 0.96)],
      languages: ["en"],
      service: try JSONValue.parse(#"{"request_id":"r","sequence_id":11,"audio_window_start":0.0}"#))
  }

  @Test("a turn event is one line of JSON, its fields in the order of the format")
  func json() throws {
    var event = try endOfTurn()
    #expect(
      Event.turn(event).json.serialized
        == #"{"v":1,"event":"EndOfTurn","stream":"me","session":"0192","turn":4,"final":true,"trigger":"model","#
        + #""start":83.44,"end":86.1,"time":"2026-11-20T14:02:11.123Z","transcript":"Hello, how are you?","#
        + #""confidence":0.96,"languages":["en"],"#
        + #""words":[{"word":"Hello,","start":83.5,"end":83.9,"confidence":0.96}],"#
        + #""flux":{"request_id":"r","sequence_id":11,"audio_window_start":0.0}}"#)
    event.isReplayed = true
    event.isSynthesised = true
    #expect(
      Event.turn(event).json.serialized.contains(
        #""trigger":"model","replayed":true,"synthesised":true,"start""#))
  }

  @Test("what an event does not have is left out, but words stay a list")
  func sparse() {
    let event = TurnEvent(
      kind: .update, session: "s", turn: 1, start: 0, end: 0.24, time: WallTime(seconds: 0),
      transcript: "a \"quote\"\n", words: [.init(word: "a", start: nil, end: nil, confidence: 1.0 / 3)])
    #expect(
      Event.turn(event).json.serialized
        == #"{"v":1,"event":"Update","session":"s","turn":1,"start":0.0,"end":0.24,"#
        + #""time":"1970-01-01T00:00:00.000Z","transcript":"a \"quote\"\n","confidence":0.3333,"#
        + #""words":[{"word":"a","confidence":0.3333}]}"#)
  }

  @Test("numbers JSON cannot hold become null, and no line breaks")
  func hostileNumbers() throws {
    let event = TurnEvent(
      kind: .update, session: "s\u{0}\u{1F}", turn: 1, start: .infinity, end: .nan,
      time: WallTime(seconds: .nan),
      transcript: "\u{2028}\r")
    let text = Event.turn(event).json.serialized
    #expect(text.contains(#""start":null,"end":null"#))
    #expect(!text.utf8.contains(10) && !text.utf8.contains(13))
    #expect(try JSONValue.parse(text)["transcript"]?.stringValue == "\u{2028}\r")
  }

  @Test("a notice has its details behind its message")
  func notice() {
    let notice = Notice(
      "gap", "lost", severity: .warning, stream: "me", time: WallTime(seconds: 1), details: [("seconds", 0.5)]
    )
    #expect(
      Event.notice(notice).json.serialized
        == #"{"v":1,"event":"Notice","notice":"gap","stream":"me","time":"1970-01-01T00:00:01.000Z","#
        + #""severity":"warning","message":"lost","seconds":0.5}"#)
  }

  @Test("every field that is declared has its value and its type")
  func fields() throws {
    let turn = Event.turn(try endOfTurn())
    let notice = Event.notice(Notice("gap", "lost", stream: "me", time: WallTime(seconds: 1)))
    let absent: Set<String> = ["flux.turn_index", "flux.audio_window_end", "flux.end_of_turn_confidence"]
    for field in EventField.all + EventField.derived {
      let value = turn.value(of: field.name) ?? notice.value(of: field.name)
      #expect((value == nil) == absent.contains(field.name), "\(field.name)")
      switch (field.kind, value) {
      case (.text, .text?), (.eventName, .text?), (.number, .number?), (.boolean, .boolean?), (.list, .list?),
        (_, nil):
        break
      default: Issue.record("\(field.name) is \(value!)")
      }
    }
    #expect(turn.value(of: "flux.sequence_id") == .number(11))
    #expect(turn.value(of: "position") == .text("1:23.4"))
    #expect(turn.value(of: "confidence") == .number(0.96))
    #expect(turn.value(of: "nothing") == nil)
    #expect(notice.value(of: "transcript") == nil)
  }
}
