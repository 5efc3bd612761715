import FluxGraph
import Foundation
import StageTesting
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

  @Test("nothing is lost, and a session keeps its order, whatever the times")
  func random() {
    for seed in 0..<50 as Range<UInt64> {
      var random = SplitMix64(state: seed)
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
