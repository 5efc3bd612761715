import FluxGraph
import Foundation
import GraphLanguage
import GraphRuntime
import Testing

@testable import FluxGraphCLI

@Suite struct DocumentTests {
  static let pages = Explanation.all(of: .standard)

  @Test("every code has one page, with a cause of its own")
  func pagesAreComplete() {
    let codes = Self.pages.map(\.code)
    #expect(Set(codes).count == codes.count)
    #expect(Set(DiagnosticCode.allCases.map(\.rawValue)).subtracting(codes) == [])
    #expect(Set(Self.pages.map(\.cause)).count == Self.pages.count)
    let rules = Catalogue.standard.all.flatMap(\.rules).map(\.code)
    #expect(Set(rules).subtracting(codes) == [])
    // What takes a large text, a graph of its own files, a value from outside, or a stage this program does not have.
    let without = Self.pages.filter { $0.example == nil }.map(\.code)
    #expect(
      without == [
        "chain-left-out", "channels-mismatch", "missing-file", "no-adapter", "not-a-graph",
        "pace-behind-live", "secret-in-path", "secret-on-command-line", "too-deep", "too-large",
        "unusable-secret", "use-cycle",
      ])
  }

  @Test(
    "the example of a page has its mistake and no other, and the fix has none", arguments: pages.map(\.code))
  func pageExamples(_ code: String) throws {
    let page = try #require(Self.pages.first { $0.code == code })
    guard let example = page.example, let fix = page.fix else { return }
    let broken = check(example, strict: page.isStrict)
    #expect(broken.diagnostics.map(\.code) == [code], "\(broken.rendered(color: false))")
    let mended = check(fix)
    #expect(mended.diagnostics.map(\.code) == [], "\(mended.rendered(color: false))")
    #expect(page.text.replacing("\n", with: " ").contains(page.cause))
  }

  @Test("graphs/STAGES.md is what `inspect --format markdown` writes")
  func stagesDocument() throws {
    #expect(try Project.text("graphs/STAGES.md") == StagePages(stages: Catalogue.standard.all).markdown)
  }

  @Test("every stage, option and port is described, and no description serves two")
  func descriptions() {
    var seen: [String: String] = [:]
    for stage in Catalogue.standard.all {
      let texts =
        [("`\(stage.name)`", stage.summary)] + stage.options.map { ("\(stage.name) \($0.name)", $0.summary) }
        + stage.ports.map { ("\(stage.name).\($0.name)", $0.summary) }
      for (place, text) in texts {
        #expect(text.count > 4 && text.hasSuffix("."), "\(place): \(text)")
        // Plain words such as "The file." say the same of any stage; whole sentences do not.
        let key = place.contains(" ") ? "\(stage.name): \(text)" : text
        #expect(seen[key] == nil, "\(place) and \(seen[key] ?? ""): \(text)")
        seen[key] = place
      }
    }
  }

  @Test("every example of a stage is a graph that uses it", arguments: Catalogue.standard.all.map(\.name))
  func stageExamples(_ name: String) throws {
    let stage = try #require(Catalogue.standard[name])
    #expect(stage.examples.count >= 2)
    for example in stage.examples {
      let result = check(example)
      #expect(result.diagnostics.map(\.code) == [], "\(result.rendered(color: false))")
      #expect(result.plan?.nodes.contains { $0.specification.name == name } == true, "\(example)")
    }
  }

  @Test("every sample graph passes and is in canonical layout")
  func samples() throws {
    let files = Project.files(in: "graphs", endingWith: ".graph")
    #expect(!files.isEmpty)
    for file in files {
      let text = try Project.text(file)
      let result = check(text, name: file)
      #expect(result.plan != nil, "\(result.rendered(color: false))")
      let source = GraphSource(name: file, text: text, directory: ".")
      #expect(GraphFormatter.format(source).text == text, "\(file)")
    }
  }

  @Test(
    "every sample graph begins with what it teaches, what it needs and how it is run",
    arguments: Project.files(in: "graphs", endingWith: ".graph"))
  func gallery(_ file: String) throws {
    let lines = try Project.text(file).split(separator: "\n", omittingEmptySubsequences: false)
    let head = lines.prefix { $0.hasPrefix("#") }
    try #require(head.count >= 3)
    #expect(head[0].hasPrefix("# ") && head[0].count > 20)
    #expect(head[1].hasPrefix("# Needs: "))
    #expect(head[2].hasPrefix("# Run:   fluxgraph ") && head[2].contains(file))
    #expect(lines.allSatisfy { $0.hasPrefix("#") ? $0.count <= 120 : true })
    let others = Project.files(in: "graphs", endingWith: ".graph").filter { $0 != file }
    for other in others { #expect(try Project.text(other).prefix(60) != head[0].prefix(60)) }
    let readme = try Project.text("graphs/README.md")
    #expect(readme.contains("(\(file.dropFirst("graphs/".count)))"), "graphs/README.md does not name it")
  }

  @Test("conflicts between options have codes with pages, also those a stage finds by itself")
  func conflictCodes() throws {
    let codes = Set(Self.pages.map(\.code))
    let modules = ["AudioStages", "EventStages", "FluxClient"]
    for file in modules.flatMap({ Project.sources(of: $0) }) {
      for match in try Project.text(file).matches(of: /OptionConflict\(\s*code: "([a-z-]+)"/) {
        #expect(codes.contains(String(match.output.1)), "\(file): \(match.output.1)")
      }
    }
  }

  @Test("the tests beside sample graphs come true")
  func sampleTests() throws {
    for file in Project.files(in: "graphs", endingWith: ".graph") {
      let tests = try #require(check(try Project.text(file), name: file).tests)
      for test in tests.tests {
        let failures = try GraphTestRun(tests).run(test) { feed throws(StageError) in
          try RecordedEvents.read(feed.path)
        }
        #expect(failures == [], "\(file)")
      }
    }
  }

  @Test("every graph in our documents passes")
  func documents() throws {
    for file in Project.files(in: "", endingWith: ".md") + Project.files(in: "graphs", endingWith: ".md") {
      let document = GraphSource(name: file, text: try Project.text(file), directory: Project.root)
      for graph in MarkdownGraphs.sources(in: document) {
        let result = check(graph.text, name: file)
        #expect(result.plan != nil, "\(result.rendered(color: false))")
      }
    }
  }

  @Test("completion names every command, stage, code and option", arguments: ["bash", "zsh", "fish"])
  func completion(_ shell: String) throws {
    let script = try CompletionCommand([shell], .standard).script
    for word in Help.commands + Catalogue.standard.all.map(\.name) + Self.pages.map(\.code) {
      #expect(script.contains(word), "\(word)")
    }
    let options = Help.commands.flatMap(Help.options)
    #expect(options.count > 20)
    for option in options {
      #expect(script.contains(shell == "fish" ? String(option.drop { $0 == "-" }) : option), "\(option)")
    }
  }

  @Test("the JSON form of the catalogue has every stage")
  func catalogueJSON() {
    let json = StagePages(stages: Catalogue.standard.all).json
    #expect(json.arrayValue?.compactMap { $0["name"]?.stringValue } == Catalogue.standard.all.map(\.name))
  }
}
