import FluxGraph
import FluxProtocol
import Foundation
import StageTesting
import Testing

@testable import FluxClient

/// Messages of the service's documentation and of a live session, through a whole session.
@Suite("A session with messages as the service sends them")
struct VectorTests {
  private func events(_ lines: [String], _ adjust: (inout FluxSessionSettings) -> Void = { _ in }) -> [String]
  {
    let stage = SessionStage(.init(liveness: .live), faults: [.mute], adjust: adjust)
    stage.run(0.1)
    stage.connections[0].give(#"{"type":"Connected","request_id":"r","sequence_id":0}"#)
    stage.run(0.1)
    for line in lines { stage.connections[0].give(line) }
    stage.session.cancel()
    #expect(stage.brokenPromises == [])
    return stage.events.map { event in
      var text = "\(event.kind.rawValue) \(event.turn) \(event.transcript)"
      if event.isSynthesised { text += " [made here]" }
      if let trigger = event.trigger { text += " [\(trigger)]" }
      return text
    }
  }

  private func info(
    _ event: String, _ end: Double, _ transcript: String, turn: Int = 0, trigger: String? = nil
  ) -> String {
    let words = transcript.split(separator: " ").map { #"{"word":"\#($0)","confidence":0.9}"# }
    let tail = trigger.map { #","trigger":"\#($0)""# } ?? ""
    return #"{"type":"TurnInfo","event":"\#(event)","turn_index":\#(turn),"audio_window_start":0.0,"#
      + #""audio_window_end":\#(end),"transcript":"\#(transcript)","words":[\#(words.joined(separator: ","))],"#
      + #""end_of_turn_confidence":0.1\#(tail)}"#
  }

  @Test("speech before StartOfTurn belongs to no turn yet")
  func live() {
    let events = events([
      info("Update", 0.24, ""), info("Update", 0.72, "We"), info("StartOfTurn", 0.96, "We, the"),
      info("Update", 1.2, "We, the people,"), info("EagerEndOfTurn", 19.84, "We the people"),
      info("Update", 19.92, "We the people"), info("EndOfTurn", 20, "We the people"),
      info("Update", 20.24, "", turn: 1), info("Update", 21.92, "", turn: 1),
    ])
    #expect(
      events == [
        "Update 1 ", "Update 1 We", "StartOfTurn 1 We, the", "Update 1 We, the people,",
        "EagerEndOfTurn 1 We the people", "Update 1 We the people", "EndOfTurn 1 We the people", "Update 2 ",
        "Update 2 ",
      ])
  }

  @Test("the five events stay apart: eager, resumed, eager, end")
  func eager() {
    let text = "Hi I need to cancel my subscription"
    let events = events([
      info("Update", 0.2, ""), info("StartOfTurn", 0.6, "Hi I"), info("Update", 1.0, text + "."),
      info("EagerEndOfTurn", 1.1, text + "."), info("TurnResumed", 1.2, text + " please"),
      info("EagerEndOfTurn", 1.5, text + " please."),
      info("EndOfTurn", 1.7, text + " please.", trigger: "model"),
    ])
    #expect(
      events == [
        "Update 1 ", "StartOfTurn 1 Hi I", "Update 1 \(text).", "EagerEndOfTurn 1 \(text).",
        "TurnResumed 1 \(text) please", "EagerEndOfTurn 1 \(text) please.",
        "EndOfTurn 1 \(text) please. [model]",
      ])
  }

  @Test("a missing start is made here, an empty end keeps the text, an open turn is ended here")
  func broken() {
    let events = events([
      info("EndOfTurn", 1, "I need help", trigger: "manual"), info("StartOfTurn", 2, "Hello", turn: 1),
      info("EndOfTurn", 3, "", turn: 1, trigger: "timeout"), info("StartOfTurn", 4, "Bye", turn: 2),
    ])
    #expect(
      events == [
        "StartOfTurn 1 I need help [made here]", "EndOfTurn 1 I need help [manual]", "StartOfTurn 2 Hello",
        "EndOfTurn 2 Hello [timeout]", "StartOfTurn 3 Bye", "EndOfTurn 3 Bye [made here] [input-ended]",
      ])
  }

  @Test("Cloudflare's messages have no type, and no greeting comes before them")
  func cloudflare() {
    let line =
      #"{"request_id":"r","sequence_id":1,"event":"StartOfTurn","turn_index":0,"audio_window_start":0,"audio_window_end":0.1,"transcript":"Hello","words":[{"word":"Hello","confidence":0.8}],"end_of_turn_confidence":0.12}"#
    let stage = SessionStage(.init(liveness: .live), faults: [.mute]) { $0.dialect = .cloudflare }
    stage.run(0.3)
    #expect(stage.connections[0].sentMessages > 0)
    stage.connections[0].give(line)
    #expect(stage.events.map(\.kind) == [.startOfTurn])
  }

  private static let vectors = ProcessInfo.processInfo.environment["FLUX_VECTORS"]

  @Test(
    "the capture of a live session yields exactly its events",
    .enabled(if: vectors != nil, "the capture is not part of the repository: FLUX_VECTORS"))
  func capture() throws {
    let path = "\(try #require(Self.vectors))/flux-live/frames.json"
    let frames = try #require(
      try JSONValue.parse([UInt8](Data(contentsOf: URL(filePath: path))))["frames"]?.arrayValue)
    let stage = SessionStage(.init(liveness: .live), faults: [.mute])
    stage.run(0.1)
    for frame in frames { stage.connections[0].give(try #require(frame.stringValue)) }
    let expected = try frames.compactMap { frame -> String? in
      guard case .turnInfo(let info) = try ServerMessage(decoding: frame.stringValue ?? "") else {
        return nil
      }
      return "\(info.event.rawValue) \((info.turnIndex ?? 0) + 1) \(info.transcript)"
    }
    #expect(expected.count == 103)
    #expect(stage.events.map { "\($0.kind.rawValue) \($0.turn) \($0.transcript)" } == expected)
    #expect(stage.notices == ["configured"])
    #expect(stage.brokenPromises == [])
  }
}
