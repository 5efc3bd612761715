import FluxGraph
import GraphLanguage
import GraphRuntime
import Testing

@testable import FluxGraphCLI

@Suite struct GraphTestRunTests {
  static let frames = """
    {"type":"Connected","request_id":"r","sequence_id":0}
    {"type":"TurnInfo","event":"StartOfTurn","turn_index":0,"transcript":"Hi","words":[],"audio_window_start":0,"audio_window_end":0.5}
    {"type":"TurnInfo","event":"Update","turn_index":0,"transcript":"Hi you","words":[],"audio_window_start":0,"audio_window_end":1}

    {"type":"TurnInfo","event":"EndOfTurn","turn_index":0,"transcript":"Hi you.","words":[],"audio_window_start":0,"audio_window_end":1.5}
    """

  private func failures(_ steps: String, _ recording: String) throws -> [String] {
    let graph = """
      heard = file talk.opus | flux key=env(KEY)
      heard | route { event == EndOfTurn => done; else => rest }
      done | jsonl done.jsonl
      log = rest | where turn == 1 | webhook https://example.com
      test "one" {
      \(steps)
      }
      """
    let result = check(graph)
    #expect(result.diagnostics == [], "\(result.rendered(color: false))")
    let tests = try #require(result.tests)
    return try GraphTestRun(tests).run(tests.tests[0]) { _ throws(StageError) in
      try RecordedEvents.parse(Array(recording.utf8), name: "r.jsonl")
    }.map { "\($0.location) \($0.text): \($0.found)" }
  }

  @Test("raw messages of Flux go through the graph; sinks collect")
  func frames() throws {
    let steps = """
        feed heard from r.jsonl
        expect heard count == 3
        expect done count == 1
        expect done[0].transcript == "Hi you."
        expect done[0].final == true
        expect log count >= 2
        expect log[1].event == Update
      """
    #expect(try failures(steps, Self.frames) == [])
  }

  @Test("what is not as expected is told with what was found")
  func failing() throws {
    let steps = """
        feed heard from r.jsonl
        expect done count == 2
        expect done[0].transcript == "Hi."
        expect done[1].turn == 1
      """
    #expect(
      try failures(steps, Self.frames) == [
        "t.graph:7:3 expect done count == 2: done has 1 event",
        "t.graph:8:3 expect done[0].transcript == \"Hi.\": done[0].transcript is \"Hi you.\"",
        "t.graph:9:3 expect done[1].turn == 1: there is no done[1].turn: 1 event arrived",
      ])
  }

  @Test("events as jsonl writes them are read back as they were")
  func events() throws {
    let word = TurnEvent.Word(word: "Hi", start: 0.5, end: 0.7, confidence: 0.9)
    var turn = TurnEvent(
      kind: .endOfTurn, stream: "me", session: "s", turn: 4, isFinal: false, trigger: "stalled", start: 1.5,
      end: 2.25, time: WallTime(seconds: 1_795_183_331.123), transcript: "Hi", words: [word],
      languages: ["en"], service: .object([("turn_index", 3)]))
    turn.isReplayed = true
    let notice = Notice(
      "gap", "lost", severity: .warning, stream: "me", time: WallTime(seconds: 5), details: [("seconds", 2)])
    for event in [Event.turn(turn), .notice(notice)] {
      #expect(try Event(json: event.json).json == event.json)
    }
    let line = Event.turn(turn).json.serialized
    #expect(try failures("  feed heard from r.jsonl\n  expect done[0].stream == me", line) == [])
  }

  @Test(
    "a line that is no event is named by its number",
    arguments: [
      ("\n{", "r.jsonl:2: this is no JSON"),
      (#"{"v":2,"event":"Update"}"#, "r.jsonl:1: this line has version 2"),
      (#"{"v":1}"#, "r.jsonl:1: this line has no field `event`"),
      (
        #"{"v":1,"event":"Update","turn":"x"}"#,
        "r.jsonl:1: this line has a field `turn` that is not a whole number"
      ),
    ])
  func badLines(_ text: String, _ message: String) throws {
    let error = #expect(throws: StageError.self) {
      try RecordedEvents.parse(Array(text.utf8), name: "r.jsonl")
    }
    #expect(error?.message.hasPrefix(message) == true, "\(error?.message ?? "")")
  }
}
