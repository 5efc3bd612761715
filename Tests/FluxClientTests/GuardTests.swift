import FluxGraph
import FluxProtocol
import StageTesting
import Testing

@testable import FluxClient

@Suite("Guards of a session")
struct GuardTests {
  @Test("a live source that pauses inside a turn is stood in for by silence in real time, and the turn ends")
  func pause() {
    let source = SessionStage.Source(
      liveness: .live, speech: Speech("one@1.0 two@1.4 three@3.0"), seconds: 6, pauses: [2.0...8.0])
    let stage = SessionStage(source).runToEnd()
    #expect(stage.turns == ["1 one two", "2 three"])
    let silence = stage.services[0].blocks.count { $0 == nil }
    // One and a half times the 0.8 s that end a turn would be too much: it ends as soon as it can.
    #expect((1...12).contains(silence), "\(silence)")
    // Silence that was sent is no part of the stream's time; the service hears in blocks of 80 ms.
    let place = Double(stage.places[2].dropFirst("three@".count)) ?? 0
    #expect(abs(place - 3) < 0.08, "\(place)")
    #expect(stage.brokenPromises == [])
  }

  @Test("times behind silence that was sent are the source's own, and those within it where it began")
  func pauses() {
    var pauses = StreamPauses()
    #expect(pauses.isEmpty && pauses.streamTime(5) == 5)
    pauses.add(length: 0.5, endingAt: 2.5)
    pauses.add(length: 1, endingAt: 5)
    #expect([1.5, 2, 2.25, 2.5, 3, 4.5, 5, 6].map(pauses.streamTime) == [1.5, 2, 2, 2, 2.5, 3.5, 3.5, 4.5])
  }

  @Test("pause_silence=0s sends none, and the turn waits")
  func noPause() {
    let source = SessionStage.Source(
      liveness: .live, speech: Speech("one@1.0 two@1.4 three@3.0"), seconds: 6, pauses: [2.0...8.0])
    let stage = SessionStage(source) { $0.limits.pause = .zero }.runToEnd()
    #expect(stage.services[0].blocks.allSatisfy { $0 != nil })
    #expect(stage.turns == ["1 one two", "2 three"])
  }

  @Test("a service that says nothing of an open turn while no audio flows has it ended here after 20 s")
  func dangling() {
    let source = SessionStage.Source(
      liveness: .live, speech: Speech("one@1.0 two@4.0"), seconds: 6, pauses: [1.3...40])
    let stage = SessionStage(source) { $0.limits.pause = .zero }.runToEnd()
    #expect(stage.turns.first == "1 one [stalled]")
    #expect(stage.notices.contains("turn-stalled"))
    #expect(stage.brokenPromises == [])
  }

  @Test("max_duration ends the session in order, with the open turn's text")
  func maximumDuration() {
    let stage = SessionStage { $0.limits.audio = .seconds(4.8) }.runToEnd()
    #expect(stage.intervals == ["0.00-4.80"])
    #expect(stage.turns == ["1 one two three", "2 four five"])
    #expect(stage.notices == ["max-duration"])
    #expect(stage.connections[0].sentTexts == [#"{"type":"ForceEndTurn"}"#, #"{"type":"CloseStream"}"#])
  }

  @Test("an older service that does not know ForceEndTurn loses no text")
  func olderService() {
    let source = SessionStage.Source(speech: Speech("one@1.0 two@9.9"), seconds: 10)
    let stage = SessionStage(source, knowsForceEndTurn: false).runToEnd()
    #expect(stage.turns == ["1 one", "2 two [input-ended]"])
    #expect(stage.brokenPromises == [])
  }

  @Test("no message is empty, and all but the last are 80 ms")
  func wholeMessages() {
    let stage = SessionStage(SessionStage.Source(seconds: 9.99), faults: [.cut(after: 4.6)]).runToEnd()
    for connection in stage.connections {
      #expect(connection.sentBytes.count == connection.sentMessages * ScriptedFlux.blockBytes)
    }
  }

  @Test("turns with too few words are not told of, and leave no hole in the numbers")
  func minimumWords() {
    let speech = Speech("one@1.0 four@4.0 five@4.4 seven@7.0 eight@7.4")
    let stage = SessionStage(.init(speech: speech)) { $0.filter = TurnFilter(minimumWords: 2) }.runToEnd()
    #expect(stage.turns == ["1 four five", "2 seven eight"])
    #expect(stage.brokenPromises == [])
    let unsure = SessionStage(.init(speech: speech)) { $0.filter = TurnFilter(minimumConfidence: 0.95) }
    #expect(unsure.runToEnd().turns == [])
    #expect(unsure.events.allSatisfy { $0.kind == .update })
  }
}
