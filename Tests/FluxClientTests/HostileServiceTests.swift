import FluxGraph
import FluxProtocol
import StageTesting
import Testing

@testable import FluxClient

@Suite("Services that misbehave")
struct HostileServiceTests {
  /// Messages as the service writes them, and some it never would.
  private static let seeds: [String] = [
    #"{"type":"Connected","request_id":"019f4c80","sequence_id":0}"#,
    #"{"type":"TurnInfo","request_id":"r","event":"Update","turn_index":0,"audio_window_start":0.0,"audio_window_end":0.24,"transcript":"","words":[],"end_of_turn_confidence":0.4548,"sequence_id":1}"#,
    #"{"type":"TurnInfo","event":"StartOfTurn","turn_index":0,"audio_window_start":0,"audio_window_end":0.96,"transcript":"We, the","words":[{"word":"We,","confidence":0.9536,"start":0.31,"end":0.71},{"word":"the","confidence":1.0}],"end_of_turn_confidence":0.0151,"sequence_id":2}"#,
    #"{"type":"TurnInfo","event":"EagerEndOfTurn","turn_index":0,"audio_window_start":0,"audio_window_end":1.96,"transcript":"We, the","words":[],"end_of_turn_confidence":0.7,"sequence_id":3}"#,
    #"{"type":"TurnInfo","event":"TurnResumed","turn_index":0,"audio_window_start":0,"audio_window_end":2.1,"transcript":"We, the people","words":[],"end_of_turn_confidence":0.1,"sequence_id":4}"#,
    #"{"type":"TurnInfo","event":"EndOfTurn","turn_index":0,"audio_window_start":0,"audio_window_end":2.5,"transcript":"We, the people","words":[],"end_of_turn_confidence":0.9,"trigger":"model","sequence_id":5}"#,
    #"{"type":"ConfigureSuccess","thresholds":{"eot_threshold":0.8},"keyterms":["a"],"sequence_id":6}"#,
    #"{"type":"ConfigureFailure","sequence_id":42,"code":"INVALID_THRESHOLD","description":"no"}"#,
    #"{"type":"Warning","code":"FORCE_END_TURN_NO_ACTIVE_TURN","description":"none","sequence_id":7}"#,
    #"{"type":"SomeFutureFeature","version":2,"payload":{"nested":true}}"#,
    #"{"event":"something","data":123}"#, "[]", "{}", "nonsense",
    #"{"type":"TurnInfo","event":"BrandNewEvent","turn_index":9223372036854775807,"audio_window_start":-1e300,"audio_window_end":1e300,"transcript":"x","words":[{"word":"x","start":-1e18,"end":1e308}],"sequence_id":9223372036854775807}"#,
  ]

  @Test("10,000 mutated streams neither end the program, nor hang, nor break what turns promise")
  func mutated() {
    var generator = SplitMix64(state: 42)
    func pick(_ count: Int) -> Int { Int(generator.next() % UInt64(count)) }
    for stream in 0..<10_000 {
      var settings = FluxSessionSettings(
        host: "flux.test", parameters: ListenParameters(model: "flux-general-en"),
        liveness: stream % 2 == 0 ? .live : .finite, resume: stream % 3 == 0 ? .cut : .replay, rate: 16_000,
        seed: UInt64(stream))
      if stream % 7 == 0 { settings.filter = TurnFilter(minimumWords: 1, minimumConfidence: 0.5) }
      var machine = FluxSessionMachine(settings)
      var now = Instant(nanoseconds: 0)
      var open: Set<Int> = []
      var last = 0
      var held: Int64 = 0
      var isOver = false
      func take(_ actions: [FluxSessionMachine.Action]) {
        for action in actions {
          switch action {
          case .emit(let event) where event.kind == .startOfTurn:
            if !open.isEmpty || event.turn != last + 1 { Issue.record("stream \(stream): \(event)") }
            open.insert(event.turn)
          case .emit(let event) where event.kind == .endOfTurn:
            if open.remove(event.turn) == nil { Issue.record("stream \(stream): \(event)") }
            last = event.turn
          case .sendAudio(let range):
            if range.isEmpty || range.upperBound > held { Issue.record("stream \(stream): \(range)") }
          case .finish: isOver = true
          default: break
          }
        }
      }
      take(machine.start(now: now))
      for _ in 0..<(stream % 100 == 0 ? 60 : 2 + pick(3)) where !isOver {
        now = now.advanced(by: .milliseconds(1 + pick(3000)))
        held += Int64(pick(64_000))
        take(machine.audioArrived(max(0, held - 480_000)..<held, now: now))
        take(machine.opened(requestID: nil, now: now))
        if pick(3) > 0 { take(machine.received(Array(Self.seeds[0].utf8), now: now)) }
        var text = Array(Self.seeds[pick(Self.seeds.count)].utf8)
        if pick(2) == 0 {
          for _ in 0...pick(4) {
            switch pick(3) {
            case 0: text[pick(text.count)] = UInt8(truncatingIfNeeded: generator.next())
            case 1: text.insert(UInt8(ascii: "9"), at: pick(text.count))
            default: if text.count > 1 { text.remove(at: pick(text.count)) }
            }
          }
        }
        take(machine.received(text, now: now))
        take(machine.pump(now: now, room: Int64(pick(40_000))))
        if pick(9) == 0 { take(machine.closed(code: nil, reason: "", now: now)) }
        if pick(20) == 0 { machine.inputEnded(now: now) }
        take(machine.tick(now: now))
      }
      take(machine.cancel())
      if !open.isEmpty || !isOver { Issue.record("stream \(stream) left turns open: \(open)") }
    }
  }

  @Test("unknown messages are passed on as notices with their text, and harm nothing")
  func unknownMessages() throws {
    let stage = SessionStage(.init(liveness: .live))
    stage.run(0.5)
    let raw = #"{"type":"SomeFutureFeature","version":2,"payload":{"nested":true}}"#
    stage.connections[0].give(raw)
    let notice = try #require(stage.world.notices.first { $0.notice == "unknown-message" })
    #expect(notice.details.first { $0.name == "raw" }?.value.stringValue == raw)
    #expect(stage.runToEnd().turns == FaultTableTests.whole)
  }

  @Test("an unknown event is passed on with the service's own fields")
  func unknownEvent() throws {
    let stage = SessionStage(.init(liveness: .live))
    stage.run(0.3)
    stage.connections[0].give(
      #"{"type":"TurnInfo","event":"BrandNewEvent","turn_index":0,"audio_window_start":0,"audio_window_end":0.2,"transcript":"","words":[],"future":7,"sequence_id":2}"#
    )
    let event = try #require(stage.events.first { $0.kind.rawValue == "BrandNewEvent" })
    #expect(event.service?["future"]?.intValue == 7)
  }
}
