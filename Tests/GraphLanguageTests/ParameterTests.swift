import FluxGraph
import Testing

@testable import GraphLanguage

@Suite struct ParameterTests {
  /// The value a setting of the only stage of a kind gets.
  private func setting(
    _ option: String, of stage: String, _ graph: String, parameters: [String: String] = [:],
    environment: [String: String] = [:]
  ) -> GraphValue? {
    let plan = check(graph, parameters: parameters, environment: environment).plan
    return plan?.nodes.first { $0.specification.name == stage }?.settings.first { $0.option == option }?.value
  }

  @Test("a parameter is a whole value of any kind, and the command line overrides it")
  func values() {
    #expect(setting("path", of: "file", "param f = a.wav\nfile $f | null") == .word("a.wav"))
    #expect(setting("path", of: "file", "param f = \"a b.wav\"\nfile $f | null") == .string("a b.wav"))
    let graph = "param f = a.wav\nfile $f | null"
    #expect(setting("path", of: "file", graph, parameters: ["f": "b c|d.wav"]) == .word("b c|d.wav"))
    #expect(setting("path", of: "file", "param f\nfile $f | null", parameters: ["f": "x"]) == .word("x"))
    let terms = "param t = [a]\nmic | flux keyterm=$t | null"
    #expect(setting("keyterm", of: "flux", terms) == .list([.word("a")]))
    #expect(
      setting("keyterm", of: "flux", terms, parameters: ["t": "[x, \"y z\"]"])
        == .list([.word("x"), .string("y z")]))
    #expect(setting("path", of: "file", "param a = x\nparam b = $a\nfile $b | null") == .word("x"))
    let raw = "param p = pcm(s16le, 8k, mono)\nstdin emits=$p | null"
    #expect(setting("emits", of: "stdin", raw) == .call("pcm", [.word("s16le"), .word("8k"), .word("mono")]))
    #expect(
      setting("predicate", of: "where", "param n = 3\nmic | flux | where turn > $n | null")
        == .predicate(.compare(field: "turn", .greater, .number(3))))
  }

  @Test(
    "a wrong parameter is shown where it is used and where it is defined; one from outside is checked alike")
  func types() {
    let result = check("param n = loud\ntone $n | null")
    #expect(
      result.rendered(color: false) == """
        error[wrong-type]: `frequency` wants a number, such as `0.7`
          ┌─ t.graph:2:6
        1 │ param n = loud
          │       - defined here
        2 │ tone $n | null
          │      ^^


        """)
    #expect(
      check("param n = 3\ntone $n | null", parameters: ["n": "x"]).diagnostics.map(\.code) == ["wrong-type"])
  }

  @Test(
    "the environment enters through env only, with a default if need be, and secret where a secret is wanted")
  func environment() {
    let graph = "file env(F, fallback.wav) | null"
    #expect(setting("path", of: "file", graph) == .word("fallback.wav"))
    #expect(setting("path", of: "file", graph, environment: ["F": "x y.wav"]) == .word("x y.wav"))
    let key = "mic | flux key=env(K) | null"
    #expect(setting("key", of: "flux", key, environment: ["K": "dg"]) == .secret(Secret("dg")))
    let through = "param k = env(K)\nmic | flux key=$k | null"
    #expect(setting("key", of: "flux", through, environment: ["K": "dg"]) == .secret(Secret("dg")))
    #expect(
      setting("key", of: "flux", "param k\nmic | flux key=$k | null", parameters: ["k": "dg"])
        == .secret(Secret("dg")))
    #expect(check("mic | flux key=env(K, dg_literal) | null").diagnostics.map(\.code) == ["secret-in-graph"])
  }

  @Test("paths and templates name parts of a parameter that holds a path; other braces belong to the path")
  func parts() {
    let input = ["i": "calls/mo{n}day/a.wav"]
    func path(_ text: String, of stage: String = "wav", source: String = "tone") -> GraphValue? {
      setting("path", of: stage, "param i\n\(source) | \(stage) \(text)", parameters: input)
    }
    #expect(path("out/{$i.stem}.wav") == .word("out/a.wav"))
    #expect(path("\"{$i.directory}/my {$i.name}\"") == .string("calls/mo\\{n}day/my a.wav"))
    #expect(path("{$i.directory}/{x}") == .word("calls/mo{n}day/{x}"))
    #expect(path("\"\\{$i}\"") == .string("\\{$i}"))
    #expect(path("{$i.stem}-{date}.jsonl", of: "jsonl", source: "mic | flux") == .word("a-{date}.jsonl"))
    #expect(path("$i") == .word("calls/mo{n}day/a.wav"))
    let odd = setting("path", of: "file", "param i\nfile $i | null", parameters: ["i": "{$i.stem}"])
    #expect(odd == .word("{$i.stem}"))
    for graph in ["tone | wav {$i.stm}.wav", "tone | wav {$j}.wav", "mic | flux | stdout \"{$i.x}\""] {
      let diagnostics = check("param i\nfile $i | null\n\(graph)", parameters: input).diagnostics
      #expect(diagnostics.map(\.code) == [graph.contains("$j") ? "unknown-parameter" : "unknown-field"])
    }
  }

  @Test("a parameter in a template is its text, in which braces mean nothing")
  func templates() {
    let graph = "param name = x\nmic | flux | stdout \"{$name}: {transcript} \\{\""
    #expect(setting("template", of: "stdout", graph) == .string("x: {transcript} \\{"))
    #expect(
      setting("template", of: "stdout", graph, parameters: ["name": "{turn}"])
        == .string("\\{turn}: {transcript} \\{"))
    #expect(
      setting("path", of: "jsonl", "param d = logs\nmic | flux | jsonl {$d}/{date}.jsonl")
        == .word("logs/{date}.jsonl"))
    #expect(
      setting("arguments", of: "command", "mic | flux | command [\"awk\", \"{print}\"]")
        == .list([.string("awk"), .string("{print}")]))
  }

  @Test("no diagnostic shows a secret, wherever it stands and whatever else is wrong in its line")
  func secrets() {
    let graphs = [
      "mic | flux key=\"dg_hidden\" modle=x | stdoutt",
      "mic | fluxx key=dg_hidden | stdout",
      "mic | flux kye=dg_hidden | stdout",
      "param key = dg_hidden\nmic | flux key=$key | stdoutt",
      "param api_key = dg_hidden\nmic | fluxx key=$api_key | stdout",
      "mic | flux key=\"dg_hidden | stdout",
      "mic | flux key=dg_hidden eot_threshold=7 | stdout",
      "mic | flux key=[dg_hidden] | stdout",
      "mic | flux key=env(K, dg_hidden) | stdout",
      "mic | fluxx headers=[\"Authorization: Token dg_hidden\"] | stdout",
      "mic | fluxx headers=[\"X-API-Key:dg_hidden | stdout",
    ]
    for graph in graphs {
      let result = check(graph)
      #expect(result.plan == nil)
      for text in [result.rendered(color: false), result.rendered(color: true), result.json] {
        #expect(!text.contains("dg_"), "\(graph)\n\(text)")
      }
    }
  }
}
