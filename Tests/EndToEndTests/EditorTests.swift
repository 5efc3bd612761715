import Foundation
import Testing

/// Shells and drawing programs.
private enum EditorPrograms {
  static let areThere =
    ProcessInfo.processInfo.environment["FLUXGRAPH_REQUIRE_PEERS"] == "1"
    || Peers.areThere
      && ["zsh", "fish", "dot"].allSatisfy { FileManager.default.isExecutableFile(atPath: "/usr/bin/\($0)") }
}

/// What helps to write and to look at graphs, with the programs it is for.
@Suite(
  .timeLimit(.minutes(10)), .enabled(if: EditorPrograms.areThere, "needs bash, zsh, fish, graphviz and peers")
)
struct EditorTests {
  private static let graphs: [String] = {
    let folder = Peers.packageRoot.appending(path: "graphs").path
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    return names.filter { $0.hasSuffix(".graph") }.sorted().map { "\(folder)/\($0)" }
  }()

  /// What a graph of the gallery wants from the environment.
  private static let environment = [
    "CF_AIG_TOKEN": "t", "HOOK_SECRET": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLwSw",
  ]

  private func script(_ shell: String, in folder: Folder) async throws -> String {
    let outcome = try await Fluxgraph.command(["completion", shell])
    try #require(outcome.status == 0)
    try folder.write(outcome.output, to: "completion.\(shell)")
    return folder.path("completion.\(shell)")
  }

  /// Lines, and what each becomes with a Tab.
  private static let lines = [
    ("fluxgraph insp", "inspect"), ("fluxgraph inspect webh", "webhook"),
    ("fluxgraph explain unknown-st", "unknown-stage"), ("fluxgraph check --wor", "--world"),
    ("fluxgraph graph --format mer", "mermaid"), ("fluxgraph completion fi", "fish"),
  ]

  @Test("bash completes commands, options, values, stages, codes and files")
  func bash() async throws {
    let folder = try Folder()
    try folder.write("", to: "talk me.graph")
    let script = try await script("bash", in: folder)
    for (line, word) in Self.lines + [("fluxgraph run ta", "talk me.graph")] {
      let words = line.split(separator: " ")
      let outcome = try await Program.run(
        "/bin/bash",
        [
          "--norc", "-c",
          "source \(script); COMP_WORDS=(\(line)); COMP_CWORD=\(words.count - 1); _fluxgraph; printf '%s\\n' \"${COMPREPLY[@]}\"",
        ], .init(directory: folder.path))
      #expect(outcome.errors == "" && outcome.output == word + "\n", "\(line): \(outcome.output)")
    }
  }

  @Test("fish completes the same")
  func fish() async throws {
    let folder = try Folder()
    try folder.write("", to: "talk.graph")
    let script = try await script("fish", in: folder)
    for (line, word) in Self.lines + [("fluxgraph run ta", "talk.graph")] {
      let outcome = try await Program.run(
        "/usr/bin/fish", ["--no-config", "-c", "source \(script); complete -C '\(line)'"],
        .init(environment: ["HOME": folder.path], directory: folder.path))
      let found = outcome.output.split(separator: "\n").map { $0.split(separator: "\t")[0] }
      #expect(outcome.errors == "" && found == [Substring(word)], "\(line): \(outcome.output)")
    }
  }

  @Test("zsh completes the same, on its own command line")
  func zsh() async throws {
    let folder = try Folder()
    try folder.write("", to: "talk.graph")
    let script = try await script("zsh", in: folder)
    let peer = Peers.packageRoot.appending(path: "Tests/EndToEndTests/Peers/complete.zsh").path
    let lines = Self.lines + [("fluxgraph run ta", "talk.graph")]
    let outcome = try await Program.run(
      "/usr/bin/zsh", ["-f", peer, script] + lines.map(\.0),
      .init(environment: ["HOME": folder.path], directory: folder.path, limit: 60))
    for (line, word) in lines {
      let complete = line.split(separator: " ").dropLast().joined(separator: " ") + " " + word
      #expect(outcome.output.contains("<\(complete)>"), "\(line): \(outcome.output)\(outcome.errors)")
    }
  }

  @Test("Graphviz takes every sample as DOT, and every Mermaid line has the form of one", arguments: graphs)
  func drawings(_ graph: String) async throws {
    let dot = try await Fluxgraph.command(["graph", "--format", "dot", graph], environment: Self.environment)
    try #require(dot.status == 0, "\(dot.errors)")
    let drawn = try await Program.run("/usr/bin/dot", ["-Tplain"], .init(input: Array(dot.output.utf8)))
    #expect(drawn.status == 0 && drawn.errors == "", "\(drawn.errors)")
    let json = try await Fluxgraph.command(
      ["graph", "--format", "json", graph], environment: Self.environment)
    let plan = try #require(
      try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any])
    let nodes = try #require(plan["nodes"] as? [Any])
    #expect(drawn.output.split(separator: "\n").filter { $0.hasPrefix("node ") }.count == nodes.count)
    let mermaid = try await Fluxgraph.command(
      ["graph", "--format", "mermaid", graph], environment: Self.environment)
    let lines = mermaid.output.split(separator: "\n")
    #expect(lines.first == "flowchart LR")
    for line in lines.dropFirst() {
      let text = line.trimmingCharacters(in: .whitespaces)
      let shape = /n\d+(?:\(\["[^"]*"\]\)|\["[^"]*"\]|\[\/"[^"]*"\/\]|\{\{"[^"]*"\}\})(?::::auto)?/
      let isNode = text.wholeMatch(of: shape) != nil
      let isLink = text.wholeMatch(of: /n\d+ -->\|"[^"]*"\| n\d+/) != nil
      #expect(isNode || isLink || line.hasPrefix("  classDef auto "), "\(line)")
    }
  }

  private struct Token: Decodable {
    var file: String
    var text: String
    var scope: String
  }

  @Test("the TextMate grammar knows stages, names, options, conditions and comments of all samples")
  func highlighting() async throws {
    let grammar = Peers.packageRoot.appending(path: "tools/editor/fluxgraph.tmLanguage.json")
    let output = try await Peers.run("highlight.py", [grammar.path] + Self.graphs)
    let tokens = try output.split(separator: "\n").map {
      try JSONDecoder().decode(Token.self, from: Data($0.utf8))
    }
    #expect(Set(tokens.map(\.file)).count == Self.graphs.count)
    func scopes(_ text: String) -> Set<String> {
      let found = tokens.filter { $0.text.trimmingCharacters(in: .whitespaces) == text }.map(\.scope)
      return Set(found.map { $0.replacingOccurrences(of: ".fluxgraph", with: "") })
    }
    for stage in ["flux", "stdout", "webhook", "file", "monitor", "jsonl", "exec", "mic"] {
      #expect(scopes(stage) == ["entity.name.type"], "\(stage)")
    }
    for option in ["endpoint", "spool", "eager_eot_threshold"] {
      #expect(scopes(option) == ["variable.parameter"], "\(option)")
    }
    for word in ["where", "route", "else", "param", "test", "expect", "use"] {
      #expect(scopes(word) == ["keyword.control"], "\(word)")
    }
    #expect(scopes("EndOfTurn") == ["constant.language"])
    #expect(scopes("{transcript}") == ["variable.other.field"])
    #expect(scopes("$endpoint") == ["variable.other"])
    #expect(scopes("crm") == ["entity.name.function"])
    #expect(
      tokens.filter { $0.text.hasPrefix("# Needs: ") }.allSatisfy { $0.scope.hasPrefix("comment.line") })
    // The stages that begin chains are named in the grammar.
    let list = try await Fluxgraph.command(["inspect"]).output
    let sources = list.split(separator: "\n\n")[0].split(separator: "\n").dropFirst().compactMap {
      $0.split(separator: " ").first.map(String.init)
    }
    let text = try String(contentsOf: grammar, encoding: .utf8)
    #expect(text.contains("(?:\(sources.joined(separator: "|")))"), "\(sources)")
  }
}
