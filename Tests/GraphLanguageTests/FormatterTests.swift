import TestSupport
import Testing

@testable import GraphLanguage

@Suite struct FormatterTests {
  private func format(_ text: String) -> String? {
    GraphFormatter.format(GraphSource(name: "t", text: text, directory: ".")).text
  }

  @Test("layout is canonical", arguments: cases)
  func layout(_ text: String, _ canonical: String) {
    #expect(format(text) == canonical)
    #expect(format(canonical) == canonical)
  }

  static let cases: [(String, String)] = [
    ("", ""), ("\n\n# only\n\n", "# only\n"), ("a ! b x=1 !  c\r\n", "a | b x=1 | c\n"), ("a|b", "a | b\n"),
    ("a | b; c | d # e", "a | b\nc | d  # e\n"),
    ("#!/usr/bin/env fluxgraph\n\n\n\nx=a  |  b\n", "#!/usr/bin/env fluxgraph\n\nx = a | b\n"),
    ("heard = a\n  | b\n # why\n  | c", "heard = a\n  | b\n  # why\n  | c\n"),
    ("x = a | b # one\n    | c", "x = a | b  # one\n      | c\n"),
    ("a | b [ 1 ,2\n,3, ] k=env( A,b )", "a | b [1, 2, 3] k=env(A, b)\n"),
    ("a b=[1, # one\n 2]", "a b=[1, # one\n 2]\n"),
    (
      "a | where (x==1 or y  in[A,B])and not z!~\"q  r\"",
      "a | where (x == 1 or y in [A, B]) and not z !~ \"q  r\"\n"
    ),
    ("a, b|c", "a, b | c\n"), ("param x=1 # why", "param x = 1  # why\n"),
    ("use   \"a.graph\"", "use \"a.graph\"\n"),
    ("a k=secret( file:x )", "a k=secret(file:x)\n"),
    ("a k=secret(exec: [ \"b\" ])", "a k=secret(exec:[\"b\"])\n"),
    (
      "a | route all{\nx==1=>b # one\n\n\n# two\nelse=>c|d }\n",
      "a | route all {\n  x == 1 => b  # one\n\n  # two\n  else   => c | d\n}\n"
    ),
    (
      "test \"t\" {feed a from b; expect a[0].turn==1; expect a count>=2 }",
      "test \"t\" {\n  feed a from b\n  expect a[0].turn == 1\n  expect a count >= 2\n}\n"
    ),
    (
      String(repeating: "x", count: 50)
        + " | yyyyyyyyyyyyyyyyyyyyyyyy | zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz",
      String(repeating: "x", count: 50)
        + " | yyyyyyyyyyyyyyyyyyyyyyyy\n  | zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz\n"
    ),
  ]

  @Test("whatever can be read keeps its meaning and its comments, and is formatted once")
  func mutations() {
    var random = SeededGenerator(seed: 8)
    var formatted = 0
    let samples = HostileTextTests.samples + Self.cases.map(\.0)
    for round in 0..<3_000 {
      var bytes = Array(samples[round % samples.count].utf8)
      for _ in 0..<Int.random(in: 1...3, using: &random) where !bytes.isEmpty {
        let place = Int.random(in: 0..<bytes.count, using: &random)
        let pieces = [" ", "\n", "\n  ", " # c\n", "  ", ";", "\t", "\r\n", "| x ", "\n\n\n", "# d\n  "]
        bytes.insert(contentsOf: pieces.randomElement(using: &random)!.utf8, at: place)
      }
      let source = GraphSource(name: "t", text: String(decoding: bytes, as: UTF8.self), directory: ".")
      guard let text = GraphFormatter.format(source).text else { continue }
      formatted += 1
      let again = GraphSource(name: "t", text: text, directory: ".")
      let (tree, problems) = Parser.parse(again)
      #expect(problems == [], "\(source.text.debugDescription) became \(text.debugDescription)")
      #expect(tree.dump == Parser.parse(source).tree.dump, "\(source.text.debugDescription)")
      #expect(format(text) == text, "\(source.text.debugDescription)")
      // `b;#` is one word, and counting would have to know.
      guard !source.text.contains(";#") else { continue }
      #expect(comments(text) == comments(source.text), "\(source.text.debugDescription)")
    }
    #expect(formatted > 500)
  }

  private func comments(_ text: String) -> Int {
    text.split(whereSeparator: \.isNewline).count { $0.contains(/(^|[\s|,=><~{})\]])#/) }
  }
}
