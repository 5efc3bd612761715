import FluxServer
import TestSupport
import Testing

@Suite("Word scripts")
struct ScriptedWordsTests {
  @Test("a script is a JSON array of timed words, in any order")
  func script() throws {
    let json = """
      [{"word": "world", "start": 1, "end": 1.5, "confidence": 0.5},
       {"word": "hello", "start": 0.5, "end": 0.9}]
      """
    let script = try ScriptedWords(json: Array(json.utf8))
    #expect(script.words.map(\.text) == ["hello", "world"])
    #expect(script.words.map(\.confidence) == [1, 0.5])
  }

  @Test(
    "a wrong script is refused with its wrong entry",
    arguments: [
      ("", nil), ("{}", nil), (#"[{"word": "a"}]"#, 0), (#"[{"word": "a b", "start": 0, "end": 1}]"#, 0),
      (#"[{"word": "a", "start": 0, "end": 1}, {"word": "b", "start": 2, "end": 1}]"#, 1),
      (#"[{"word": "a", "start": -1, "end": 1}]"#, 0), (#"[{"word": "a", "start": 0, "end": 1e300}]"#, 0),
      (#"[{"word": "a", "start": 0, "end": 1, "confidence": "high"}]"#, 0),
    ] as [(String, Int?)])
  func refusals(json: String, entry: Int?) throws {
    let error = #expect(throws: ScriptError.self) { try ScriptedWords(json: Array(json.utf8)) }
    #expect(error?.entry == entry)
  }

  @Test("random bytes never trap", arguments: 1...20 as ClosedRange<UInt64>)
  func mutations(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    var json = Array(#"[{"word": "a", "start": 0, "end": 1, "confidence": 0.5}]"#.utf8)
    for _ in 0..<50 {
      json[Int.random(in: 0..<json.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
      if let script = try? ScriptedWords(json: json) { #expect(script.words.count == 1) }
    }
  }
}

@Suite("Cue files as word scripts")
struct CueWordsTests {
  @Test("a cue's words share its time by their lengths")
  func spread() throws {
    let file = """
      WEBVTT

      NOTE nothing is said here

      first
      00:01.000 --> 00:02.000 align:start
      <v Ann>I hear

      01:00:00.000 --> 01:00:01.000
      you &amp; me
      """
    let words = try ScriptedWords(cues: Array(file.utf8)).words
    #expect(words.map(\.text) == ["I", "hear", "you", "&", "me"])
    // Two of seven characters, blanks included, and five of seven.
    #expect(abs(words[0].end - (1 + 2.0 / 7)) < 1e-9 && words[1].start == words[0].end)
    #expect(words[1].end == 2 && words[2].start == 3600 && words[4].end == 3601)
  }

  @Test("SubRip has commas, numbers and carriage returns")
  func subRip() throws {
    let file =
      "1\r\n00:00:00,500 --> 00:00:01,500\r\n{\\an8}hello\r\nworld\r\n\r\n2\r\n00:00:02,000 --> 00:00:03,000\r\nbye\r\n"
    let words = try ScriptedWords(cues: Array(file.utf8)).words
    #expect(words.map(\.text) == ["hello", "world", "bye"])
    #expect(words.map(\.start) == [0.5, 1, 2] && words.map(\.end) == [1, 1.5, 3])
  }

  @Test(
    "a wrong cue is refused with its number",
    arguments: [
      ("hello", nil), ("00:01 --> 00:01\nx", 0), ("00:00:01.000 --> soon\nx", 0), ("--> 00:02", 0),
      ("00:01 --> 00:02\nx\n\n00:99999:01 --> 00:02\ny", 1), ("99:00:00.000 --> 99:00:01.000\nx", 0),
    ] as [(String, Int?)])
  func refusals(text: String, entry: Int?) {
    let error = #expect(throws: ScriptError.self) { try ScriptedWords(cues: Array(text.utf8)) }
    #expect(error?.entry == entry)
  }

  @Test("random bytes never trap", arguments: 1...20 as ClosedRange<UInt64>)
  func mutations(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let file = Array("WEBVTT\n\n00:01.000 --> 00:02.000\nhello <b>world</b> &amp;\n\n".utf8)
    for _ in 0..<50 {
      var bytes = file
      for _ in 0..<5 {
        bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
      }
      let words = (try? ScriptedWords(cues: bytes))?.words ?? []
      #expect(words.allSatisfy { $0.start <= $0.end && !$0.text.isEmpty })
    }
  }
}
