import FluxGraph
import TestSupport
import Testing

@testable import GraphLanguage

/// What is said of a graph may go to a terminal, and the graph may come from anyone.
@Suite struct TerminalTextTests {
  private func expectFit(_ result: CheckResult, sourceLocation: SourceLocation = #_sourceLocation) {
    var shown = [result.rendered(color: false), result.rendered(color: false, width: 60), result.json]
    if let plan = result.plan {
      let drawing = GraphDrawing(plan)
      shown += [PlanPrinter(plan).text, drawing.mermaid, drawing.dot, drawing.json.serialized]
    }
    for text in shown {
      #expect(
        HostileText.offences(in: text) == [], "\(text.debugDescription)", sourceLocation: sourceLocation)
    }
  }

  @Test(
    "no mistake shows what a terminal would obey or hide",
    arguments: [
      "mic | resa%mple", "mic | flux foo%=1", "param p = \"%\"\nfile $p | flux | stdout",
      "file \"%.wav\" | flux | jsonl \"x%.jsonl\"", "use \"%.graph\"", "%",
      "mic | flux | where event == \"%\" | stdout",
      "mic | flux | stdout \"{%}\"", "a% = mic\na% | null", "mic | wav x.wav # %",
      "mic | flux endpoint=\"ws://h/%\" | stdout",
      "test \"%\" {\n}", "mic | route {\n %\n}", "mic | flux keyterm=[\"%\"] | stdout", "env(%)", "\"%",
    ])
  func mistakes(_ pattern: String) {
    expectFit(check(pattern.replacing("%", with: HostileText.sample)))
    var generator = SeededGenerator(seed: 8)
    for _ in 0..<40 {
      expectFit(check(pattern.replacing("%", with: HostileText.random(using: &generator))))
    }
  }

  @Test("names of files and values of parameters are written out as well")
  func names() {
    let result = Checker(catalogue: standard, options: .init(parameters: [HostileText.sample: "1"]))
      .check(GraphSource(name: HostileText.sample, text: "mic | gian\n", directory: "."))
    #expect(result.rendered(color: false).contains(#"\u{9B}2J"#))
    expectFit(result)
    expectFit(check("param n\nmic | resample $n | null", parameters: ["n": HostileText.sample]))
  }

  @Test("carets stand under what they are about, whatever is before it")
  func columns() throws {
    let result = check("file \"\u{9B}\u{202E}日\u{E0041}.wav\" | gian 3dB | null")
    let lines = result.rendered(color: false).split(separator: "\n").map(String.init)
    let line = try #require(lines.first { $0.contains("gian") && $0.contains("│") })
    let mark = try #require(lines.first { $0.contains("^^^^") })
    let before = try #require(line.firstRange(of: "gian")).lowerBound
    let caret = try #require(mark.firstRange(of: "^^^^")).lowerBound
    #expect(displayColumns(String(line[..<before])) == displayColumns(String(mark[..<caret])))
  }
}
