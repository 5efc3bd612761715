import Foundation
import Testing

/// Where the key is looked for, and that it is shown nowhere.
@Suite(.timeLimit(.minutes(1)), .enabled(if: Peers.areThere, "needs Python's websockets and ffmpeg"))
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
}
