import FluxGraph
import TestSupport
import Testing

@Suite struct JSONTextTests {
  @Test("JSON holds any text exactly, and nothing in it that a terminal would obey or hide")
  func random() throws {
    var generator = SeededGenerator(seed: 8)
    for _ in 0..<3_000 {
      let (name, text) = (
        HostileText.random(using: &generator), HostileText.random(using: &generator)
      )
      let value = JSONValue.object([(name, .string(text)), ("list", .array([.string(text + name)]))])
      let json = value.serialized
      #expect(HostileText.offences(in: json, besides: "") == [], "\(json.debugDescription)")
      let back = try JSONValue.parse(json)
      #expect(back[name]?.stringValue.map { Array($0.unicodeScalars) } == Array(text.unicodeScalars))
    }
  }

  @Test("controls, marks and tags are escaped as RFC 8259 has it; other text is as it was")
  func examples() {
    #expect(
      JSONValue.string("a\u{9B}\u{7F}\u{202E}\u{2028}\u{FEFF}\u{E0041}\"\\\u{8}\t\n").serialized
        == #""a\u009b\u007f\u202e\u2028\ufeff\udb40\udc41\"\\\b\t\n""#)
    #expect(JSONValue.string(HostileText.languages).serialized == "\"\(HostileText.languages)\"")
  }
}
