import Foundation
import Testing

/// Where events go.
@Suite(.timeLimit(.minutes(10)), .enabled(if: Peers.areThere, "needs Python's websockets and ffmpeg"))
struct SinkTests {
  private let sound: String

  init() async throws {
    sound = try await Recordings.shared.value.path("short.wav")
  }

  @Test("stdout, a file and a webhook get the same events, in order, and the webhook those it asked for")
  func severalSinks() async throws {
    let flux = try await FakeFlux.shared.value
    let hook = try Peers.start("webhook.py")
    let port = try await hook.line(containing: "port").dropFirst(5)
    let folder = try Folder()
    try folder.write(
      """
      param sound
      param service
      heard = file $sound | flux endpoint=$service
      heard | stdout json
      heard | jsonl logs/all.jsonl
      heard | where event in [StartOfTurn, EndOfTurn] and transcript != "" | webhook http://127.0.0.1:\(port)/turns
      """, to: "several.graph")
    let arguments = [
      "run", "several.graph", "--set", "sound=\(sound)", "--set", "service=\(flux.call("normal").url)",
    ]
    let outcome = try await Fluxgraph.command(arguments, directory: folder.path)
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(try outcome.events().count >= 6)
    #expect(try await Peers.run("events.py", [], input: Array(outcome.output.utf8)) == "")
    #expect(try folder.text(of: "logs/all.jsonl") == outcome.output)

    let lines = outcome.output.split(separator: "\n")
    let wanted = lines.filter {
      $0.contains(#""event":"StartOfTurn""#) || $0.contains(#""event":"EndOfTurn""#)
    }
    #expect(wanted.count == 2)
    _ = try await hook.line(containing: "EndOfTurn")
    hook.signal(9)
    let posted = try await hook.outcome().output.split(separator: "\n").dropFirst()
    #expect(Array(posted) == wanted)

    // Once more: the file grows.
    let again = try await Fluxgraph.command(
      arguments.dropLast() + ["service=\(flux.call("normal").url)"], directory: folder.path)
    #expect(try folder.text(of: "logs/all.jsonl") == outcome.output + again.output)
  }

  @Test("a webhook that refuses events is told in one line each and fails nothing else")
  func refusingWebhook() async throws {
    let flux = try await FakeFlux.shared.value
    let hook = try Peers.start("webhook.py", ["500"])
    let port = try await hook.line(containing: "port").dropFirst(5)
    let outcome = try await Fluxgraph.run(
      """
      ends = file \(sound) | flux endpoint=\(flux.call("normal").url) | where event == EndOfTurn
      ends | webhook http://127.0.0.1:\(port)/turns?token=s3cr3t
      ends | stdout
      """)
    #expect(outcome.output.contains("Grüße"))
    #expect(
      outcome.errors.split(separator: "\n").filter { $0.contains("500") }.count == 1, "\(outcome.errors)")
    #expect(!outcome.errors.contains("s3cr3t"), "\(outcome.errors)")
    outcome.expectNoCrash()
  }

  @Test("a reader that goes away ends the sink quietly, the rest goes on")
  func closedOutput() async throws {
    let flux = try await FakeFlux.shared.value
    let folder = try Folder()
    let call = flux.call("normal")
    let graph = """
      heard = file \(sound) | flux endpoint=\(call.url)
      heard | stdout json
      heard | jsonl all.jsonl
      """
    let outcome = try await Program.run(
      "/bin/bash",
      ["-c", "\"$0\" run --quiet -e \"$1\" | head -n 1; exit ${PIPESTATUS[0]}", Fluxgraph.path, graph],
      Fluxgraph.surroundings(directory: folder.path))
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(outcome.errors.isEmpty)
    #expect(outcome.output.split(separator: "\n").count == 1)
    #expect(try folder.text(of: "all.jsonl").contains("EndOfTurn"))
    #expect(try await flux.record(of: call).ending == [.text("ForceEndTurn"), .text("CloseStream")])
  }

  @Test("when the only sink's reader is gone, the run ends with 0")
  func noSinkLeft() async throws {
    let flux = try await FakeFlux.shared.value
    let minute = try await Recordings.shared.value.path("minute.wav")
    let graph = "file \(minute) | flux endpoint=\(flux.call("normal").url) | stdout json"
    let outcome = try await Program.run(
      "/bin/bash",
      ["-c", "\"$0\" run --quiet -e \"$1\" | head -n 1; exit ${PIPESTATUS[0]}", Fluxgraph.path, graph],
      Fluxgraph.surroundings(limit: 15))
    #expect(!outcome.wasLate)
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(outcome.errors.isEmpty)
    #expect(outcome.output.split(separator: "\n").count == 1)
  }

  @Test("a file that cannot be written is told by name")
  func unwritableFile() async throws {
    let flux = try await FakeFlux.shared.value
    let outcome = try await Fluxgraph.run(
      "file \(sound) | flux endpoint=\(flux.call("normal").url) | jsonl /proc/nothing/turns.jsonl")
    outcome.expectFailure(74, saying: "/proc/nothing")
  }

  @Test(
    "what a service says cannot begin a line or move the cursor; as JSON it is kept",
    arguments: ["", "{turn} {transcript}"])
  func controlCharacters(template: String) async throws {
    let flux = try await FakeFlux.shared.value
    let end = #"""
      {"type":"TurnInfo","event":"EndOfTurn","turn_index":0,"sequence_id":4,"audio_window_start":0,"audio_window_end":1,
       "transcript":"one\nline\u001b[2J\r","words":[],"end_of_turn_confidence":0.5,"trigger":"model"}
      """#
    let folder = try Folder()
    let outcome = try await Fluxgraph.run(
      """
      heard = file \(sound) | flux endpoint=\(flux.call("text", ["text": end]).url)
      heard | stdout \(template.isEmpty ? "" : "\"\(template)\" on=[EndOfTurn]")
      heard | jsonl all.jsonl
      """, directory: folder.path)
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(outcome.output == (template.isEmpty ? "[0:00.0] one line [2J \n" : "1 one line [2J \n"))
    #expect(try folder.text(of: "all.jsonl").contains(#""transcript":"one\nline\u001b[2J\r""#))
  }

  @Test("a template prints the fields it names")
  func template() async throws {
    let flux = try await FakeFlux.shared.value
    let outcome = try await Fluxgraph.run(
      #"file \#(sound) | flux as=me endpoint=\#(flux.call("normal").url) | stdout "{event:<12}|{turn}|{stream}|{transcript}" on=[EndOfTurn]"#
    )
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(outcome.output == "EndOfTurn   |1|me|Grüße, wörld 🎧\n")
  }
}
