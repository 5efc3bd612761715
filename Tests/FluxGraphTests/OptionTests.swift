import FluxGraph
import TestSupport
import Testing

enum Colour: String, OptionEnumeration { case red, green }

/// A stage with an option of every type.
struct Everything: AudioTransform {
  static let description = StageDescription<Everything>("everything", "Has every option.") {
    Option("flag", \Everything.flag, "A flag.")
    Option("integer", \Everything.integer, "A whole number.", in: 1...9)
    Option("number", \Everything.number, "A number.", in: 0...1)
    Option("text", \Everything.text, "A text.")
    Option("template", \Everything.template, "A template.")
    Option("path", \Everything.path, "A path.")
    Option("paths", \Everything.pathTemplate, "A path template.")
    Option("url", \Everything.url, "A URL.")
    Option("duration", \Everything.duration, "A duration.", in: .milliseconds(10)...(.seconds(60)))
    Option("level", \Everything.level, "A level.")
    Option("rate", \Everything.rate, "A rate.")
    Option("size", \Everything.size, "A size.")
    Option("speed", \Everything.speed, "A speed.")
    Option("secret", \Everything.secret, "A secret.")
    Option("format", \Everything.format, "A format.")
    Option("colour", \Everything.colour, "A colour.")
    Option("numbers", \Everything.numbers, "Numbers.")
    Option("colours", \Everything.colours, "Colours.")
    Option("predicate", \Everything.predicate, "A predicate.")
  }
  var flag = false
  var integer = 3
  var number: Double?
  var text = "t"
  var template = Template.empty
  var path = Path("")
  var pathTemplate: PathTemplate?
  var url: WebURL?
  var duration = Duration.seconds(5)
  var level = Decibels(-3)
  var rate = SampleRate(16_000)
  var size = ByteCount(64_000_000)
  var speed = Speed(1.25)
  var secret = Secret("")
  var format: AudioFormat?
  var colour = Colour.red
  var numbers: [Int] = []
  var colours: [Colour] = []
  var predicate: Predicate?
  mutating func process(_ audio: inout AudioBuffer) {}
}

private let specification = StageSpecification(Everything.self)

private func set(_ option: String, _ value: GraphValue) throws -> Everything {
  var stage = specification.make()
  try specification.set(option, of: &stage, to: value)
  return try #require(stage as? Everything)
}

/// What a value of an option is read as, or why it is refused.
struct OptionCase: Sendable, CustomTestStringConvertible {
  var option: String
  var value: GraphValue
  var outcome: Outcome

  enum Outcome: Sendable {
    /// As the graph would write it.
    case read(@Sendable (Everything) -> Bool)
    case refused(OptionError.Code, replacement: String? = nil, element: Int? = nil)
  }

  var testDescription: String { "\(option)=\(value)" }

  static func read(_ option: String, _ text: String, _ check: @escaping @Sendable (Everything) -> Bool)
    -> Self
  {
    Self(option: option, value: .word(text), outcome: .read(check))
  }

  static func read(_ option: String, _ value: GraphValue, _ check: @escaping @Sendable (Everything) -> Bool)
    -> Self
  { Self(option: option, value: value, outcome: .read(check)) }

  static func refused(
    _ option: String, _ text: String, _ code: OptionError.Code, _ replacement: String? = nil
  ) -> Self { Self(option: option, value: .word(text), outcome: .refused(code, replacement: replacement)) }

  static func refused(
    _ option: String, _ value: GraphValue, _ code: OptionError.Code, _ replacement: String? = nil,
    element: Int? = nil
  ) -> Self {
    Self(option: option, value: value, outcome: .refused(code, replacement: replacement, element: element))
  }
}

private let pcm: @Sendable (String, String, String) -> GraphValue = { sample, rate, channels in
  .call("pcm", [.word(sample), .word(rate), .word(channels)])
}

private let cases: [OptionCase] = [
  .read("flag", .flag) { $0.flag }, .read("flag", "true") { $0.flag }, .read("flag", "false") { !$0.flag },
  .refused("flag", "yes", .wrongType), .refused("flag", .string("true"), .wrongType),

  .read("integer", "7") { $0.integer == 7 }, .refused("integer", "3.0", .wrongType, "3"),
  .refused("integer", .string("3"), .wrongType, "3"), .refused("integer", "3.5", .wrongType),
  .refused("integer", "three", .wrongType), .refused("integer", "10", .outOfRange, "9"),
  .refused("integer", "-99999999999999999999", .wrongType), .refused("integer", "0", .outOfRange, "1"),
  .refused("integer", "1e400", .wrongType),

  .read("number", "0.25") { $0.number == 0.25 }, .read("number", "1") { $0.number == 1 },
  .refused("number", "1.5", .outOfRange, "1"), .refused("number", "-0.1", .outOfRange, "0"),
  .refused("number", "nan", .wrongType), .refused("number", "0x1p3", .wrongType),
  .refused("number", "1e3", .wrongType), .refused("number", "5s", .wrongType),
  .refused("number", .string("0.5"), .wrongType, "0.5"),

  .read("text", .string("a \\{b}")) { $0.text == "a {b}" }, .read("text", "word") { $0.text == "word" },
  .refused("text", .list([]), .wrongType),

  .read("template", .string("{transcript}")) { $0.template.fieldNames == ["transcript"] },
  .refused("template", .string("{"), .wrongType), .refused("template", .flag, .wrongType),

  .read("path", "a b") { $0.path == Path("a b") }, .refused("path", .string(""), .wrongType),
  .refused("path", .string("a\0b"), .wrongType),
  .read("paths", "logs/{date}.jsonl") { $0.pathTemplate?.template.fieldNames == ["date"] },
  .refused("paths", "{date", .wrongType), .refused("paths", .string(""), .wrongType),

  .read("url", "wss://h/x?y#z") { $0.url?.text == "wss://h/x?y#z" },
  .read("url", "HTTP://h") { $0.url != nil },
  .refused("url", "ftp://h", .wrongType), .refused("url", "http://", .wrongType),
  .refused("url", "http:///x", .wrongType), .refused("url", .string("http://a b"), .wrongType),
  .refused("url", "h.example", .wrongType),

  .read("duration", "80ms") { $0.duration == .milliseconds(80) },
  .read("duration", "1.5s") { $0.duration == .milliseconds(1500) },
  .read("duration", "1m") { $0.duration == .seconds(60) }, .refused("duration", "80", .wrongUnit, "80ms"),
  .refused("duration", "5", .wrongUnit, "5s"), .refused("duration", "5sec", .wrongUnit, "5s"),
  .refused("duration", "1h", .outOfRange, "1m"), .refused("duration", "1ms", .outOfRange, "10ms"),
  .refused("duration", "900000000h", .outOfRange), .refused("duration", "-5s", .outOfRange, "10ms"),
  .refused("duration", "soon", .wrongType), .refused("duration", ".s", .wrongType),
  .refused("duration", "1.2.3s", .wrongType), .refused("duration", "--1s", .wrongType),
  .refused("duration", .word(String(repeating: "9", count: 5000) + "s"), .wrongType),
  .refused("duration", "٣s", .wrongType),

  .read("level", "-3dB") { $0.level == Decibels(-3) }, .read("level", "+6.5dB") { $0.level == Decibels(6.5) },
  .refused("level", "-3", .wrongUnit, "-3dB"), .refused("level", "loud", .wrongType),

  .read("rate", "16k") { $0.rate.hertz == 16_000 }, .read("rate", "44.1kHz") { $0.rate.hertz == 44_100 },
  .read("rate", "11025Hz") { $0.rate.hertz == 11_025 }, .refused("rate", "16000", .wrongUnit, "16000Hz"),
  .refused("rate", "16", .wrongUnit, "16k"), .refused("rate", "1.5Hz", .outOfRange),
  .refused("rate", "1000.5Hz", .wrongType), .refused("rate", "769k", .outOfRange),
  .refused("rate", "-16k", .outOfRange),

  .read("size", "64kB") { $0.size.bytes == 64_000 },
  .read("size", "1.5GB") { $0.size.bytes == 1_500_000_000 },
  .refused("size", "64", .wrongUnit, "64MB"), .refused("size", "64mb", .wrongUnit, "64MB"),
  .refused("size", "2000TB", .outOfRange), .refused("size", "-1B", .outOfRange),

  .read("speed", "1.25x") { $0.speed == Speed(1.25) }, .refused("speed", "2", .wrongUnit, "2x"),

  .read("secret", .secret(Secret("s"))) { $0.secret.reveal() == "s" }, .refused("secret", "s", .wrongType),
  .refused("secret", .string("s"), .wrongType),

  .read("format", pcm("s16le", "16k", "mono")) {
    $0.format == AudioFormat(.s16le, rate: 16_000, channels: 1)
  },
  .read("format", pcm("mulaw", "8k", "2")) { $0.format == AudioFormat(.mulaw, rate: 8000, channels: 2) },
  .refused("format", pcm("s24", "16k", "mono"), .unknownValue, element: 0),
  .refused("format", pcm("s16le", "16", "mono"), .wrongUnit, "16k", element: 1),
  .refused("format", pcm("s16le", "16k", "33"), .wrongType, element: 2),
  .refused("format", pcm("s16le", "16k", "0"), .wrongType, element: 2),
  .refused("format", "s16le", .wrongType), .refused("format", .call("pcm", []), .wrongType),

  .read("colour", "green") { $0.colour == .green }, .refused("colour", "blue", .unknownValue),
  .refused("colour", .flag, .wrongType),

  .read("numbers", .list([.word("1"), .word("2")])) { $0.numbers == [1, 2] },
  .refused("numbers", "1", .wrongType, "[1]"),
  .refused("numbers", .list([.word("1"), .word("x")]), .wrongType, element: 1),
  .read("numbers", .list([])) { $0.numbers == [] },
  .refused("colours", .list([.word("red"), .word("blue")]), .unknownValue, element: 1),
  .refused("colours", .string("re\"d"), .wrongType, #"["re\"d"]"#),

  .read("predicate", .predicate(.compare(field: "event", .equal, .text("EndOfTurn")))) {
    $0.predicate?.description == "event == EndOfTurn"
  }, .refused("predicate", "x", .wrongType),
]

@Suite struct OptionTests {
  @Test("every option type reads what it should and refuses the rest with its code", arguments: cases)
  func table(_ example: OptionCase) throws {
    switch example.outcome {
    case .read(let check): #expect(check(try set(example.option, example.value)))
    case .refused(let code, let replacement, let element):
      let error = #expect(throws: OptionError.self) { _ = try set(example.option, example.value) }
      #expect(error?.code == code)
      #expect(error?.replacement == replacement)
      #expect(error?.element == element)
      #expect(error?.message.isEmpty == false)
    }
  }

  @Test("defaults are shown as a graph would write them")
  func defaults() {
    let texts = Dictionary(uniqueKeysWithValues: specification.options.map { ($0.name, $0.defaultText) })
    #expect(texts["duration"] == "5s")
    #expect(texts["level"] == "-3dB")
    #expect(texts["rate"] == "16k")
    #expect(texts["size"] == "64MB")
    #expect(texts["speed"] == "1.25x")
    #expect(texts["colour"] == "red")
    #expect(texts["text"] == #""t""#)
    for unset in ["flag", "number", "secret", "url", "numbers"] { #expect(texts[unset] == .some(nil)) }
    #expect(specification.option(named: "duration")?.rangeText == "10ms … 1m")
  }

  @Test("quantities read back as they are written")
  func roundTrips() throws {
    for duration in [
      Duration.milliseconds(80), .milliseconds(1500), .seconds(90), .seconds(7200), .microseconds(62_500),
    ] {
      #expect(try Duration.parse(.word(duration.unitText)) == duration)
    }
    for rate in [1000, 11_025, 22_050, 44_100, 48_000, 767_999] {
      #expect(try SampleRate.parse(.word(SampleRate(rate).description)) == SampleRate(rate))
    }
    for bytes in [0, 1, 999, 1500, 64_000, 1_500_000, 2_000_000_000, 1_234_567] {
      #expect(try ByteCount.parse(.word(ByteCount(bytes).description)) == ByteCount(bytes))
    }
    let format = AudioFormat(.alaw, rate: 8000, channels: 6)
    #expect(format.graphText == "pcm(alaw, 8k, 6)")
  }

  @Test("no text a graph could hold stops the reading of quantities")
  func mutations() {
    var generator = SeededGenerator(seed: 1)
    let pieces = Array("0123456789.+-ekxsmhdBHzkMGT٣é \0𝟙")
    for _ in 0..<5000 {
      let text = String(
        (0..<Int.random(in: 0...12, using: &generator)).map { _ in pieces.randomElement(using: &generator)! })
      for option in ["duration", "level", "rate", "size", "speed", "number", "integer", "url", "paths"] {
        _ = try? set(option, .word(text))
      }
    }
  }

  @Test("a secret is shown nowhere")
  func secret() {
    let secret = Secret("s3cret")
    for text in ["\(secret)", String(reflecting: secret), "\([secret])", "\(GraphValue.secret(secret))"] {
      #expect(!text.contains("s3cret"))
    }
    var dumped = ""
    dump(secret, to: &dumped)
    #expect(!dumped.contains("s3cret"))
    #expect(WebURL("https://u:s3cret@h/p?k=s3cret#s3cret")?.redacted == "https://h/p")
    for good in ["http://h", "http://h:1/", "ws://[::1]:65535/x", "http://h:/", "https://u:p@h:80?x"] {
      #expect(WebURL(good) != nil, "\(good)")
    }
    for bad in [
      "http://h:0/", "http://h:65536", "http://:80/", "http://[::1/x", "http://[]/", "http://h:8o",
      "http://[::1]x/",
    ] {
      #expect(WebURL(bad) == nil, "\(bad)")
    }
  }
}
