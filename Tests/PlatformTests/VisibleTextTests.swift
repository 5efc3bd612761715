import TestSupport
import Testing

@testable import Platform

@Suite struct VisibleTextTests {
  @Test(
    "unfit for terminals is what Unicode says is a control, a separator of lines or shows nothing, but for joiners"
  )
  func properties() {
    for value in UInt32(0)...0x10FFFF {
      guard let scalar = Unicode.Scalar(value) else { continue }
      if scalar.isUnfitForTerminals != HostileText.isOffence(scalar) {
        Issue.record("U+\(String(value, radix: 16))")
      }
    }
  }

  @Test("names and messages have it written out, speech is without it, and what languages need stays")
  func examples() {
    #expect("a\u{1B}[2Jb\u{9B}c\n\u{202E}d".writtenOut == #"a\u{1B}[2Jb\u{9B}c\n\u{202E}d"#)
    #expect("a\u{1B}[2Jb\u{9B}c\n\u{202E}d\u{FEFF}".spokenOnOneLine == "a [2Jb c d")
    #expect("a\tb\r\nc\u{E0041}".writtenOutLines == "a\tb\\r\nc\\u{E0041}")
    for text in ["", "plain", HostileText.languages] {
      #expect(text.writtenOut == text && text.spokenOnOneLine == text && text.writtenOutLines == text)
    }
  }

  @Test("whatever the text, nothing of it is left, and what is left stays as it is")
  func random() {
    var generator = SeededGenerator(seed: 8)
    for _ in 0..<5_000 {
      let text = HostileText.random(using: &generator)
      let shown = [text.writtenOut, text.spokenOnOneLine, ("<\(text)>" as TerminalText).text]
      for shown in shown {
        #expect(HostileText.offences(in: shown, besides: "") == [], "\(text.debugDescription)")
      }
      let lines = TerminalText(lines: text).text
      #expect(HostileText.offences(in: lines, besides: "\n\t") == [], "\(text.debugDescription)")
      #expect(text.writtenOut.writtenOut == text.writtenOut)
      #expect(text.spokenOnOneLine.spokenOnOneLine == text.spokenOnOneLine)
    }
  }

  @Test("in a literal the program's own text stays, and what is put into it is written out")
  func literals() {
    let name = "a\nerror: b\u{1B}[2J"
    let text: TerminalText = "\u{1B}[1m\(name)\n" + "\(lines: "x\ny\u{7}")" + "\(7) \(TerminalText("\n"))"
    #expect(text.text == "\u{1B}[1ma\\nerror: b\\u{1B}[2J\nx\ny\\u{7}7 \n")
  }
}
