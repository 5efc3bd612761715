import Foundation
import Testing

/// Speech in, words out, through the local Flux.
@Suite(.timeLimit(.minutes(10)), .enabled(if: Peers.areThere, "needs flite and ffmpeg"))
struct DialogueTests {
  @Test("the quickstart's graph turns its dialogue into turns with the words that are said")
  func quickstart() async throws {
    let root = Peers.packageRoot
    let outcome = try await Fluxgraph.command(["run", root.appending(path: "graphs/quickstart.graph").path])
    #expect(outcome.status == 0, "\(outcome.errors)")
    let script = try String(
      contentsOf: root.appending(path: "graphs/audio/dialogue.txt"), encoding: .utf8)
    // Voice, pause, sentence; what follows after a short pause belongs to the same turn.
    let lines = script.split(separator: "\n").filter { !$0.hasPrefix("#") }.map {
      $0.split(separator: " ", maxSplits: 2, omittingEmptySubsequences: true)
    }
    let said = lines.map { String($0[2]) }
    let turns = lines.filter { (Double($0[1]) ?? 0) >= 0.5 }.count
    let printed = outcome.output.split(separator: "\n")
    #expect(printed.count == turns, "\(outcome.output)")
    #expect(printed.allSatisfy { $0.contains(/^\[\d:\d\d\.\d\] \w/) }, "\(outcome.output)")
    let heard = printed.map { String($0.drop { $0 != "]" }.dropFirst()) }
    let rate = wordErrorRate(said: said, heard: heard)
    #expect(rate <= 0.35, "\(outcome.output)")
  }

  @Test("another voice with other sentences gives a turn for each, and events as their format says")
  func otherVoice() async throws {
    let dialogue = try await Dialogue.shared.value
    let outcome = try await Fluxgraph.run("file \(dialogue.path) | flux endpoint=local | stdout json")
    #expect(outcome.status == 0, "\(outcome.errors)")
    let ends = try outcome.events().filter { $0.event == "EndOfTurn" }
    #expect(ends.count == Dialogue.sentences.count)
    #expect(ends.allSatisfy { $0.final == true })
    let rate = wordErrorRate(said: Dialogue.sentences, heard: ends.map(\.transcript))
    #expect(rate <= 0.35, "\(ends.map(\.transcript))")
    #expect(try await Peers.run("events.py", [], input: Array(outcome.output.utf8)) == "")
  }

  @Test("`words=script:FILE` gives exactly the script's words, at their times")
  func script() async throws {
    let folder = try Folder()
    try folder.write(
      """
      [{"word": "Grüß", "start": 0.2, "end": 0.5}, {"word": "Gott!", "start": 0.55, "end": 0.9, "confidence": 0.5}]
      """, to: "words.json")
    try await Peers.shell(
      "ffmpeg -nostdin -v error -f lavfi -i anullsrc=sample_rate=16000 -t 2.6 silence.wav", in: folder.path)
    let outcome = try await Fluxgraph.run(
      "file silence.wav | flux as=me endpoint=local words=script:words.json | stdout json",
      directory: folder.path)
    #expect(outcome.status == 0, "\(outcome.errors)")
    let ends = try outcome.events().filter { $0.event == "EndOfTurn" }
    #expect(ends.map(\.transcript) == ["Grüß Gott!"])
    #expect(outcome.output.contains(#""stream":"me""#))
    #expect(outcome.output.contains(#"{"word":"Gott!","start":0.55,"end":0.9,"confidence":0.5}"#))
    #expect(try await Peers.run("events.py", [], input: Array(outcome.output.utf8)) == "")
  }
}
