import FluxGraph
import Foundation
import TestSupport
import Testing

@testable import FluxGraph
@testable import FluxProtocol

@Suite("JSON")
struct JSONTests {
  @Test("numbers keep the text they came as, objects their order")
  func roundTrip() throws {
    let text =
      #"{"b":[0,-0,0.0,1.6800001,1E5,12345678901234567890,1e-7,5.0],"a":{"x":null,"y":[true,false,{}]}}"#
    #expect(try JSONValue.parse(text).serialized == text)
  }

  @Test("a name that occurs twice means its last value")
  func duplicates() throws {
    let value = try JSONValue.parse(#"{"a":1,"a":2}"#)
    #expect(value["a"]?.intValue == 2)
    #expect(value.serialized == #"{"a":1,"a":2}"#)
  }

  @Test("whole numbers are integers however they are written")
  func integers() throws {
    let value = try JSONValue.parse("[3, 3.0, 3e0, 3.5, 1e400, 9223372036854775808]")
    #expect((0..<6).map { value[$0]?.intValue } == [3, 3, 3, nil, nil, nil])
    #expect(value[3]?.doubleValue == 3.5)
    #expect(value[4]?.doubleValue == nil)
    #expect(value[6] == nil)
  }

  @Test("strings are escaped as the standard requires")
  func escapes() throws {
    let value = JSONValue.string("\"\\/\u{8}\t\n\u{C}\r\u{0}\u{1F}\u{7F} é🎧\u{2028}")
    let text = #""\"\\/\b\t\n\f\r\u0000\u001f\u007f é🎧\u2028""#
    #expect(value.serialized == text)
    #expect(try JSONValue.parse(text) == value)
    #expect(try JSONValue.parse(#""\ud83c\udfa7\u00E9\/""#).stringValue == "🎧é/")
    #expect(
      try JSONValue.parse(#""\ud83cx\udfa7\ud83c\ud83c\udfa7""#).stringValue == "\u{FFFD}x\u{FFFD}\u{FFFD}🎧")
  }

  @Test("doubles are written in the shortest form that reads back the same")
  func doubles() {
    #expect(JSONValue(0.7).serialized == "0.7")
    #expect(JSONValue(20.0).serialized == "20.0")
    #expect(JSONValue(0.3200000762939452).serialized == "0.3200000762939452")
    #expect(JSONValue(Double.infinity).isNull)
    #expect(JSONValue(Double.nan).isNull)
  }

  @Test("decimals of any length read as the general conversion reads them")
  func decimals() throws {
    var generator = SeededGenerator(seed: 1990)
    for _ in 0..<5000 {
      let digits = Int.random(in: 1...19, using: &generator)
      var text = String((0..<digits).map { _ in "0123456789".randomElement(using: &generator) ?? "0" })
      text = "1" + text
      let place = Int.random(in: 1...text.count, using: &generator)
      if place < text.count { text.insert(".", at: text.index(text.startIndex, offsetBy: place)) }
      if Bool.random(using: &generator) { text = "-" + text }
      let value = try JSONValue.parse(text).doubleValue
      #expect(value?.bitPattern == Double(text)?.bitPattern, "\(text)")
    }
    #expect(try JSONValue.parse("-0").doubleValue?.sign == .minus)
    #expect(try JSONValue.parse("-0.000").doubleValue?.sign == .minus)
  }

  @Test("depth and size are bounded")
  func limits() throws {
    func nested(_ depth: Int) -> String {
      String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
    }
    #expect(try JSONValue.parse(nested(64)).arrayValue != nil)
    #expect(throws: JSONError(reason: .tooDeep, offset: 64)) { try JSONValue.parse(nested(65)) }
    #expect(throws: JSONError.self) { try JSONValue.parse(String(repeating: "{\"a\":[", count: 1_000_000)) }
    let limits = JSONLimits(maximumSize: 4)
    #expect(throws: JSONError(reason: .tooLarge, offset: 4)) { try JSONValue.parse("12345", limits: limits) }
  }

  @Test("an error names its place")
  func errorPlaces() {
    #expect(throws: JSONError(reason: .unexpectedCharacter, offset: 5)) { try JSONValue.parse(#"{"a" 1}"#) }
    #expect(throws: JSONError(reason: .unexpectedEnd, offset: 0)) { try JSONValue.parse("") }
    #expect(throws: JSONError(reason: .controlCharacter, offset: 1)) { try JSONValue.parse("\"\n\"") }
    #expect(throws: JSONError(reason: .invalidUTF8, offset: 1)) { try JSONValue.parse([0x22, 0xFF, 0x22]) }
    let error = JSONError(reason: .invalidNumber, offset: 3)
    #expect(error.description == "invalid JSON: malformed number at byte 3")
  }

  /// Accepts and rejects like ours: no NaN, half surrogates become U+FFFD, numbers as marked text.
  static let reference = #"""
    import base64, json, re, sys
    def refuse(word): raise ValueError(word)
    number = lambda text: {"#": text}
    def fixed(value):
        if isinstance(value, str): return re.sub("[\ud800-\udfff]", "\ufffd", value)
        if isinstance(value, list): return [fixed(item) for item in value]
        if isinstance(value, Pairs): return Pairs([(fixed(name), fixed(item)) for name, item in value.pairs])
        return value
    class Pairs:
        def __init__(self, pairs): self.pairs = pairs
    def text(value):
        if isinstance(value, Pairs):
            return "{" + ",".join(text(name) + ":" + text(item) for name, item in value.pairs) + "}"
        if isinstance(value, list): return "[" + ",".join(map(text, value)) + "]"
        if isinstance(value, dict): return "#" + value["#"]
        if isinstance(value, str):
            return "".join("%x." % ord(character) for character in value) + "$"
        return repr(value)
    for line in sys.stdin:
        try:
            source = base64.b64decode(line).decode("utf-8")
            value = json.loads(source, parse_float=number, parse_int=number, parse_constant=refuse,
                object_pairs_hook=Pairs)
            print("ok", text(fixed(value)))
        except (ValueError, RecursionError):
            print("no")
    """#

  static func text(_ value: JSONValue) -> String {
    switch value {
    case .null: "None"
    case .bool(let flag): flag ? "True" : "False"
    case .number(let number): "#" + number.literal
    case .string(let string): string.unicodeScalars.map { String($0.value, radix: 16) + "." }.joined() + "$"
    case .array(let elements): "[" + elements.map(text).joined(separator: ",") + "]"
    case .object(let members):
      "{" + members.map { text(.string($0.0)) + ":" + text($0.1) }.joined(separator: ",") + "}"
    }
  }

  static let corpus: [String] =
    FluxVectors.all + [
      #"{"a":[1,2.5,-3e-7,"x\u00e9\ud83c\udfa7\n",null,true,false,{"b":{}}]," ":"\\\/\"","a":0}"#,
      "[]", "{}", "0", "-0.0e+00", "\"\"", "null", " [ 1 , 2 ] ", "\t{\r\n}\n", "01", "-", "1.", ".5", "+1",
      "1e",
      "[1,]", "{\"a\":1,}", "{a:1}", "'a'", "NaN", "Infinity", "-Infinity", "nul", "truee", "[1 2]",
      "\"\\x41\"",
      "\"\\u12\"", "\"\\u12g4\"", "\u{FEFF}1", "1 2", "\"unended", "[\"a\"", "{\"a\"", "{\"a\":", "\u{A0}1",
      "\"\u{7F}\"", "1.0E+2", "\"\\ud800\"", "\"\\udc00\\ud800\"", "\"\\ud800\\u0041\"", "{\"\\u0061\":1}",
      "[[[[]]]]",
    ]

  @Test(
    "a corpus and ten thousand mutations read as Python reads them",
    .enabled(if: Peers.havePython, "needs the Python of the peers, or FLUXGRAPH_REQUIRE_PEERS=1 to insist"))
  func sameAsPython() throws {
    var generator = SeededGenerator(seed: 8259)
    var texts = Self.corpus.map { Array($0.utf8) }
    let originals = texts.filter { $0.count < 1200 }
    while texts.count < 10_000 {
      texts.append(mutated(originals.randomElement(using: &generator) ?? [], using: &generator))
    }
    let input = texts.map { Data($0).base64EncodedString() }.joined(separator: "\n") + "\n"
    let lines = try Peers.python(Self.reference, input: input).split(separator: "\n")
    try #require(lines.count == texts.count)
    var accepted = 0
    for (bytes, line) in zip(texts, lines) {
      let ours: String
      if let value = try? JSONValue.parse(bytes) {
        ours = "ok " + Self.text(value)
        accepted += 1
        #expect(try JSONValue.parse(value.serialized) == value)
      } else {
        ours = "no"
      }
      if ours != line { Issue.record("\(String(decoding: bytes, as: UTF8.self)): \(ours), Python: \(line)") }
    }
    // The mutations are neither harmless nor all fatal.
    #expect((1000..<9000).contains(accepted))
  }
}
