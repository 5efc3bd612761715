import Foundation
import Glibc
import Testing

/// `fluxgraph serve`.
@Suite(.timeLimit(.minutes(10)), .enabled(if: Peers.areThere, "needs Deepgram's SDK, flite and ffmpeg"))
struct ServeTests {
  /// A server and its port.
  private func serve(_ arguments: [String], environment: [String: String] = [:]) async throws -> (
    Program, Int
  ) {
    let program = try Program(
      Fluxgraph.path, ["serve", "--port", "0"] + arguments, Fluxgraph.surroundings(environment))
    let url = try await program.line(containing: "ws://")
    let port = try #require(url.wholeMatch(of: /ws:\/\/127\.0\.0\.1:(\d+)\/v2\/listen/)?.output.1)
    return (program, try #require(Int(port)))
  }

  @Test("our own client is served like any other; SIGTERM ends the server with 0")
  func ownClient() async throws {
    let (server, port) = try await serve([])
    let dialogue = try await Dialogue.shared.value
    let outcome = try await Fluxgraph.run(
      "file \(dialogue.path) | flux endpoint=ws://127.0.0.1:\(port) | where event == EndOfTurn | stdout json")
    #expect(outcome.status == 0, "\(outcome.errors)")
    let heard = try outcome.events().map(\.transcript)
    #expect(heard.count == Dialogue.sentences.count)
    #expect(wordErrorRate(said: Dialogue.sentences, heard: heard) <= 0.35, "\(heard)")
    server.signal(SIGTERM)
    let end = try await server.outcome()
    #expect(end.status == 0, "\(end.errors)")
    #expect(end.output.split(separator: "\n").count == 1)
    end.expectNoCrash()
  }

  @Test("with FLUXGRAPH_LOG_FORMAT=json all it tells is JSON, also what a recogniser complains")
  func json() async throws {
    let (server, port) = try await serve(
      ["--words", "command:sh -c 'echo out of words >&2; exec cat >/dev/null'"],
      environment: ["FLUXGRAPH_LOG_FORMAT": "json"])
    let dialogue = try await Dialogue.shared.value
    let outcome = try await Fluxgraph.run(
      "file \(dialogue.path) duration=3s | pace 4x | flux endpoint=ws://127.0.0.1:\(port) | null")
    #expect(outcome.status == 0, "\(outcome.errors)")
    server.signal(SIGTERM)
    let told = try await server.outcome().errors
    #expect(told.contains("out of words"), "\(told)")
    for line in told.split(separator: "\n") {
      #expect((try? JSONSerialization.jsonObject(with: Data(line.utf8))) is [String: Any], "\(line)")
    }
  }

  @Test("Deepgram's SDK with the right key gets the turns of its audio")
  func sdk() async throws {
    let (server, port) = try await serve(["--key", "LOCAL_KEY"], environment: ["LOCAL_KEY": "the-right-one"])
    let samples = try await Dialogue.shared.value.samples()
    let lines = try await Peers.run("sdk.py", ["\(port)", "the-right-one"], input: samples)
      .split(separator: "\n").map(String.init)
    #expect(lines.first?.hasPrefix("Connected") == true, "\(lines)")
    #expect(!lines.contains { $0.hasPrefix("ERROR") }, "\(lines)")
    let ends = lines.filter { $0.hasPrefix("EndOfTurn ") }.map { String($0.dropFirst(10)) }
    #expect(ends.count == Dialogue.sentences.count, "\(lines)")
    server.signal(SIGTERM)
    #expect(try await server.outcome().status == 0)
  }

  @Test("with `--key` another key is refused, and neither is shown")
  func key() async throws {
    let (server, port) = try await serve(
      ["--key", "LOCAL_KEY", "--words", "none"], environment: ["LOCAL_KEY": "the-right-one"])
    let sound = try await Recordings.shared.value.path("short.wav")
    let graph = "file \(sound) | flux endpoint=ws://127.0.0.1:\(port) max_attempts=1 key=env(MY_KEY) | stdout"
    let wrong = try await Fluxgraph.run(graph, environment: ["MY_KEY": "the-wrong-one"])
    wrong.expectFailure(77, saying: "401", "INVALID_AUTH", "key")
    let right = try await Fluxgraph.run(graph, environment: ["MY_KEY": "the-right-one"])
    #expect(right.status == 0, "\(right.errors)")
    server.signal(SIGTERM)
    let end = try await server.outcome()
    for text in [wrong.errors, right.errors, end.output, end.errors] {
      #expect(!text.contains("the-right-one") && !text.contains("the-wrong-one"))
    }
  }

  @Test("SIGINT ends the server at once and in order while a client is connected")
  func endWithClient() async throws {
    let (server, port) = try await serve(["--words", "none"])
    let sound = try await Recordings.shared.value.path("minute.wav")
    let client = try Fluxgraph.start(
      "file \(sound) | flux endpoint=ws://127.0.0.1:\(port) max_attempts=1 | stdout json")
    _ = try await client.line(containing: "Update")
    server.signal(SIGINT)
    #expect(try await server.outcome().status == 0)
    try await client.outcome().expectFailure(69, saying: "127.0.0.1")
  }

  @Test("a port that is taken is told")
  func takenPort() async throws {
    let (server, port) = try await serve(["--words", "none"])
    let outcome = try await Fluxgraph.command(["serve", "--port", "\(port)"])
    outcome.expectFailure(69, saying: "\(port)")
    server.signal(SIGTERM)
  }
}
