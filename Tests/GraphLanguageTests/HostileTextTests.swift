import FluxGraph
import TestSupport
import Testing

@testable import GraphLanguage

@Suite struct HostileTextTests {
  static let samples = [
    PlanTests.desk,
    "file talk.opus | flux language_hint=[en, es] eot_timeout=5s | where (turn > 1 or \"en\" in languages) | stdout",
    "me = mic | flux as=me\nthem = monitor | flux as=them; me, them | stdout \"[{clock}] {stream:>4}: {transcript}\"",
    "param p = pcm(s16le, 16k, mono)\nstdin emits=$p live ! mix mono\n  ! resample 16k # x\n\n  | flux key=env(K)\n| null",
    "a = file x.wav\na | wav \"ö 日本.wav\" overwrite\na | flux | jsonl logs/{date}.jsonl\r\n",
    "mic | route {\n  event == X => y\n}\ntest \"x\" {\n}\nuse \"b\"",
  ]

  static let pieces = [
    "|", "!", "[", "]", "(", ")", ",", ";", "\n", "\n  ", " ", "\t", "\"", "\\", "=", "==", "$", "{", "}",
    "#", "env(",
    "where ", "not ", " and ", "param ", "flux", "heard", "\u{0}", "\u{FEFF}", "\u{301}", "👩‍👩‍👧", "~", "in ",
    ".", "route {", "\r\n",
  ]

  @Test(
    "no mutation of a graph crashes the checker; places lie in the text; a plan exists exactly without errors"
  )
  func mutations() {
    var random = SeededGenerator(seed: 2026)
    for round in 0..<1_500 {
      var bytes = Array(Self.samples[round % Self.samples.count].utf8)
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        let place = Int.random(in: 0...bytes.count, using: &random)
        switch Int.random(in: 0..<4, using: &random) {
        case 0: bytes.removeSubrange(place..<min(bytes.count, place + Int.random(in: 0...12, using: &random)))
        case 1: bytes.insert(contentsOf: Self.pieces.randomElement(using: &random)!.utf8, at: place)
        case 2: if place < bytes.count { bytes[place] = UInt8.random(in: 0...255, using: &random) }
        default:
          let end = min(bytes.count, place + 40)
          bytes.insert(contentsOf: bytes[place..<end], at: Int.random(in: 0...bytes.count, using: &random))
        }
      }
      let text = String(decoding: bytes, as: UTF8.self)
      let result = check(text, environment: ["HOOK_SECRET": "s"])
      let count = text.utf8.count
      #expect(
        (result.plan == nil) == result.diagnostics.contains { $0.severity == .error },
        "\(text.debugDescription)")
      for diagnostic in result.diagnostics {
        let spans = ([diagnostic.primary].compactMap { $0 } + diagnostic.secondary).map(\.span)
        #expect(
          spans.allSatisfy { 0 <= $0.lower && $0.lower <= $0.upper && $0.upper <= count },
          "\(text.debugDescription)")
      }
      #expect(result.rendered(color: false).isEmpty == result.diagnostics.isEmpty)
      if let plan = result.plan {
        #expect(plan.links.allSatisfy { $0.from < $0.to && $0.to < plan.nodes.count })
        #expect(!PlanPrinter(plan).text.isEmpty)
        for node in plan.nodes { #expect(throws: Never.self) { try node.specification.make(node.settings) } }
      }
    }
  }

  /// Texts of some size whose shape would show anything that takes longer than in proportion: with a square law none of these
  /// would come back within minutes.
  private static let texts: [(name: String, text: String)] = [
    ("blank lines", "mic | null\n" + String(repeating: "\n", count: 100_000) + "mic | null"),
    ("comments", String(repeating: "# x\n", count: 20_000) + "mic | null"),
    ("open brackets", String(repeating: "x [a\n", count: 20_000)),
    ("one list", "mic | flux keyterm=[" + String(repeating: "a, ", count: 20_000) + "] | null"),
    ("a union of unknown names", String(repeating: "a,", count: 40_000) + "a | null"),
    ("an atom of operators", "mic | where " + String(repeating: "a==", count: 30_000)),
    ("one long line", String(repeating: "mic | null; ", count: 3_000)),
    ("one long line with wide characters", String(repeating: "mic device=\"日本\" | null; ", count: 2_000)),
    ("mistakes in one long line", String(repeating: "mic | nul; ", count: 10_000)),
    ("many names", (0..<2_000).map { "n\($0) = mic\nn\($0) | null" }.joined(separator: "\n")),
    ("a name used often", "a = tone\n" + String(repeating: "a | null\n", count: 3_000)),
    (
      "names in a row",
      "n0 = tone\n" + (1..<1_500).map { "n\($0) = n\($0 - 1) | gain" }.joined(separator: "\n")
        + "\nn1499 | null"
    ),
    ("a long chain", "tone" + String(repeating: " | gain", count: 4_000) + " | null"),
    ("a long text", "mic | flux | stdout \"" + String(repeating: "{turn} ", count: 10_000) + "\""),
    ("unknown names among many", (0..<2_000).map { "n\($0) = mic\nx\($0) | null" }.joined(separator: "\n")),
    ("blocks in blocks", String(repeating: "mic | route {\n", count: 20_000)),
    ("blocks that are none", String(repeating: "x | { ", count: 40_000)),
    ("tests in tests", String(repeating: "test \"a\" {\n", count: 20_000)),
    ("a long word", "mic device=" + String(repeating: "a", count: 200_000) + " | null"),
    ("semicolons", String(repeating: ";", count: 200_000)),
    ("pipes", String(repeating: "| ", count: 100_000)),
    ("quotes", String(repeating: "\"\n", count: 100_000)),
  ]

  static let shapes = texts.map { Shape(name: $0.name, text: $0.text) }

  /// A text that is shown by its name, not as a whole.
  struct Shape: Sendable, CustomTestStringConvertible {
    let name: String
    let text: String
    var testDescription: String { name }
  }

  @Test("time grows with the text and no faster", .timeLimit(.minutes(10)), arguments: shapes)
  func linear(_ shape: Shape) {
    let result = check(shape.text)
    #expect(result.rendered(color: false).utf8.count < 100_000 || result.plan != nil)
    if let plan = result.plan { #expect(!PlanPrinter(plan).text.isEmpty) }
  }
}
