import Foundation
import Testing

/// What a user sees of a running program from outside. Real time passes, as it does for a user.
@Suite(.timeLimit(.minutes(10))) struct ObservedRunTests {
  /// A graph that hears a minute of sound, as long as it takes.
  private func start(_ arguments: [String], environment: [String: String?] = [:]) async throws -> Program {
    let sound = try await Recordings.shared.value.path("minute.wav")
    let graph =
      "sound = file \(sound) | pace 1x\nheard = sound | flux endpoint=local words=none\nheard | jsonl /dev/null"
    return try Program(Fluxgraph.path, ["run", "-e", graph] + arguments, .init(environment: environment))
  }

  @Test("Prometheus' own parser reads the metrics, and /healthz and /readyz say what they should")
  func metrics() async throws {
    let program = try await start(["--metrics", "127.0.0.1:0"])
    let line = try await program.errorLine(containing: "metrics at ")
    let url = String(try #require(line.firstMatch(of: /http:\S+/)).output)
    let answer = try JSONDecoder().decode(
      [String: Double].self, from: Data(try await Peers.run("metrics.py", [url]).utf8))
    #expect(answer["healthz"] == 200 && answer["readyz"] == 200)
    #expect((answer["fluxgraph_audio_seconds_total"] ?? 0) > 0 && (answer["fluxgraph_chunks_total"] ?? 0) > 0)
    #expect(answer["fluxgraph_connections"] == 1 && answer["fluxgraph_build_info"] == 1)
    #expect(answer["other"] == 404 && answer["post"] == 405)
  }

  @Test("tap prints the events of a name, and the level of audio, and knows what there is")
  func tap() async throws {
    let folder = try Folder()
    let socket = folder.path("control")
    let program = try await start(["--control", socket, "--metrics", "127.0.0.1:0"])
    _ = try await program.errorLine(containing: "metrics at ")
    let events = try Program(Fluxgraph.path, ["tap", socket, "heard"])
    let levels = try Program(Fluxgraph.path, ["tap", socket, "sound"])
    #expect(try await events.line(containing: #""event":"#).hasPrefix(#"{"v":1,"#))
    let level = try await levels.line(containing: "Level")
    #expect(level.contains(#""stream":"sound""#) && level.contains("16k mono"), "\(level)")
    let unknown = try await Program.run(Fluxgraph.path, ["tap", socket, "herd"])
    #expect(unknown.status == 69 && unknown.errors.contains("heard"), "\(unknown.errors)")
    program.signal(2)
    // A tap ends with its stream.
    let (all, ended) = (try await levels.outcome(), try await program.outcome())
    #expect(all.status == 0 && ended.status == 0, "\(ended.errors)")
  }

  @Test("commands and taps reach all inputs of a batch that are under way; the log tells what is opened")
  func batch() async throws {
    let folder = try Folder()
    let sound = try Data(contentsOf: URL(filePath: try await Recordings.shared.value.path("minute.wav")))
    for name in ["one.wav", "two.wav"] { try folder.write(sound, to: name) }
    let socket = folder.path("control")
    let graph =
      "param input\nheard = file $input | flux endpoint=local words=none\nheard | jsonl {$input.stem}.jsonl"
    try folder.write(graph, to: "g.graph")
    let program = try Program(
      Fluxgraph.path, ["batch", "g.graph", "one.wav", "two.wav", "--jobs", "2", "--control", socket],
      Fluxgraph.surroundings(
        ["FLUXGRAPH_LOG": "error,file:info,flux:info,jsonl:info"], directory: folder.path))
    for part in ["one.wav, ", "two.wav, ", "one.jsonl", "two.jsonl", "connected, request"] {
      _ = try await program.errorLine(containing: part)
    }
    let unknown = try await Program.run(Fluxgraph.path, ["tap", socket, "herd"])
    #expect(unknown.status == 69 && unknown.errors.hasSuffix("there are heard\n"), "\(unknown.errors)")
    let status = try await Program.run(Fluxgraph.path, ["ctl", socket, "status"])
    let lines = status.output.split(separator: "\n")
    #expect(lines.filter { $0.hasPrefix("heard") }.count == 2, "\(status.output)")
    let events = try Program(Fluxgraph.path, ["tap", socket, "heard"])
    _ = try await events.line(containing: #""event":"#)
    program.signal(2)
    let (all, ended) = (try await events.outcome(), try await program.outcome())
    #expect(all.status == 0 && ended.status == 130, "\(ended.errors)")
  }

  @Test("SIGUSR1 prints how every part fares; --stats what was done; JSON when asked for")
  func snapshot() async throws {
    let program = try await start(
      ["--stats"], environment: ["FLUXGRAPH_LOG_FORMAT": "json", "FLUXGRAPH_LOG": "error,flux:info"])
    _ = try await program.errorLine(containing: "connected, request")
    program.signal(10)
    let snapshot = try await program.errorLine(containing: #""event":"Snapshot""#)
    #expect(
      snapshot.contains(#""stages":["file","decode","pace""#) && snapshot.contains(#""kind":"recogniser""#),
      "\(snapshot)")
    program.signal(2)
    let outcome = try await program.outcome()
    #expect(outcome.status == 0)
    for line in outcome.errors.split(separator: "\n") {
      _ = try JSONSerialization.jsonObject(with: Data(line.utf8))
    }
    #expect(
      outcome.errors.contains(#""event":"Statistics""#) && outcome.errors.contains(#""chunks":"#),
      "\(outcome.errors)")
  }

  @Test(
    "mistakes are told before anything runs",
    arguments: [
      (["--metrics", "0.0.0.0:9464"], 64, "--public"), (["--metrics", "9464"], 64, "127.0.0.1:9464"),
      (["--public"], 64, "--metrics"),
    ] as [([String], Int32, String)])
  func mistakes(_ arguments: [String], _ code: Int32, _ text: String) async throws {
    let outcome = try await Fluxgraph.command(["run", "-e", "tone | null"] + arguments)
    #expect(outcome.status == code && outcome.errors.contains(text), "\(outcome.errors)")
  }
}
