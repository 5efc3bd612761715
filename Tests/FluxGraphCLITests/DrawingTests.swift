import FluxGraph
import GraphLanguage
import Testing

@testable import FluxGraphCLI

@Suite struct DrawingTests {
  static let graphs = [
    "file talk.opus | flux | stdout",
    "param input = talk.opus\nheard = file $input | flux keyterm=[\"a|b\", \"c \\\"d\\\"\"]\nheard | stdout\nheard.notices | stdout json",
    "file talk.opus | flux | route { event == EndOfTurn => done; turn > 3 => null; else => jsonl rest.jsonl }\ndone | stdout",
    "a = file a.opus\nb = file b.opus\na | flux as=a | stdout\nb | resample 8k | null\nb | flux as=b | stdout",
    "a = file a.opus | flux as=a\nb = file b.opus | flux as=b\nboth = a, b\nboth | stdout\nboth | where \"en\" in languages | null",
    "file talk.opus | flux key=env(SECRET_KEY) | webhook https://example.com/turns",
  ]

  @Test("the JSON form is read back as the same plan", arguments: graphs)
  func roundTrip(_ graph: String) throws {
    let plan = try #require(check(graph).plan)
    let json = GraphDrawing(plan).json
    let text = try GraphDrawing.graphText(of: JSONValue.parse(json.serialized))
    let again = check(text)
    #expect(again.diagnostics == [], "\(text)")
    #expect(GraphDrawing(try #require(again.plan)).json == json, "\(text)")
  }

  @Test(
    "every sample graph and every example comes back from its JSON form", arguments: MutationTests.samples)
  func samplesRoundTrip(_ sample: MutationTests.Sample) throws {
    let plan = try #require(check(sample.text).plan)
    guard !plan.isRedacted else { return }
    let json = GraphDrawing(plan).json
    let text = try GraphDrawing.graphText(of: JSONValue.parse(json.serialized))
    let again = check(text)
    #expect(again.diagnostics.filter { $0.severity == .error } == [], "\(text)")
    #expect(GraphDrawing(try #require(again.plan, "\(text)")).json == json, "\(text)")
  }

  @Test("no drawing shows a secret, and one that left something out does not run")
  func secrets() throws {
    let graph =
      """
      file talk.opus | flux key=env(SECRET_KEY) headers=["X-Org: hidden"]
        | webhook https://example.com/turns?token=abc&room=pw headers=["Authorization: hidden"]
      """
    let plan = try #require(check(graph).plan)
    let drawing = GraphDrawing(plan)
    for text in [PlanPrinter(plan).text, drawing.mermaid, drawing.dot, drawing.json.serialized] {
      for secret in ["value of SECRET_KEY", "pw", "abc", "hidden"] { #expect(!text.contains(secret)) }
      #expect(text.contains("env(SECRET_KEY)") && text.contains("Authorization: •••"))
    }
    #expect(throws: DrawingError.self) { try GraphDrawing.graphText(of: drawing.json) }
  }

  @Test("automatic stages are marked and every edge has its type")
  func marks() throws {
    let plan = try #require(check("file talk.opus | flux | stdout \"<{transcript}>\"").plan)
    let drawing = GraphDrawing(plan)
    #expect(drawing.mermaid.contains("n1[\"decode (auto)\"]:::auto"))
    #expect(drawing.mermaid.contains("-->|\"bytes\"| n1"))
    #expect(drawing.mermaid.contains("#quot;#lt;{transcript}#gt;#quot;"))
    #expect(drawing.dot.contains("n1 [label=\"decode (auto)\", style=dashed]"))
    #expect(drawing.dot.contains("[label=\"stdout \\\"<{transcript}>\\\"\"]"))
  }

  @Test(
    "what is no drawing is refused",
    arguments: [
      "{}", "[]", #"{"v":1,"nodes":[{"id":3,"text":"x"}],"links":[]}"#,
      #"{"v":1,"nodes":[{"id":0,"text":"x"}],"links":[{"from":0,"to":0}]}"#,
      #"{"v":1,"nodes":[{"id":0,"text":"x","auto":true},{"id":1,"text":"y"}],"links":[{"from":0,"to":1}]}"#,
    ])
  func refuses(_ text: String) throws {
    let json = try JSONValue.parse(text)
    #expect(throws: DrawingError.self) { try GraphDrawing.graphText(of: json) }
  }
}
