import Foundation
import Testing

/// Connections that are cut on their way to the local Flux server.
@Suite(.timeLimit(.minutes(10)), .enabled(if: Peers.areThere, "needs Python, ffmpeg and flite"))
struct ReconnectTests {
  private let dialogue: Dialogue

  init() async throws {
    dialogue = try await Dialogue.shared.value
  }

  /// Runs the dialogue against a server behind a proxy that cuts after so many bytes of each connection.
  private func run(_ cuts: [Int], _ options: String = "") async throws -> Program.Outcome {
    let server = try Program(
      Fluxgraph.path, ["serve", "--port", "0", "--words", "none"],
      Fluxgraph.surroundings(holdsInput: true, limit: 600))
    defer { server.signal(SIGTERM) }
    let url = try await server.line(containing: "ws://")
    let port = try #require(url.split(separator: ":").last?.split(separator: "/").first)
    let proxy = try Peers.start("cut.py", [String(port)] + cuts.map { String($0) })
    defer { proxy.signal(SIGTERM) }
    let front = try await proxy.line(containing: "port").split(separator: " ")[1]
    return try await Fluxgraph.run(
      "file \(dialogue.path) | flux endpoint=ws://127.0.0.1:\(front) \(options) | stdout json")
  }

  private func ends(_ outcome: Program.Outcome) throws -> [Program.Outcome.Event] {
    try outcome.events().filter { $0.event == "EndOfTurn" }
  }

  @Test(
    "a file's turns are the same whether its connection is cut or not",
    arguments: [[50_000], [120_000, 90_000]])
  func replayed(cuts: [Int]) async throws {
    let whole = try await run([])
    #expect(whole.status == 0, "\(whole.errors)")
    let cut = try await run(cuts)
    #expect(cut.status == 0, "\(cut.errors)")
    #expect(cut.errors.components(separatedBy: "again after").count == cuts.count + 1, "\(cut.errors)")
    let expected = try ends(whole)
    let got = try ends(cut)
    #expect(!expected.isEmpty)
    #expect(got.map(\.turn) == expected.map(\.turn))
    #expect(got.map(\.transcript) == expected.map(\.transcript))
    #expect(got.allSatisfy { $0.final == true })
  }

  @Test("with resume=cut the open turn ends with what was heard, and no number comes twice")
  func cut() async throws {
    let outcome = try await run([60_000], "resume=cut")
    #expect(outcome.status == 0, "\(outcome.errors)")
    let ends = try ends(outcome)
    #expect(ends.first?.final == false && ends.first?.trigger == "disconnected")
    #expect(ends.map(\.turn) == Array(1...ends.count))
  }

  @Test("a running graph takes commands: status, end-turn, set; and SIGUSR2 ends a turn")
  func commands() async throws {
    let folder = try Folder()
    let socket = folder.path("control")
    // Long enough for a machine that has other things to do.
    let samples = try dialogue.samples()
    let sound = folder.path("long.raw")
    try Data((0..<20).flatMap { _ in samples }).write(to: URL(filePath: sound))
    let program = try Program(
      Fluxgraph.path,
      [
        "run", "--control", socket, "-e",
        """
        heard = file \(sound) | decode raw=pcm(s16le, 16k, mono) | flux endpoint=local words=none
        heard | where event == EndOfTurn and trigger == manual | jsonl \(folder.path("ended.jsonl"))
        """,
      ], Fluxgraph.surroundings(limit: 110))
    var status = try await Fluxgraph.command(["ctl", socket, "status"])
    while !status.output.hasPrefix("heard: connected to") {
      status = try await Fluxgraph.command(["ctl", socket, "status"])
    }
    let mode = try FileManager.default.attributesOfItem(atPath: socket)[.posixPermissions] as? Int
    #expect(mode == 0o600)
    let set = try await Fluxgraph.command(["ctl", socket, "heard", "set", "eot_threshold=0.9"])
    #expect(set.status == 0, "\(set.errors)")
    _ = try await program.errorLine(containing: "new settings: eot_threshold=0.9")
    let wrong = try await Fluxgraph.command(["ctl", socket, "set", "model=flux-general-multi"])
    #expect(wrong.status == 69 && wrong.errors.contains("restart"))
    let unknown = try await Fluxgraph.command(["ctl", socket, "nobody", "end-turn"])
    #expect(unknown.status == 69 && unknown.errors.contains("there are heard"))
    // Between two turns there is none to end.
    while try await Fluxgraph.command(["ctl", socket, "end-turn"]).status != 0 {}
    let ended = { (try? folder.text(of: "ended.jsonl"))?.split(separator: "\n").count ?? 0 }
    while ended() < 1 { try await Task.sleep(for: .milliseconds(50)) }
    while ended() < 2 {
      program.signal(SIGUSR2)
      try await Task.sleep(for: .milliseconds(50))
    }
    program.signal(SIGINT)
    let outcome = try await program.outcome()
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(!FileManager.default.fileExists(atPath: socket))
  }
}
