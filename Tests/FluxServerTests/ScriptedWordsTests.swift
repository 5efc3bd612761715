import FluxServer
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
