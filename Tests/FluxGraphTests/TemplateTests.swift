import FluxGraph
import TestSupport
import Testing

@Suite struct TemplateTests {
  private func render(_ text: String, _ fields: [String: FieldValue]) throws -> String {
    try Template(text).rendered { fields[$0] }
  }

  @Test(
    "fields are filled in, padded and rounded as the template says",
    arguments: [
      ("plain", "plain"), ("", ""), ("{name}!", "Ann!"), ("[{name:>5}]", "[  Ann]"),
      ("[{name:<5}]", "[Ann  ]"),
      ("[{name:>2}]", "[Ann]"), ("{number:.2}", "1.50"), ("{number:.0}", "2"), ("{number}", "1.5"),
      ("{name:.2}", "Ann"), ("{missing}", "-"), ("{missing?}", ""), ("{missing?:>3}", ""), ("{name?}", "Ann"),
      ("\\{name}", "{name}"), ("\\\\{name}", "\\{name}"), ("}{name}", "}Ann"), ("{list}", "en, de"),
      ("{flag}", "true"), ("{a.b}", "deep"), ("👩‍👩‍👧{name}", "👩‍👩‍👧Ann"),
    ])
  func rendering(_ template: String, _ text: String) throws {
    let fields: [String: FieldValue] = [
      "name": .text("Ann"), "number": .number(1.5), "list": .list(["en", "de"]), "flag": .boolean(true),
      "a.b": .text("deep"),
    ]
    #expect(try render(template, fields) == text)
  }

  @Test(
    "a mistake is named with its place, counted in characters",
    arguments: [
      ("ab{c", 2, "never closed"), ("é👩‍👩‍👧{", 2, "never closed"), ("{}", 0, "names no field"),
      ("x{a b}", 1, "names no field"), ("{?}", 0, "names no field"), ("{a{b}", 0, "names no field"),
      ("{a:}", 0, "no layout"), ("{a:8}", 0, "no layout"), ("{a:>201}", 0, "no layout"),
      ("{a:>-1}", 0, "no layout"), ("{a:.10}", 0, "no layout"), ("{a:>99999999999999999999}", 0, "no layout"),
      ("{a:>8?}", 0, "no layout"),
    ])
  func mistakes(_ template: String, _ offset: Int, _ words: String) {
    let error = #expect(throws: Template.SyntaxError.self) { try Template(template) }
    #expect(error?.offset == offset)
    #expect(error?.message.contains(words) == true)
  }

  @Test("any text is read or refused, and what is read can be rendered")
  func mutations() {
    var generator = SeededGenerator(seed: 2)
    let pieces = Array("{}\\?:<>.09aé$_ ")
    for _ in 0..<5000 {
      let text = String(
        (0..<Int.random(in: 0...14, using: &generator)).map { _ in pieces.randomElement(using: &generator)! })
      guard let template = try? Template(text) else { continue }
      #expect(template.source == text)
      _ = template.rendered { _ in .number(1e300) }
    }
  }

  @Test("a field in a path leads to no other directory")
  func paths() throws {
    let path = PathTemplate(try Template("logs/{transcript}/{turn}.jsonl"))
    let render = { (text: String) in
      path.rendered { $0 == "turn" ? .number(-0.5) : .text(text) }.text
    }
    #expect(render("hello") == "logs/hello/-0.5.jsonl")
    #expect(render("../../etc/x") == "logs/_._.._etc_x/-0.5.jsonl")
    #expect(render("..") == "logs/_./-0.5.jsonl")
    #expect(render("a\0b") == "logs/a_b/-0.5.jsonl")
    #expect(path.rendered { _ in nil }.text == "logs/-/-.jsonl")
  }
}

@Suite struct NumberTextTests {
  @Test(
    "decimals are rounded, and no zero is negative",
    arguments: [
      (0, 2, "0.00"), (-0.0, 2, "0.00"), (-0.004, 2, "0.00"), (-0.005, 2, "-0.01"), (1.005, 0, "1"),
      (0.999, 2, "1.00"), (-1.5, 1, "-1.5"), (12.345, 1, "12.3"), (5, 0, "5"), (1e14, 1, "100000000000000.0"),
      (0.0625, 9, "0.062500000"),
    ] as [(Double, Int, String)])
  func fixed(_ number: Double, _ digits: Int, _ text: String) {
    #expect(fixedText(number, digits: digits) == text)
  }

  @Test("numbers too large for decimals are written as they are", arguments: [1e15, 1e18, -1e300, .infinity])
  func huge(_ number: Double) {
    for digits in 0...9 { #expect(!fixedText(number, digits: digits).isEmpty) }
    #expect(fixedText(number, digits: 9) == "\(number)")
  }

  @Test(
    "positions are minutes and seconds, and hours where there are some",
    arguments: [
      (0, "0:00.0"), (-3, "0:00.0"), (83.44, "1:23.4"), (59.96, "1:00.0"), (59.94, "0:59.9"),
      (3599.96, "1:00:00.0"), (3723.4, "1:02:03.4"), (360_000, "100:00:00.0"), (.nan, "0:00.0"),
    ] as [(Double, String)])
  func positions(_ seconds: Double, _ text: String) { #expect(positionText(seconds) == text) }

  @Test("no position is too far to be written", arguments: [1e19, 1e300, .infinity])
  func farPositions(_ seconds: Double) { #expect(positionText(seconds) == "8888888:53:20.0") }

  @Test(
    "wall-clock times are written to the millisecond, before 1970 as well",
    arguments: [
      (0, "1970-01-01T00:00:00.000Z"), (1_795_183_331.123, "2026-11-20T14:02:11.123Z"),
      (0.9994, "1970-01-01T00:00:00.999Z"), (0.9996, "1970-01-01T00:00:01.000Z"),
      (1_798_761_599.9999, "2027-01-01T00:00:00.000Z"), (-0.25, "1969-12-31T23:59:59.750Z"),
      (951_782_400, "2000-02-29T00:00:00.000Z"), (1e300, "9999-12-31T23:59:59.000Z"),
      (-1e300, "0001-01-01T00:00:00.000Z"), (.nan, "0001-01-01T00:00:00.000Z"),
    ] as [(Double, String)])
  func wallTimes(_ seconds: Double, _ text: String) {
    #expect(WallTime(seconds: seconds).rfc3339 == text)
    #expect(WallTime(seconds: seconds).local.date.utf8.count >= 10)
  }
}
