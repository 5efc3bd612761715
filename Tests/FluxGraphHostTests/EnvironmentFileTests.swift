import TestSupport
import Testing

@testable import FluxGraphHost

@Suite struct EnvironmentFileTests {
  private func read(_ text: String) -> EnvironmentFile { EnvironmentFile(Array(text.utf8)) }

  @Test("values are read as they are commonly written")
  func values() {
    let file = read(
      """
      \u{FEFF}FIRST=1\r
      # a comment

        export SECOND = two words # and a comment
      THIRD="a # b"
      FOURTH='it''s'
      FIFTH=
      SIXTH=a=b#c
      """)
    #expect(file.problems == [])
    #expect(
      file.values == [
        "FIRST": "1", "SECOND": "two words", "THIRD": "a # b", "FOURTH": "it", "FIFTH": "", "SIXTH": "a=b#c",
      ])
  }

  @Test(
    "a line that cannot be used is told by its number, and not by what stands in it",
    arguments: ["sk-hidden", "1KEY=hidden", "MY-KEY=hidden", "=hidden", "KEY=\"hidden", "schlüssel=hidden"])
  func malformed(line: String) {
    let file = read("GOOD=1\n\(line)\nLAST=2")
    #expect(file.values == ["GOOD": "1", "LAST": "2"])
    #expect(
      file.problems.count == 1 && file.problems[0].hasPrefix(":2: ") && !file.problems[0].contains("hidden"))
  }

  @Test("bytes that are no text are told by their line")
  func bytes() {
    let file = EnvironmentFile(Array("A=1\nB=".utf8) + [0xFF, 0xFE] + Array("\nC=3\n".utf8))
    #expect(
      file.values == ["A": "1", "C": "3"]
        && file.problems == [":2: this is not UTF-8 text; the line is left out"])
  }

  @Test("random bytes never trap", arguments: 1...10 as ClosedRange<UInt64>)
  func mutations(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let text = Array("\u{FEFF}export A=\"b\"\n# c\nD='e' # f\r\n".utf8)
    for _ in 0..<200 {
      var bytes = text
      for _ in 0..<4 {
        bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
      }
      let file = EnvironmentFile(bytes)
      #expect(file.values.count + file.problems.count <= bytes.count)
    }
  }
}
