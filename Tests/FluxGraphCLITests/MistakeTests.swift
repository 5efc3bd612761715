import FluxGraph
import Foundation
import GraphLanguage
import Testing

@testable import FluxGraphCLI

/// Slips of the pen, made up from samples: each is told once, where it is, and what is proposed puts it right.
@Suite struct MistakeTests {
  static let samples = [
    "file talk.opus | flux | stdout",
    "file talk.opus | flux eot_threshold=0.8 eot_timeout=5s keyterm=[\"a\"] | stdout json",
    "heard = file talk.opus | flux as=me\nheard | where event == EndOfTurn and transcript != \"\" | jsonl turns.jsonl\nheard | where confidence > 0.5 | stdout",
    "file talk.opus | resample 16k | format s16le | chunk 80ms | flux | webhook https://example.com/turns timeout=5s",
    "heard = file talk.opus | flux\nheard | route {\n  event == EndOfTurn => turns\n  turn > 3           => stdout json\n  else               => null\n}\nturns | jsonl turns.jsonl",
  ]

  struct Slip: Sendable, CustomTestStringConvertible {
    var graph: String
    var place: Range<Int>
    var what: String
    /// Whether the whole is expected to be proposed again.
    var isMended: Bool
    var testDescription: String { "\(what): \(graph)" }
  }

  /// Every word of the samples that means something, misspelt: two neighbours swapped.
  static let misspelt: [Slip] = samples.flatMap { sample in
    words(of: sample).compactMap { range, word in
      var letters = Array(word.utf8)
      let middle = letters.count / 2
      guard letters.count >= 4, letters[middle] != letters[middle - 1] else { return nil }
      letters.swapAt(middle, middle - 1)
      var bytes = Array(sample.utf8)
      bytes.replaceSubrange(range, with: letters)
      return Slip(
        graph: String(decoding: bytes, as: UTF8.self), place: range, what: word, isMended: true)
    }
  }

  /// The words of stages, options, fields, events and values of closed sets in a sample.
  private static func words(of sample: String) -> [(Range<Int>, String)] {
    var known: Set<String> = []
    for stage in Catalogue.standard.all {
      known.insert(stage.name)
      for option in stage.options {
        known.insert(option.name)
        if case .enumeration(let names) = option.type { known.formUnion(names) }
      }
    }
    known.formUnion(EventField.all.map(\.name) + TurnEvent.Kind.known.map(\.rawValue))
    known.subtract(["where", "route"])
    var found: [(Range<Int>, String)] = []
    let bytes = Array(sample.utf8)
    var start = 0
    var isInText = false
    func isPart(_ byte: UInt8) -> Bool {
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "/"),
        UInt8(ascii: ":"):
        true
      default: false
      }
    }
    for index in 0...bytes.count {
      if index < bytes.count, isPart(bytes[index]) { continue }
      let word = String(decoding: bytes[start..<index], as: UTF8.self)
      if !isInText, known.contains(word) { found.append((start..<index, word)) }
      if index < bytes.count, bytes[index] == UInt8(ascii: "\"") { isInText.toggle() }
      start = index + 1
    }
    return found
  }

  @Test("a word misspelt is one error over it, and the word proposed puts it right", arguments: misspelt)
  func misspelling(_ slip: Slip) throws {
    let result = check(slip.graph)
    // A sink misspelt in an arm is a name there: only a warning, with the same proposal.
    #expect(result.diagnostics.count == 1, "\(result.rendered(color: false))")
    let error = try #require(result.diagnostics.first)
    let span = try #require(error.primary?.span)
    #expect(span.lower <= slip.place.lowerBound && span.upper >= slip.place.upperBound)
    let replacement = try #require(error.replacement, "\(result.rendered(color: false))")
    let mended = check(Self.replacing(replacement, in: slip.graph))
    #expect(mended.diagnostics == [], "\(mended.rendered(color: false))")
  }

  /// A piece of a sample replaced by another, and the code that is due.
  static let retyped: [(sample: Int, piece: String, by: String, code: String)] = [
    (1, "0.8", "high", "wrong-type"), (1, "5s", "5", "wrong-unit"), (1, "5s", "80", "wrong-unit"),
    (1, "5s", "5Hz", "wrong-unit"), (1, "[\"a\"]", "\"a\"", "wrong-type"),
    (1, "[\"a\"]", "a", "wrong-type"), (1, "=0.8", "=1.5", "out-of-range"), (1, "=0.8", "=", "missing-value"),
    (1, "=0.8", " = 0.8", "spaced-option"), (1, " eot_timeout=5s", " eot_threshold=0.7", "duplicate-option"),
    (1, "json", "json json", "duplicate-option"), (1, "flux eot", "flux flux eot", "too-many-values"),
    (1, "| flux", "| flux | flux", "audio-expected"), (1, "file talk.opus", "file", "missing-option"),
    (1, "file talk.opus | ", "", "not-a-source"), (1, " | stdout json", "", "no-sink"),
    (2, "EndOfTurn", "5", "unknown-event"), (2, "0.5", "\"0.5\"", "wrong-comparison"),
    (2, "!= \"\"", "!= 3", "wrong-comparison"), (2, "confidence >", "confidence ~", "wrong-comparison"),
    (2, " and ", " && ", "bad-predicate"),
    (2, " == ", " = ", "bad-predicate"),
    (3, "16k", "16", "wrong-unit"), (3, "16k", "16000", "wrong-unit"), (3, "80ms", "80", "wrong-unit"),
    (3, "s16le", "16", "unknown-value"), (3, "https://example.com/turns", "example.com", "wrong-type"),
    (3, " | flux", "", "events-expected"), (4, "=> null", "=>", "missing-stage"),
    (4, "\n}", "", "bracket-not-closed"),
    (4, "else               => null", "else => null\n  else => null", "unexpected-text"),
    (4, "turns |", "turn |", "unknown-stage"),
  ]

  @Test(
    "a piece retyped, removed or doubled is one error, and what is proposed is right",
    arguments: retyped.indices)
  func retyping(_ index: Int) throws {
    let (sample, piece, text, code) = Self.retyped[index]
    let original = Self.samples[sample]
    let range = try #require(original.range(of: piece))
    let graph = original.replacingCharacters(in: range, with: text)
    let result = check(graph)
    let errors = result.diagnostics.filter { $0.severity == .error }
    #expect(errors.map(\.code) == [code], "\(result.rendered(color: false))")
    guard let replacement = errors.first?.replacement else { return }
    let mended = check(Self.replacing(replacement, in: graph))
    #expect(mended.plan != nil, "\(mended.rendered(color: false))")
  }

  private static func replacing(_ replacement: Diagnostic.Replacement, in graph: String) -> String {
    var bytes = Array(graph.utf8)
    bytes.replaceSubrange(replacement.span.lower..<replacement.span.upper, with: replacement.text.utf8)
    return String(decoding: bytes, as: UTF8.self)
  }
}
