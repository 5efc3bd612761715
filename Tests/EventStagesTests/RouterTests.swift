import FluxGraph
import Foundation
import StageTesting
import TestSupport
import Testing

@testable import EventStages

@Suite struct MergeTests {
  private func at(_ seconds: Double) -> Instant { Instant(nanoseconds: Int64(seconds * 1e9)) }

  private func ended(_ stream: String, _ end: Double) -> Event {
    turn(1, stream: stream, session: stream, [("x", end - 1, end)], start: end - 1, end: end)
  }

  private func label(_ event: Event) -> String {
    event.turnEvent.map { "\($0.stream ?? "")\($0.end)" } ?? "notice"
  }

  @Test("events come out in the order of the audio, after they were held")
  func order() {
    var merge = Merge()
    var out: [String] = []
    func come(_ event: Event, _ time: Double) {
      merge.advance(to: at(time)) { out.append(label($0)) }
      merge.process(event) { out.append(label($0)) }
    }
    come(ended("a", 5), 10)
    come(ended("b", 4), 11)
    #expect(out.isEmpty && merge.deadline == at(12))
    merge.advance(to: at(12)) { out.append(label($0)) }
    #expect(out == ["b4.0", "a5.0"] && merge.deadline == nil)
    come(ended("c", 3), 12)
    #expect(out.last == "c3.0")
    come(ended("a", 7), 13)
    merge.finish { out.append(label($0)) }
    #expect(out.last == "a7.0")
  }

  /// A stage at a clock of its own, and what came out of it.
  private struct Running {
    var merge = Merge()
    var out: [String] = []

    mutating func advance(_ seconds: Double) {
      merge.advance(to: Instant(nanoseconds: Int64(seconds * 1e9))) { out.append(Self.label($0)) }
    }

    mutating func come(_ event: Event, at seconds: Double) {
      advance(seconds)
      merge.process(event) { out.append(Self.label($0)) }
    }

    static func label(_ event: Event) -> String {
      event.turnEvent.map { "\($0.stream ?? "")\($0.turn)" } ?? "notice"
    }
  }

  private func event(_ stream: String, _ number: Int, end: Double, kind: TurnEvent.Kind = .endOfTurn) -> Event
  {
    turn(number, kind: kind, stream: stream, session: stream, [], start: 0, end: end)
  }

  @Test("a stream that is silent for long holds the other one up for `hold`, and no longer")
  func silentStream() {
    var running = Running()
    running.merge.hold = .seconds(2)
    for number in 1...5 { running.come(event("a", number, end: Double(number)), at: Double(number)) }
    #expect(running.out == ["a1", "a2", "a3"])
    // It speaks again, of what was long ago: at once, and without a change of its own order.
    running.come(event("b", 1, end: 0.5), at: 5)
    running.come(event("b", 2, end: 2.9), at: 5)
    #expect(running.out == ["a1", "a2", "a3", "b1", "b2"])
    running.come(event("b", 3, end: 4.5), at: 5)
    running.advance(7)
    #expect(running.out.suffix(3) == ["a4", "b3", "a5"])
    #expect(running.merge.deadline == nil)
  }

  @Test("events at the same time keep the order they came in; those without a time go first")
  func equalTimes() {
    var running = Running()
    for (stream, number) in [("a", 1), ("b", 1), ("a", 2), ("c", 1)] {
      running.come(event(stream, number, end: 3), at: 1)
    }
    running.come(event("d", 1, end: 0), at: 1)
    running.come(event("a", 3, end: 0), at: 1)
    running.advance(3)
    // The third of `a` stays behind its second, whatever its time says.
    #expect(running.out == ["d1", "a1", "b1", "a2", "c1", "a3"])
  }

  @Test("the end of one stream changes nothing for the other, the end of both lets everything go, in order")
  func ends() {
    var running = Running()
    running.come(event("a", 1, end: 9), at: 1)
    running.come(event("b", 1, end: 8, kind: .update), at: 1.5)
    running.come(.notice(Notice("gap", "lost")), at: 1.6)
    #expect(running.out == ["notice"])
    running.merge.finish { running.out.append(Running.label($0)) }
    #expect(running.out == ["notice", "b1", "a1"])
  }

  @Test("no more than 10000 events are held, and with `hold=0s` none is")
  func bounds() {
    var running = Running()
    for number in 1...10_001 { running.come(event("a", number, end: Double(number)), at: 0) }
    #expect(running.out == ["a1"])
    running = Running()
    running.merge.hold = .zero
    running.come(event("a", 1, end: 5), at: 1)
    #expect(running.merge.deadline == Instant(nanoseconds: 1_000_000_000))
    running.advance(1)
    #expect(running.out == ["a1"])
  }

  @Test("nothing is lost, and a session keeps its order, whatever the times")
  func random() {
    for seed in 0..<50 as Range<UInt64> {
      var random = SeededGenerator(seed: seed)
      var merge = Merge()
      var out: [TurnEvent] = []
      var clock = 0.0
      for number in 1...200 {
        clock += Double.random(in: 0...1, using: &random)
        merge.advance(to: at(clock)) { if case .turn(let turn) = $0 { out.append(turn) } }
        let stream = ["a", "b"].randomElement(using: &random)!
        let end = clock + Double.random(in: -3...0, using: &random)
        let event = turn(number, stream: stream, session: stream, [("x", end, end)], start: end, end: end)
        merge.process(event) { if case .turn(let turn) = $0 { out.append(turn) } }
      }
      merge.finish { if case .turn(let turn) = $0 { out.append(turn) } }
      #expect(out.count == 200)
      for stream in ["a", "b"] {
        let turns = out.filter { $0.stream == stream }.map(\.turn)
        #expect(turns == turns.sorted(), "seed \(seed)")
      }
    }
  }
}

@Suite struct FieldTests {
  private func through(_ stage: some EventTransform, _ event: Event) -> [Event] {
    var stage = stage
    var out: [Event] = []
    stage.process(event) { out.append($0) }
    return out
  }

  @Test("`only` leaves the named fields in the JSON, members of flux one by one")
  func only() throws {
    guard case .turn(var event) = turn(spoken("Hello")) else { return }
    event.service = ["request_id": "r", "sequence_id": 3]
    var stage = Only()
    stage.fields = ["transcript", "flux.request_id"]
    try stage.checkOptions()
    let out = through(stage, .turn(event))
    #expect(
      out.map(\.json.serialized)
        == [#"{"v":1,"event":"EndOfTurn","transcript":"Hello","flux":{"request_id":"r"}}"#])
    #expect(out[0].value(of: "turn") == .number(1))
    var second = Only()
    second.fields = ["turn", "transcript"]
    #expect(
      through(second, out[0]).map(\.json.serialized) == [#"{"v":1,"event":"EndOfTurn","transcript":"Hello"}"#]
    )
    stage.fields = ["transcrpt"]
    #expect(throws: OptionConflict.self) { try stage.checkOptions() }
  }

  @Test("`set` gives the stream and the transcript from templates")
  func set() throws {
    var stage = SetFields()
    stage.stream = try Template("{stream}-{turn}")
    stage.transcript = try Template("<{transcript}>")
    let out = through(stage, turn(spoken("Hello")))
    #expect(out[0].turnEvent?.stream == "me-1" && out[0].turnEvent?.transcript == "<Hello>")
    #expect(throws: OptionConflict.self) { try SetFields().checkOptions() }
  }
}
