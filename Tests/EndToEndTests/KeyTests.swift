import Foundation
import Testing

/// Where the key is looked for, and that it is shown nowhere.
@Suite(.timeLimit(.minutes(10)), .enabled(if: Peers.areThere, "needs Python's websockets and ffmpeg"))
struct KeyTests {
  private let key = "k3y-0f-s0me0ne"

  /// Runs `graphs/talk.graph` in a fresh folder and returns the key the service was sent.
  private func sentKey(_ settings: [String: String], environment: [String: String] = [:]) async throws
    -> String?
  {
    let flux = try await FakeFlux.shared.value
    let call = flux.call("normal")
    let folder = try Folder()
    let sound = try await Recordings.shared.value.path("short.wav")
    try folder.write(
      "file \(sound) | flux endpoint=\(call.url) key=env(TALK_KEY) | stdout json\n", to: "graphs/talk.graph")
    for (name, text) in settings { try folder.write(text, to: name) }
    let outcome = try await Fluxgraph.command(
      ["run", "graphs/talk.graph"], environment: environment, directory: folder.path)
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(!outcome.errors.contains(key) && !outcome.output.contains(key))
    let checked = try await Fluxgraph.command(
      ["check", "graphs/talk.graph"], environment: environment, directory: folder.path)
    #expect(checked.status == 0, "\(checked.errors)")
    #expect(!checked.errors.contains(key) && !checked.output.contains(key))
    return try await flux.record(of: call).headers["Authorization"]
  }

  @Test("a .env beside the graph is found")
  func besideGraph() async throws {
    #expect(try await sentKey(["graphs/.env": "# mine\nTALK_KEY=\(key)\n"]) == "Token \(key)")
  }

  @Test("a .env in the working directory is found, with `export` and quotes")
  func inWorkingDirectory() async throws {
    #expect(try await sentKey([".env": "export TALK_KEY=\"\(key)\"\n"]) == "Token \(key)")
  }

  @Test("the one beside the graph wins over the working directory, the environment over both")
  func order() async throws {
    let files = ["graphs/.env": "TALK_KEY=\(key)\n", ".env": "TALK_KEY=other\n"]
    #expect(try await sentKey(files) == "Token \(key)")
    #expect(try await sentKey(files, environment: ["TALK_KEY": "third"]) == "Token third")
  }

  @Test(
    "a .env of an editor on Windows is read; lines that cannot be used are told, and what is in them is not")
  func awkwardFile() async throws {
    let text = "\u{FEFF}TALK_KEY=\(key)\r\n\(key)\r\nBAD-NAME=\(key)\r\n"
    #expect(try await sentKey(["graphs/.env": text]) == "Token \(key)")
    let folder = try Folder()
    try folder.write(text, to: ".env")
    let outcome = try await Fluxgraph.command(
      ["check", "-e", "tone | flux endpoint=local | stdout"], directory: folder.path)
    let lines = outcome.errors.split(separator: "\n").map { $0.prefix(15) }
    #expect(lines == ["warning: .env:2", "warning: .env:3"], "\(outcome.errors)")
  }

  @Test(
    "a secret written into the graph by mistake is not shown",
    arguments: [
      "key=sk-h1dden0123456789", "key=env(sk-h1dden0123456789)", "key=\"sk h1dden\"", "ky=h1dden",
      "key=env(h1dden67890abcdef1234567890abcdef12345678)", "endpoint=wss://me:h1dden@flux.example.com",
      "token=h1dden",
    ])
  func misplaced(option: String) async throws {
    for command in [["check"], ["run"], ["graph"], ["check", "--diagnostics", "json"]] {
      let outcome = try await Fluxgraph.command(command + ["-e", "tone | flux \(option) | stdout"])
      #expect(outcome.status == 78, "\(outcome.errors)")
      let shown = outcome.errors + outcome.output
      #expect(!shown.isEmpty && !shown.contains("h1dden"), "\(shown)")
    }
  }

  @Test("check --world and run agree about a key that is missing")
  func missing() async throws {
    let graph = "tone duration=1s | flux | stdout"
    let check = try await Fluxgraph.command(["check", "--world", "-e", graph])
    #expect(check.status == 77 && check.output.contains("there is no key"), "\(check.output)")
    #expect(try await Fluxgraph.run(graph).status == 77)
    let set = try await Fluxgraph.command(
      ["check", "--world", "-e", graph], environment: ["DEEPGRAM_API_KEY": key])
    #expect(set.status == 0 && !set.output.contains(key), "\(set.output)")
  }
}
