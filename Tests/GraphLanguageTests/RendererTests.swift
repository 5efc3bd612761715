import Foundation
import Testing

@testable import GraphLanguage

@Suite struct RendererTests {
  private func draw(
    _ text: String, _ lower: Int, _ upper: Int, color: Bool = false, masked: [SourceSpan] = []
  ) -> String {
    let source = GraphSource(name: "t.graph", text: text, directory: ".")
    var diagnostic = Diagnostic(.unknownStage, "wrong", at: .init(SourceSpan(lower, upper), "here"))
    diagnostic.masked = masked
    return diagnostic.rendered(source: source, color: color)
  }

  @Test("a tab moves to the next fourth column, and the caret with it")
  func tabs() {
    #expect(
      draw("\ta\tb", 3, 4) == """
        error[unknown-stage]: wrong
          ┌─ t.graph:1:4
        1 │     a   b
          │         ^ here

        """)
  }

  @Test("wide characters and emoji take two columns, combining marks none; the column counts characters")
  func wide() {
    let text = "日本 👩‍👩‍👧 e\u{301} x"
    let offset = text.utf8.count - 1
    #expect(
      draw(text, offset, offset + 1) == """
        error[unknown-stage]: wrong
          ┌─ t.graph:1:8
        1 │ 日本 👩‍👩‍👧 e\u{301} x
          │           ^ here

        """)
    #expect(draw(text, 0, 6).contains("│ ^^^^ here\n"))
  }

  @Test("lines that end with CR LF are shown without the CR, and places in them are right")
  func carriageReturns() {
    let result = check("mic | null\r\nmic | fluxx | null\r\n")
    #expect(
      result.rendered(color: false) == """
        error[unknown-stage]: no stage is called `fluxx`
          ┌─ t.graph:2:7
        2 │ mic | fluxx | null
          │       ^^^^^ did you mean `flux`?


        """)
  }

  @Test("the place may be the end of the text, an empty line or an empty text")
  func ends() {
    #expect(draw("ab", 2, 2).contains("1 │ ab\n  │   ^ here\n"))
    #expect(draw("ab\n", 3, 3).contains("t.graph:2:1\n2 │ \n  │ ^ here\n"))
    #expect(draw("", 0, 0).contains("1 │ \n  │ ^ here\n"))
    #expect(draw("ab", 50, 90).contains("t.graph:1:3"))
  }

  @Test("a span over several lines is underlined to the end of the first")
  func severalLines() {
    #expect(draw("a [b\nc]", 2, 7).contains("1 │ a [b\n  │   ^^ here\n"))
  }

  @Test("a long line is cut around the place")
  func longLines() {
    let text = String(repeating: "a ", count: 500) + "WRONG" + String(repeating: " b", count: 500)
    let lines = draw(text, 1000, 1005).split(separator: "\n")
    #expect(lines[2].contains("WRONG") && lines[2].count < 140)
    #expect(lines[2].firstIndex(of: "W") == lines[2].index(lines[2].startIndex, offsetBy: 45))
    #expect(lines[3].firstIndex(of: "^") == lines[3].index(lines[3].startIndex, offsetBy: 45))
  }

  @Test("line numbers of different length stand under each other")
  func gutter() {
    let text = "a = mic\n" + String(repeating: "\n", count: 9) + "a = mic\na | null\n"
    #expect(
      check(text).rendered(color: false) == """
        error[duplicate-name]: the name `a` is used twice
           ┌─ t.graph:11:1
         1 │ a = mic
           │ - first bound here
        11 │ a = mic
           │ ^
           = help: give one of them another name


        """)
  }

  @Test("notes and help are broken at the width of the terminal, what is in back quotes never is")
  func width() {
    let result = check("heard = mic | flux\nheard | wav out.wav")
    #expect(
      result.diagnostics[0].rendered(source: result.source, color: false, width: 60) == """
        error[audio-expected]: `wav` takes audio, but `heard` carries events
          ┌─ t.graph:2:9
        1 │ heard = mic | flux
          │               ---- gives events here
        2 │ heard | wav out.wav
          │         ^^^ takes audio
          = help: name the audio before `flux`, and use the name
                  twice: `sound = …`, `sound | flux`, `sound | wav`

        """)
  }

  @Test("a byte order mark is no column")
  func byteOrderMark() {
    #expect(
      check("\u{FEFF}mic | fluxx | null").rendered(color: false).contains("t.graph:1:7\n"))
  }

  @Test("colours only when asked for, and control characters of the graph never reach the terminal")
  func colours() {
    #expect(
      draw("a", 0, 1, color: true).hasPrefix("\u{1B}[1;31merror[unknown-stage]\u{1B}[0m\u{1B}[1m: wrong"))
    #expect(!draw("a\u{1B}[31mb", 0, 1).contains("\u{1B}"))
  }

  @Test("what is masked shows neither its text nor its length, and the caret still fits")
  func masks() {
    let text = "x abcdefghij y"
    #expect(draw(text, 13, 14, masked: [SourceSpan(2, 12)]).contains("1 │ x ••• y\n  │       ^ here\n"))
  }

  @Test("at most twenty errors are shown, and how many more there are")
  func surplus() {
    let result = check(Array(repeating: "mic | fluxx | null", count: 30).joined(separator: "\n"))
    #expect(result.diagnostics.count == 20)
    #expect(result.rendered(color: false).hasSuffix("\nand 10 more errors\n"))
  }

  @Test("JSON gives the same facts, with byte ranges")
  func json() throws {
    let text = "päd = mic | flux\nmic | null # \u{1F600}\nmic | fluxx key=\"x\" | null"
    let result = check(text)
    let parsed = try #require(
      try JSONSerialization.jsonObject(with: Data(result.json.utf8)) as? [[String: Any]])
    #expect(parsed.count == result.diagnostics.count)
    let last = try #require(parsed.last)
    #expect(last["code"] as? String == "unknown-stage")
    #expect(last["line"] as? Int == 3 && last["column"] as? Int == 7)
    let start = try #require(last["start"] as? Int)
    let end = try #require(last["end"] as? Int)
    #expect(String(decoding: Array(text.utf8)[start..<end], as: UTF8.self) == "fluxx")
    let replacement = try #require(last["replacement"] as? [String: Any])
    #expect(replacement["text"] as? String == "flux")
    #expect(check("mic | null").json == "[]")
  }
}
