import Foundation
import Glibc
import Testing

/// The local Flux as a user starts it: with faults, as a recorder's other end, and as a server.
@Suite(.timeLimit(.minutes(10)))
struct LocalFluxTests {
  static let words = """
    1
    00:00:00,300 --> 00:00:00,900
    hello world

    """

  /// Three seconds of silence, with a script in which something is said.
  static func folder() throws -> Folder {
    let folder = try Folder()
    let samples = 48_000
    func bytes(_ value: Int) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) } }
    let header =
      Array("RIFF".utf8) + bytes(36 + 2 * samples) + Array("WAVEfmt ".utf8) + bytes(16) + [1, 0, 1, 0]
      + bytes(16_000) + bytes(32_000) + [2, 0, 16, 0] + Array("data".utf8) + bytes(2 * samples)
    try folder.write(Data(header + [UInt8](repeating: 0, count: 2 * samples)), to: "call.wav")
    try folder.write(words, to: "call.srt")
    return folder
  }

  @Test("a fault of the graph comes true at its audio time")
  func fault() async throws {
    let folder = try Self.folder()
    let outcome = try await Fluxgraph.run(
      "file call.wav | flux endpoint=local words=script:call.srt fault=\"drop mid-turn\" max_attempts=1 | stdout json",
      directory: folder.path)
    outcome.expectFailure(69, saying: "was lost")
    let events = try outcome.events()
    #expect(events.last?.event == "EndOfTurn" && events.last?.final == false)
    #expect(events.last?.trigger == "disconnected")
  }

  @Test("late messages, Connected among them, only delay a client that waits for them")
  func latency() async throws {
    let folder = try Self.folder()
    let outcome = try await Fluxgraph.run(
      "file call.wav | flux endpoint=local words=script:call.srt fault=\"latency=300ms\" | stdout json",
      directory: folder.path)
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(try outcome.events().contains { $0.event == "EndOfTurn" && $0.final == true })
  }

  @Test(
    "a session that was recorded comes back from a server without its words, which knows the audio again",
    arguments: [[], ["--no-audio"]])
  func recordAndReplay(options: [String]) async throws {
    let folder = try Self.folder()
    let recorded = try await Fluxgraph.command(
      ["record", "call.fluxrec"] + options + [
        "-e", "file call.wav | flux endpoint=local words=script:call.srt | stdout json",
      ],
      environment: ["DEEPGRAM_API_KEY": "0123456789secret"], directory: folder.path)
    #expect(recorded.status == 0, "\(recorded.errors)")
    #expect(try !folder.text(of: "call.fluxrec").contains("0123456789secret"))
    let server = try Program(
      Fluxgraph.path, ["serve", "--port", "0", "--replay", "call.fluxrec"],
      Fluxgraph.surroundings(directory: folder.path))
    let url = try await server.line(containing: "ws://")
    let replayed = try await Fluxgraph.run(
      "file call.wav | flux endpoint=\(url) | stdout json", directory: folder.path)
    #expect(replayed.status == 0, "\(replayed.errors)")
    #expect(try replayed.events() == recorded.events())
    #expect(try recorded.events().contains { $0.event == "EndOfTurn" && $0.transcript == "hello world" })
    server.signal(SIGINT)
    let outcome = try await server.outcome()
    #expect(outcome.status == 0 && outcome.errors.split(separator: "\n").count == 1, "\(outcome.errors)")
    #expect(outcome.errors.contains("its audio is the recorded one"), "\(outcome.errors)")
    #expect(try folder.text(of: "call.fluxrec").contains("base64") == options.isEmpty)
  }

  @Test("SIGTERM lets a session end in peace, and nobody else begins one")
  func drain() async throws {
    let folder = try Self.folder()
    let server = try Program(
      Fluxgraph.path, ["serve", "--port", "0", "--words", "script:call.srt"],
      Fluxgraph.surroundings(directory: folder.path))
    let url = try await server.line(containing: "ws://")
    let client = try Program(
      Fluxgraph.path, ["run", "-e", "file call.wav | flux endpoint=\(url) | stdout json"],
      Fluxgraph.surroundings(directory: folder.path))
    _ = try await client.line(containing: "StartOfTurn")
    server.signal(SIGTERM)
    let outcome = try await client.outcome()
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(try outcome.events().contains { $0.event == "EndOfTurn" && $0.final == true })
    #expect(try await server.outcome().status == 0)
    let late = try await Fluxgraph.run(
      "file call.wav | flux endpoint=\(url) max_attempts=1 | stdout json", directory: folder.path)
    #expect(late.status == 69)
  }

  @Test("more streams than allowed are refused with 429")
  func crowd() async throws {
    let folder = try Self.folder()
    let server = try Program(
      Fluxgraph.path, ["serve", "--port", "0", "--words", "script:call.srt", "--max-streams", "1"],
      Fluxgraph.surroundings(directory: folder.path))
    let url = try await server.line(containing: "ws://")
    let client = try Program(
      Fluxgraph.path, ["run", "-e", "tone silence live | flux endpoint=\(url) | stdout json"],
      Fluxgraph.surroundings(directory: folder.path))
    _ = try await client.line(containing: "Update")
    let second = try await Fluxgraph.run(
      "file call.wav | flux endpoint=\(url) max_attempts=1 | stdout json", directory: folder.path)
    second.expectFailure(69, saying: "Too many requests")
    client.signal(SIGINT)
    #expect(try await client.outcome().status == 0)
  }

  @Test(
    "a wrong command line is refused before anything listens",
    arguments: [
      (["--address", "0.0.0.0"], 64, "--public"), (["--max-streams", "0"], 64, "--max-streams"),
      (["--fault", "explode"], 78, "explode"), (["--words", "command: "], 78, "program"),
      (["--replay", "call.srt"], 65, "call.srt"), (["--words", "script:call.wav"], 65, "call.wav"),
    ] as [([String], Int32, String)])
  func refusals(arguments: [String], status: Int32, part: String) async throws {
    let folder = try Self.folder()
    let outcome = try await Fluxgraph.command(["serve", "--port", "0"] + arguments, directory: folder.path)
    #expect(outcome.status == status && outcome.output.isEmpty)
    #expect(outcome.errors.contains(part), "\(outcome.errors)")
  }

  @Test("a recogniser of the user's is found, and runs, in the graph's directory")
  func ownRecogniser() async throws {
    let folder = try Folder()
    let sound = Peers.packageRoot.appending(path: "graphs/audio/dialogue.opus").path
    try folder.write(
      "file \(sound) duration=5s | pace 4x | flux endpoint=local words=\"command:./say\" | stdout json\n",
      to: "inner/own.graph")
    // What it says stands in a file beside it.
    try folder.write("#!/bin/sh\ncat words.jsonl; cat >/dev/null\n", to: "inner/say")
    try folder.write(
      "{\"word\":\"here\",\"start\":0.1,\"end\":0.3}\n{\"until\":10}\n", to: "inner/words.jsonl")
    try await Peers.shell("chmod +x say", in: folder.path("inner"))
    let outcome = try await Fluxgraph.command(["run", "inner/own.graph"], directory: folder.path)
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(
      try outcome.events().contains { $0.event == "EndOfTurn" && $0.transcript.contains("here") },
      "\(outcome.errors)")
  }
}
