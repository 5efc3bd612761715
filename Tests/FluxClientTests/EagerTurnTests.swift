import FluxGraph
import FluxProtocol
import StageTesting
import Testing

@testable import FluxClient

@Suite("Eager ends over lost connections")
struct EagerTurnTests {
  @Test("an eager end of a lost connection is taken back when its turn is heard again with other words")
  func replayed() {
    let source = SessionStage.Source(speech: Speech("book@1.0 a@1.2 flight@1.4 to@2.1 Rome@2.3"), seconds: 5)
    let stage = SessionStage(
      source, faults: [.cut(after: 2.0)], ears: [ScriptedFlux.Ears(eagerAfter: 0.4)]
    ).runToEnd()
    let kinds = stage.events.filter { $0.kind != .update }.map { "\($0.kind.rawValue) \($0.transcript)" }
    #expect(
      kinds == [
        "StartOfTurn book", "EagerEndOfTurn book a flight", "TurnResumed book",
        "EagerEndOfTurn book a flight", "TurnResumed book a flight to",
        "EagerEndOfTurn book a flight to Rome", "EndOfTurn book a flight to Rome",
      ])
    #expect(stage.brokenPromises == [])
  }

  @Test("a turn that is cut, or falls silent, after its eager end keeps the words of it")
  func endedHere() {
    let speech = Speech("book@1.0 a@1.2 flight@1.4")
    for (fault, trigger) in [(Fault.cut(after: 2.0), "disconnected"), (.stalled(after: 2.0), "stalled")] {
      let source = SessionStage.Source(liveness: .live, speech: speech, seconds: 30)
      let stage = SessionStage(source, faults: [fault], ears: [ScriptedFlux.Ears(eagerAfter: 0.4)]) {
        $0.limits.danglingTurn = .seconds(3)
      }.runToEnd()
      #expect(stage.turns == ["1 book a flight [\(trigger)]"])
      #expect(!stage.events.contains { $0.kind == .turnResumed })
      #expect(stage.brokenPromises == [])
    }
  }

  @Test("in random sessions every eager end is confirmed with the same words or taken back", arguments: 0..<8)
  func random(_ lot: Int) {
    var eagerEnds = 0
    var resumed = 0
    for seed in lot * 40..<lot * 40 + 40 {
      var generator = SplitMix64(state: UInt64(seed))
      func number(_ range: ClosedRange<Double>) -> Double {
        range.lowerBound + Double(generator.next() % 10_000) / 10_000 * (range.upperBound - range.lowerBound)
      }
      var time = 0.5
      let words = (0..<24).map { index in
        time += number(0.1...1.2)
        return "w\(index)@\(time)"
      }
      let faults = (0..<5).map { _ -> Fault in
        switch generator.next() % 4 {
        case 0: .stalled(after: number(0.5...9))
        case 1: .closed(after: number(0.5...9), code: 1011)
        case 2: .error(after: number(0.5...9), code: "INTERNAL_SERVER_ERROR")
        default: .cut(after: number(0.5...9))
        }
      }
      let ears = (0..<3).map { index in
        ScriptedFlux.Ears(
          eagerAfter: number(0.2...0.7), accent: generator.next() % 3 == 0 ? "\(index)" : "")
      }
      let source = SessionStage.Source(
        liveness: seed % 2 == 0 ? .live : .finite, speech: Speech(words.joined(separator: " ")),
        seconds: time + 2)
      let stage = SessionStage(source, faults: faults, givesWordTimes: seed % 3 > 0, ears: ears) { settings in
        settings.resume = seed % 4 < 2 ? .replay : .cut
        settings.seed = UInt64(seed)
        if seed % 5 == 0 { settings.limits.danglingTurn = .seconds(1) }
        if seed % 7 == 0 { settings.filter = TurnFilter(minimumWords: 2) }
      }.runToEnd()
      #expect(stage.brokenPromises == [], "seed \(seed)")
      eagerEnds += stage.events.count { $0.kind == .eagerEndOfTurn }
      resumed += stage.events.count { $0.kind == .turnResumed }
    }
    #expect(eagerEnds > 200 && resumed > 50)
  }
}
