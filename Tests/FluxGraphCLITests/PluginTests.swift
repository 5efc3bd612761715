import FluxGraph
import Foundation
import TestSupport
import Testing

@testable import FluxGraphCLI

/// `plugin new`: what it writes, and what it refuses. That the packages build, pass and run is shown by tools/plugins.
@Suite struct PluginTests {
  private func make(_ arguments: String...) throws -> ExitCode {
    let command = try PluginCommand(["new"] + arguments, .standard)
    do throws(StageError) { return try command.run() } catch { return .failure(error.code) }
  }

  @Test("a package is written once, and never over another", arguments: PluginCommand.kinds)
  func package(_ kind: String) throws {
    let folder = try TemporaryFolder()
    let place = folder.file("my-stage")
    #expect(try make("my-stage", "--kind", kind, "--path", place, "--fluxgraph", Project.root) == .success)
    let files = try #require(FileManager.default.subpaths(atPath: place)).filter { $0.contains(".") }
    for file in [
      "Package.swift", "README.md", ".gitignore", "my-stage.graph", "Sources/MyStageHost/main.swift",
      "Sources/MyStageHost/MyStageStage.swift", "Tests/MyStageTests/MyStageStageTests.swift",
    ] { #expect(files.contains(file), "\(files)") }
    for file in files {
      let text = try String(contentsOfFile: place + "/" + file, encoding: .utf8)
      for word in ["NAME", "TYPE", "BASE", "DEPENDENCY", "IDENTITY"] {
        #expect(!text.contains(word), "\(file) has \(word) in it")
      }
    }
    let manifest = try String(contentsOfFile: place + "/Package.swift", encoding: .utf8)
    #expect(manifest.contains("path: \"\(Project.root)\""))
    let stage = place + "/Sources/MyStageHost/MyStageStage.swift"
    try "mine".write(toFile: stage, atomically: true, encoding: .utf8)
    #expect(
      try make("my-stage", "--kind", kind, "--path", place, "--fluxgraph", Project.root)
        == .failure(.inputOutput))
    #expect(try String(contentsOfFile: stage, encoding: .utf8) == "mine")
  }

  @Test(
    "a name no stage can have is refused",
    arguments: [
      "", "Loud", "9lives", "-x", "x-", "a b", "../x", "a.b", "öl", "flux", "wav", "test", "where",
      "fluxgraph",
      String(repeating: "a", count: 65),
    ])
  func names(_ name: String) {
    #expect(throws: UsageError.self) { try PluginCommand(["new", name, "--kind", "sink"], .standard) }
  }

  @Test("a word of Swift is a name like any other", arguments: ["class", "self", "default", "x1", "a_b-c"])
  func keywords(_ name: String) throws {
    let made = try PluginName(name, .standard)
    #expect(made.type.first?.isUppercase == true && made.type.hasSuffix("Stage"))
  }

  @Test(
    "what is missing or unknown is told",
    arguments: [
      ["new"], ["new", "loud"], ["new", "loud", "--kind", "filter"],
      ["new", "loud", "soft", "--kind", "sink"], ["old", "loud"],
      [], ["new", "loud", "--kind"], ["new", "loud", "--kind", "sink", "--color"],
      ["new", "loud", "--kind", "sink", "--path", ""],
      ["new", "loud", "--kind", "sink", "--fluxgraph", "a\"b"],
    ])
  func usage(_ arguments: [String]) {
    #expect(throws: UsageError.self) { try PluginCommand(arguments, .standard) }
  }

  @Test("a place without fluxgraph, and one SwiftPM would take for the package itself, are refused")
  func places() throws {
    let folder = try TemporaryFolder()
    #expect(
      try make("loud", "--kind", "sink", "--path", folder.file("a"), "--fluxgraph", folder.file(""))
        == .failure(.inputOutput))
    let same = folder.file(URL(filePath: Project.root).lastPathComponent)
    #expect(
      try make("loud", "--kind", "sink", "--path", same, "--fluxgraph", Project.root)
        == .failure(.inputOutput))
    #expect(!FileManager.default.fileExists(atPath: same))
  }
}
