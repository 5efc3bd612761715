import TestSupport
import Testing

@testable import FluxGraph

@Suite struct PredicateTests {
  private let fields: [String: FieldValue] = [
    "text": .text("Hello World"), "number": .number(0.5), "flag": .boolean(true),
    "list": .list(["en", "de"]),
  ]

  @Test(
    "a missing field, and one of another type, is unequal to everything",
    arguments: Predicate.Comparison.allCases)
  func missing(_ comparison: Predicate.Comparison) {
    let expected = comparison == .unequal || comparison == .containsNot
    let literals: [Predicate.Literal] = [.text("x"), .number(0.5), .boolean(true)]
    for literal in literals {
      #expect(Predicate.compare(field: "missing", comparison, literal).holds { fields[$0] } == expected)
    }
    #expect(Predicate.compare(field: "number", comparison, .text("0.5")).holds { fields[$0] } == expected)
    #expect(Predicate.compare(field: "text", comparison, .number(1)).holds { fields[$0] } == expected)
    #expect(Predicate.compare(field: "flag", comparison, .number(1)).holds { fields[$0] } == expected)
  }

  @Test("in and `not` follow the same rule")
  func missingIn() {
    let oneOf = Predicate.oneOf(field: "missing", [.text("a")])
    #expect(!oneOf.holds { _ in nil })
    #expect(Predicate.not(oneOf).holds { _ in nil })
    #expect(!Predicate.element(.text("en"), listField: "missing").holds { _ in nil })
    #expect(Predicate.element(.text("en"), listField: "list").holds { fields[$0] })
    #expect(!Predicate.element(.text("EN"), listField: "list").holds { fields[$0] })
    #expect(!Predicate.element(.number(1), listField: "list").holds { fields[$0] })
    #expect(!Predicate.element(.text("H"), listField: "text").holds { fields[$0] })
  }

  @Test(
    "numbers and texts compare in their order",
    arguments: [
      (Predicate.Comparison.equal, [false, true, false]), (.unequal, [true, false, true]),
      (.less, [false, false, true]), (.lessOrEqual, [false, true, true]), (.greater, [true, false, false]),
      (.greaterOrEqual, [true, true, false]),
    ])
  func order(_ comparison: Predicate.Comparison, _ expected: [Bool]) {
    #expect(
      [0.25, 0.5, 0.75].map {
        Predicate.compare(field: "number", comparison, .number($0)).holds { fields[$0] }
      } == expected)
    #expect(
      ["A", "Hello World", "Z"].map {
        Predicate.compare(field: "text", comparison, .text($0)).holds { fields[$0] }
      } == expected)
  }

  @Test(
    "~ finds a pattern anywhere, whatever the case",
    arguments: [
      ("Hello World", "world", true), ("Hello World", "h*o w*d", true), ("Hello World", "h?llo", true),
      ("Hello World", "h?lo", false), ("Hello World", "", true), ("", "", true), ("", "?", false),
      ("", "*", true),
      ("ÄÖÜ", "äö", true), ("straße", "STRASSE", false), ("aab", "ab", true), ("abcabd", "abd", true),
      ("abc", "*c*", true), ("abc", "c*a", false), ("a👩‍👩‍👧b", "a?b", true), ("x*y", "x\\*", false),
    ])
  func wildcards(_ text: String, _ pattern: String, _ expected: Bool) {
    #expect(wildcardMatch(text, pattern: pattern) == expected)
    #expect(
      Predicate.compare(field: "f", .containsNot, .text(pattern)).holds { _ in .text(text) } == !expected)
    #expect(
      Predicate.compare(field: "f", .contains, .text(pattern)).holds { _ in .list(["", text]) }
        == (expected || pattern == "*" || pattern == ""))
  }

  @Test("a hostile pattern takes no longer than its length times the text's", .timeLimit(.minutes(10)))
  func hostile() {
    let text = String(repeating: "a", count: 2000)
    #expect(!wildcardMatch(text, pattern: String(repeating: "a*", count: 40) + "b"))
    #expect(!wildcardMatch(text, pattern: String(repeating: "*?", count: 60) + "b*b"))
    #expect(wildcardMatch(text, pattern: String(repeating: "*", count: 10_000)))
  }

  @Test("a random text and pattern match as the definition by recursion says")
  func reference() {
    func matches(_ text: ArraySlice<Character>, _ pattern: ArraySlice<Character>) -> Bool {
      guard let first = pattern.first else { return text.isEmpty }
      if first == "*" {
        return matches(text, pattern.dropFirst()) || (!text.isEmpty && matches(text.dropFirst(), pattern))
      }
      return !text.isEmpty && (first == "?" || first == text.first)
        && matches(text.dropFirst(), pattern.dropFirst())
    }
    var generator = SeededGenerator(seed: 3)
    for _ in 0..<3000 {
      let text = String(
        (0..<Int.random(in: 0...7, using: &generator)).map { _ in "ab".randomElement(using: &generator)! })
      let pattern = String(
        (0..<Int.random(in: 0...5, using: &generator)).map { _ in "ab*?".randomElement(using: &generator)! })
      #expect(
        wildcardMatch(text, pattern: pattern) == matches(Array(text)[...], Array("*" + pattern + "*")[...]),
        "\(text) ~ \(pattern)")
    }
  }

  @Test("a predicate is written with the parentheses it needs, and no more")
  func precedence() {
    let a = Predicate.compare(field: "event", .equal, .text("EndOfTurn"))
    let b = Predicate.compare(field: "transcript", .contains, .text("a \"b\""))
    let c = Predicate.oneOf(field: "turn", [.number(1), .number(2)])
    #expect(
      Predicate.or(.and(a, b), c).description
        == #"event == EndOfTurn and transcript ~ "a \"b\"" or turn in [1, 2]"#)
    #expect(
      Predicate.and(a, .or(b, c)).description
        == #"event == EndOfTurn and (transcript ~ "a \"b\"" or turn in [1, 2])"#)
    #expect(Predicate.not(.and(a, c)).description == "not (event == EndOfTurn and turn in [1, 2])")
    #expect(Predicate.and(.not(a), c).description == "not event == EndOfTurn and turn in [1, 2]")
    #expect(Predicate.not(.not(c)).description == "not not turn in [1, 2]")
    #expect(Predicate.element(.text("en"), listField: "languages").description == #""en" in languages"#)
    #expect(Predicate.and(a, .and(b, c)).fields == ["event", "transcript", "turn"])
  }
}
