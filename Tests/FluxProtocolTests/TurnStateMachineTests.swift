import FluxGraph
import FluxProtocol
import TestSupport
import Testing

/// One line a message: event, turn index, end of the audio window, transcript; and, of the machine, one line
/// an output. `~` marks what the machine made up, `!` what is not final, `R` what is replayed.
private struct Timeline {
  var machine = TurnStateMachine()

  static func info(_ line: String) -> TurnInfo {
    let parts = line.split(separator: " ", maxSplits: 3).map { String($0) }
    var kind = parts[0]
    var trigger: TurnEvent.Trigger?
    if let colon = kind.firstIndex(of: ":") {
      trigger = TurnEvent.Trigger(rawValue: String(kind[kind.index(after: colon)...]))
      kind = String(kind[..<colon])
    }
    let kinds: [String: TurnEvent.Kind] = [
      "update": .update, "start": .startOfTurn, "eager": .eagerEndOfTurn, "resumed": .turnResumed,
      "end": .endOfTurn,
    ]
    let text = parts.count > 3 ? parts[3] : ""
    let words = text.split(separator: " ").enumerated().map { index, word in
      TurnEvent.Word(word: String(word), start: Double(index), end: Double(index) + 0.5, confidence: 1)
    }
    return TurnInfo(
      event: kinds[kind] ?? TurnEvent.Kind(rawValue: kind), turnIndex: Int(parts[1]), audioWindowStart: 0,
      audioWindowEnd: Double(parts[2]), transcript: text, words: words, trigger: trigger)
  }

  static func line(_ output: TurnStateMachine.Output) -> String {
    switch output {
    case .violation(let text): return "violation: \(text)"
    case .event(let event):
      var line = "\(event.kind) \(event.turn) \(event.end ?? -1)"
      if !event.transcript.isEmpty { line += " \(event.transcript)" }
      if event.kind == .endOfTurn, let trigger = event.trigger { line += " (\(trigger))" }
      if event.isSynthesised { line += " ~" }
      if event.kind == .endOfTurn, !event.isFinal { line += " !" }
      if event.isReplayed { line += " R" }
      return line
    }
  }

  mutating func receive(_ lines: String...) -> [String] {
    lines.flatMap { machine.receive(Self.info($0)) }.map(Self.line)
  }

  mutating func end(_ trigger: TurnEvent.Trigger) -> [String] { machine.endLocally(trigger).map(Self.line) }

  mutating func connect(at offset: Double) -> [String] { machine.beginConnection(at: offset).map(Self.line) }
}

@Suite("Turn state machine")
struct TurnStateMachineTests {
  @Test("the documented eager life of a turn passes as it came")
  func eagerLifecycle() {
    var timeline = Timeline()
    let outputs = timeline.receive(
      "update 0 0.2", "update 0 0.5", "start 0 0.6 Hi I", "update 0 0.8 Hi I need to",
      "update 0 1.0 Hi I need to cancel my subscription.", "eager 0 1.1 Hi I need to cancel my subscription.",
      "resumed 0 1.2 Hi I need to cancel my subscription please",
      "update 0 1.4 Hi I need to cancel my subscription please.",
      "eager 0 1.5 Hi I need to cancel my subscription please.",
      "update 0 1.6 Hi I need to cancel my subscription please.",
      "end:model 0 1.7 Hi I need to cancel my subscription please.", "update 1 1.9")
    #expect(
      outputs == [
        "Update 1 0.2", "Update 1 0.5", "StartOfTurn 1 0.6 Hi I", "Update 1 0.8 Hi I need to",
        "Update 1 1.0 Hi I need to cancel my subscription.",
        "EagerEndOfTurn 1 1.1 Hi I need to cancel my subscription.",
        "TurnResumed 1 1.2 Hi I need to cancel my subscription please",
        "Update 1 1.4 Hi I need to cancel my subscription please.",
        "EagerEndOfTurn 1 1.5 Hi I need to cancel my subscription please.",
        "Update 1 1.6 Hi I need to cancel my subscription please.",
        "EndOfTurn 1 1.7 Hi I need to cancel my subscription please. (model)", "Update 2 1.9",
      ])
    #expect(timeline.machine.state == .initial)
    #expect(timeline.machine.endedTurns == 1)
  }

  @Test("text before the start does not start a turn and is not lost at the end of the input")
  func speechBeforeStart() {
    var timeline = Timeline()
    #expect(timeline.receive("update 0 0.7 We", "update 0 0.9") == ["Update 1 0.7 We", "Update 1 0.9"])
    #expect(!timeline.machine.hasOpenTurn)
    #expect(timeline.machine.currentTranscript == "We")
    #expect(timeline.end(.inputEnded) == ["StartOfTurn 1 0.7 We ~", "EndOfTurn 1 0.9 We (input-ended) ~ !"])
    #expect(timeline.end(.inputEnded) == [])
  }

  @Test("an open turn ended locally keeps its last text and is not final")
  func localEnd() {
    var timeline = Timeline()
    _ = timeline.receive("start 0 0.6 Hi", "update 0 0.8 Hi there", "update 0 1.0")
    #expect(timeline.end(.stalled) == ["EndOfTurn 1 1.0 Hi there (stalled) ~ !"])
    #expect(timeline.end(.inputEnded) == [])
    // The service's own end comes too late: the turn has ended once.
    #expect(
      timeline.receive("end 0 2.0 Hi there") == ["violation: EndOfTurn for turn_index 0, which has ended"])
    #expect(timeline.receive("start 1 3.0 Next") == ["StartOfTurn 2 3.0 Next"])
  }

  @Test("an end without text keeps the last text and words of its turn")
  func emptyEnd() {
    var timeline = Timeline()
    _ = timeline.receive("start 0 0.6 Hi there")
    let outputs = timeline.machine.receive(Timeline.info("end:timeout 0 5.6"))
    guard case .event(let event) = outputs.first, outputs.count == 1 else {
      Issue.record("one event expected")
      return
    }
    #expect(event.transcript == "Hi there")
    #expect(event.words.map(\.word) == ["Hi", "there"])
    #expect(event.isFinal)
    #expect(event.trigger == .timeout)
  }

  @Test("a forced end comes straight from either state")
  func forcedEnd() {
    var timeline = Timeline()
    _ = timeline.receive("start 0 0.6 Hi", "end:manual 0 0.8 Hi", "start 1 1.0 Yo", "eager 1 1.2 Yo")
    #expect(timeline.machine.state == .awaitingEnd)
    #expect(
      timeline.receive("end:manual 1 1.4 Yo!") == ["TurnResumed 2 1.4 Yo! ~", "EndOfTurn 2 1.4 Yo! (manual)"])
  }

  @Test("an eager end with other words at the end is taken back first, whatever ended the turn")
  func otherEnd() {
    for trigger in ["model", "timeout", "manual"] {
      var timeline = Timeline()
      _ = timeline.receive("start 0 1 Yo", "eager 0 2 Yo")
      let outputs = timeline.receive("end:\(trigger) 0 3 Yo!").filter { !$0.hasPrefix("violation") }
      #expect(outputs == ["TurnResumed 1 3.0 Yo! ~", "EndOfTurn 1 3.0 Yo! (\(trigger))"])
    }
  }

  @Test("an eager end of a lost connection is taken back before other words are heard again")
  func replayedEager() {
    var timeline = Timeline()
    _ = timeline.receive("start 0 1 Book", "eager 0 2 Book a flight")
    timeline.machine.suspendForReplay()
    _ = timeline.connect(at: 0)
    #expect(
      timeline.receive(
        "update 0 0.2", "update 0 0.5 Book", "start 0 1 Book", "eager 0 2 Book a flight",
        "resumed 0 3 Book a flight to", "end 0 4 Book a flight to Rome")
        == [
          "Update 1 0.2 R", "TurnResumed 1 0.5 Book ~ R", "Update 1 0.5 Book R", "Update 1 1.0 Book R",
          "EagerEndOfTurn 1 2.0 Book a flight R", "TurnResumed 1 3.0 Book a flight to R",
          "EndOfTurn 1 4.0 Book a flight to Rome R",
        ])
  }

  @Test("an eager end of a lost connection is confirmed by the same words, said again or not")
  func confirmedEager() {
    var timeline = Timeline()
    _ = timeline.receive("start 0 1 Yo", "eager 0 2 Yo")
    timeline.machine.suspendForReplay()
    _ = timeline.connect(at: 0)
    timeline.machine.suspendForReplay()
    _ = timeline.connect(at: 0)
    var again = timeline
    #expect(
      again.receive("start 0 1 Yo", "eager 0 2 Yo", "end:model 0 3 Yo") == [
        "Update 1 1.0 Yo R", "Update 1 2.0 Yo R", "EndOfTurn 1 3.0 Yo (model) R",
      ])
    #expect(timeline.end(.disconnected) == ["EndOfTurn 1 2.0 Yo (disconnected) ~ ! R"])
  }

  @Test("a replayed turn of which nothing is said again keeps its words")
  func emptyReplay() {
    var timeline = Timeline()
    _ = timeline.connect(at: 10)
    _ = timeline.receive("start 0 1 Yo", "eager 0 2 Yo")
    timeline.machine.suspendForReplay()
    _ = timeline.connect(at: 11)
    #expect(timeline.receive("start 0 1", "end 0 2") == ["Update 1 12.0 R", "EndOfTurn 1 13.0 Yo R"])
  }

  struct Irregularity: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let lines: [String]
    let outputs: [String]
  }

  static let irregularities = [
    Irregularity(
      testDescription: "an end without start gets one", lines: ["update 0 0.7 We", "end 0 0.9 We the"],
      outputs: [
        "Update 1 0.7 We", "violation: EndOfTurn without StartOfTurn", "StartOfTurn 1 0.9 We the ~",
        "EndOfTurn 1 0.9 We the",
      ]),
    Irregularity(
      testDescription: "an eager end without start gets one", lines: ["eager 0 1 Hi", "end 0 2 Hi"],
      outputs: [
        "violation: EagerEndOfTurn without StartOfTurn", "StartOfTurn 1 1.0 Hi ~", "EagerEndOfTurn 1 1.0 Hi",
        "EndOfTurn 1 2.0 Hi",
      ]),
    Irregularity(
      testDescription: "an end of nothing is dropped", lines: ["update 0 0.7", "end 0 0.9", "update 1 1.0"],
      outputs: [
        "Update 1 0.7", "violation: EndOfTurn without StartOfTurn and without text", "Update 1 1.0",
      ]),
    Irregularity(
      testDescription: "a second start is an update",
      lines: ["start 0 1 Hi", "start 0 2 Hi I", "end 0 3 Hi I"],
      outputs: [
        "StartOfTurn 1 1.0 Hi", "violation: StartOfTurn inside a turn", "Update 1 2.0 Hi I",
        "EndOfTurn 1 3.0 Hi I",
      ]),
    Irregularity(
      testDescription: "resuming what was not ending is an update",
      lines: ["start 0 1 Hi", "resumed 0 2 Hi I"],
      outputs: ["StartOfTurn 1 1.0 Hi", "violation: TurnResumed without EagerEndOfTurn", "Update 1 2.0 Hi I"]),
    Irregularity(
      testDescription: "a second eager end with other text is resumed first",
      lines: ["start 0 1 Hi", "eager 0 2 Hi", "eager 0 3 Hi I", "eager 0 4 Hi I"],
      outputs: [
        "StartOfTurn 1 1.0 Hi", "EagerEndOfTurn 1 2.0 Hi",
        "violation: EagerEndOfTurn has other words than its EagerEndOfTurn, without TurnResumed",
        "TurnResumed 1 3.0 Hi I ~", "EagerEndOfTurn 1 3.0 Hi I",
        "violation: EagerEndOfTurn twice without TurnResumed", "Update 1 4.0 Hi I",
      ]),
    Irregularity(
      testDescription: "the next index ends a turn whose end was lost",
      lines: ["start 0 1 Hi", "update 1 2", "start 1 3 Yo"],
      outputs: [
        "StartOfTurn 1 1.0 Hi", "violation: turn_index went from 0 to 1 without an EndOfTurn",
        "EndOfTurn 1 1.0 Hi (superseded) ~ !", "Update 2 2.0", "StartOfTurn 2 3.0 Yo",
      ]),
    Irregularity(
      testDescription: "an end sent twice counts once", lines: ["start 0 1 Hi", "end 0 2 Hi", "end 0 2 Hi"],
      outputs: [
        "StartOfTurn 1 1.0 Hi", "EndOfTurn 1 2.0 Hi",
        "violation: EndOfTurn for turn_index 0, which has ended",
      ]),
    Irregularity(
      testDescription: "an end that changes its eager text is resumed first",
      lines: ["start 0 1 Hi", "eager 0 2 Hi", "end:model 0 3 Hi you"],
      outputs: [
        "StartOfTurn 1 1.0 Hi", "EagerEndOfTurn 1 2.0 Hi",
        "violation: EndOfTurn has other words than its EagerEndOfTurn, without TurnResumed",
        "TurnResumed 1 3.0 Hi you ~", "EndOfTurn 1 3.0 Hi you (model)",
      ]),
    Irregularity(
      testDescription:
        "an update with other words takes the eager end back, one with the same or none does not",
      lines: ["start 0 1 Hi", "eager 0 2 Hi", "update 0 3 Hi", "update 0 4", "update 0 5 Ho"],
      outputs: [
        "StartOfTurn 1 1.0 Hi", "EagerEndOfTurn 1 2.0 Hi", "Update 1 3.0 Hi", "Update 1 4.0",
        "violation: Update has other words than its EagerEndOfTurn, without TurnResumed",
        "TurnResumed 1 5.0 Ho ~", "Update 1 5.0 Ho",
      ]),
    Irregularity(
      testDescription: "an eager end without text is an update",
      lines: ["start 0 1 Hi", "eager 0 2", "end 0 3 Hi"],
      outputs: [
        "StartOfTurn 1 1.0 Hi", "violation: EagerEndOfTurn without text", "Update 1 2.0",
        "EndOfTurn 1 3.0 Hi",
      ]),
    Irregularity(
      testDescription: "an unknown event passes and changes nothing",
      lines: ["start 0 1 Hi", "BrandNewEvent 0 2 Hi I", "end 0 3 Hi I"],
      outputs: ["StartOfTurn 1 1.0 Hi", "BrandNewEvent 1 2.0 Hi I", "EndOfTurn 1 3.0 Hi I"]),
    Irregularity(
      testDescription: "messages without an index belong to the current turn",
      lines: ["start - 1 Hi", "end - 2 Hi", "start - 3 Yo"],
      outputs: ["StartOfTurn 1 1.0 Hi", "EndOfTurn 1 2.0 Hi", "StartOfTurn 2 3.0 Yo"]),
    Irregularity(
      testDescription: "a start without text is a start",
      lines: ["start 0 1", "update 0 2 Hi", "end 0 3 Hi"],
      outputs: ["StartOfTurn 1 1.0", "Update 1 2.0 Hi", "EndOfTurn 1 3.0 Hi"]),
  ]

  @Test("what breaks the service's own rules still gives whole turns", arguments: irregularities)
  func irregularity(_ irregularity: Irregularity) {
    var timeline = Timeline()
    #expect(irregularity.lines.flatMap { timeline.receive($0) } == irregularity.outputs)
  }

  @Test("numbers and times go on over connections")
  func reconnect() {
    var timeline = Timeline()
    _ = timeline.receive("start 0 1 Hi", "end 0 2 Hi", "start 1 3 Yo")
    #expect(timeline.connect(at: 10) == ["EndOfTurn 2 3.0 Yo (disconnected) ~ !"])
    let outputs = timeline.machine.receive(Timeline.info("start 0 1 New words"))
    guard case .event(let event) = outputs.first else {
      Issue.record("an event expected")
      return
    }
    #expect(event.turn == 3)
    #expect(event.start == 10)
    #expect(event.end == 11)
    #expect(event.words.map(\.start) == [10, 11])
    #expect(event.info.audioWindowEnd == 1)
    #expect(!event.isReplayed)
  }

  @Test("speech not yet started when the connection is lost is delivered")
  func reconnectBeforeStart() {
    var timeline = Timeline()
    _ = timeline.receive("update 0 1 Hi")
    #expect(
      timeline.connect(at: 5) == ["StartOfTurn 1 1.0 Hi ~", "EndOfTurn 1 1.0 Hi (disconnected) ~ !"])
  }

  @Test("a replayed turn keeps its number and starts only once")
  func replay() {
    var timeline = Timeline()
    _ = timeline.connect(at: 100)
    _ = timeline.receive("start 0 1 Hi", "end 0 2 Hi", "start 1 3 Yo")
    #expect(timeline.machine.replayStart == 100)
    timeline.machine.suspendForReplay()
    #expect(timeline.machine.hasOpenTurn)
    #expect(timeline.connect(at: 102) == [])
    #expect(
      timeline.receive("update 0 0.5", "start 0 1 Yo", "end 0 2 Yo man", "start 1 3 Next") == [
        "Update 2 102.5 R", "Update 2 103.0 Yo R", "EndOfTurn 2 104.0 Yo man R", "StartOfTurn 3 105.0 Next",
      ])
  }

  @Test("a replay that brings nothing back ends with the first text and its own times")
  func fruitlessReplay() {
    var timeline = Timeline()
    _ = timeline.connect(at: 100)
    _ = timeline.receive("start 0 3 Yo")
    timeline.machine.suspendForReplay()
    _ = timeline.connect(at: 102)
    timeline.machine.suspendForReplay()
    #expect(timeline.machine.replayStart == 100)
    _ = timeline.connect(at: 102)
    #expect(timeline.end(.inputEnded) == ["EndOfTurn 1 103.0 Yo (input-ended) ~ ! R"])
    // The connection's own clock is unchanged.
    #expect(timeline.receive("start 0 1 New") == ["StartOfTurn 2 103.0 New"])
  }

  @Test(
    "any order of messages gives alternating starts and ends with growing numbers, and no eager end that is neither confirmed nor taken back"
  )
  func randomOrders() {
    var generator = SeededGenerator(seed: 51)
    let kinds = ["update", "start", "eager", "resumed", "end", "end:timeout", "Other"]
    let texts = ["", " a", " a b", " c"]
    var turns = 0
    for round in 0..<3000 {
      var machine = TurnStateMachine()
      var open = false
      var eager: String?
      var number = 0
      func check(_ outputs: [TurnStateMachine.Output]) {
        for case .event(let event) in outputs {
          #expect(!event.isReplayed || event.kind != .startOfTurn, "round \(round)")
          if let eager, event.kind != .turnResumed, event.kind == .endOfTurn || !event.transcript.isEmpty {
            #expect(event.transcript == eager, "round \(round)")
          }
          switch event.kind {
          case .startOfTurn:
            #expect(!open && event.turn == number + 1, "round \(round)")
            number = event.turn
            open = true
          case .endOfTurn:
            #expect(open && event.turn == number, "round \(round)")
            open = false
            eager = nil
            turns += 1
          case .eagerEndOfTurn:
            #expect(open && eager == nil, "round \(round)")
            eager = event.transcript
          case .turnResumed:
            #expect(open && eager != nil, "round \(round)")
            eager = nil
          default: break
          }
        }
      }
      for _ in 0..<30 {
        switch Int.random(in: 0..<20, using: &generator) {
        case 0: check(machine.endLocally(.stalled))
        case 1: check(machine.beginConnection(at: 7))
        case 2:
          machine.suspendForReplay()
          check(machine.beginConnection(at: 3))
        default:
          let index = ["0", "0", "1", "2", "-"].randomElement(using: &generator) ?? "0"
          let kind = kinds.randomElement(using: &generator) ?? ""
          let text = texts.randomElement(using: &generator) ?? ""
          check(machine.receive(Timeline.info("\(kind) \(index) 1\(text)")))
        }
      }
      check(machine.endLocally(.inputEnded))
      #expect(!open && !machine.hasOpenTurn, "round \(round)")
      #expect(machine.endedTurns == number)
    }
    #expect(turns > 5000)
  }

  @Test("a gap in the sequence is named")
  func sequence() {
    var tracker = SequenceTracker()
    #expect(tracker.receive(0) == nil)
    #expect(tracker.receive(1) == nil)
    #expect(tracker.receive(4) == "sequence_id is 4 where 2 was due")
    #expect(tracker.receive(nil) == nil)
    #expect(tracker.receive(6) == nil)
  }

  @Test(
    "the live capture gives one turn and no violation",
    .enabled(if: LiveCapture.directory != nil, "the capture is not part of the repository: FLUX_VECTORS"))
  func liveCapture() throws {
    let frames = try #require(try JSONValue.parse(try LiveCapture.read("frames.json"))["frames"]?.arrayValue)
    var machine = TurnStateMachine()
    var kinds: [TurnEvent.Kind: Int] = [:]
    for frame in frames {
      guard case .turnInfo(let info) = try ServerMessage(decoding: frame.stringValue ?? "") else { continue }
      for output in machine.receive(info) {
        switch output {
        case .violation(let text): Issue.record("\(text)")
        case .event(let event): kinds[event.kind, default: 0] += 1
        }
      }
    }
    #expect(kinds == [.update: 100, .startOfTurn: 1, .eagerEndOfTurn: 1, .endOfTurn: 1])
    #expect(machine.endLocally(.inputEnded) == [])
  }
}
