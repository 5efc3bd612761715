import Testing

@testable import GraphLanguage

@Suite struct SpanTests {
  @Test("each mistake is reported at its place, and nowhere else", arguments: marked)
  func places(_ marked: String, _ codes: [DiagnosticCode]) {
    let (text, markers) = unmarked(marked)
    let diagnostics = check(text).diagnostics
    #expect(diagnostics.map(\.code) == codes.map(\.rawValue))
    #expect(diagnostics.compactMap(\.primary?.span.lower) == markers)
  }

  static let marked: [(String, [DiagnosticCode])] = [
    // Errors do not lead to others.
    ("mic | 1️⃣fluxx | stdout", [.unknownStage]),
    ("heard = mic | 1️⃣fluxx\nheard | stdout\nheard | wav x.wav\nheard.dead | stdout", [.unknownStage]),
    ("heard = mic | flux eot_threshold=1️⃣7\nheard | wav x.wav", [.outOfRange]),
    ("heard = mic 1️⃣| | flux\nheard | stdout", [.missingStage]),
    ("a = 1️⃣x\nb = a | flux\na, b | stdout", [.unknownStage]),
    ("1️⃣talk.opus | flux | stdout", [.unknownStage]),
    ("param 1️⃣x\nfile $x | 2️⃣stdoutt", [.missingParameter, .unknownStage]),

    // Independent ones are all found.
    (
      "mic | flux 1️⃣modle=a eot_threshold=2️⃣3 keyterm=3️⃣x | stdout 4️⃣lvie",
      [.unknownOption, .outOfRange, .wrongType, .unknownOption]
    ),
    (
      "mic | flux | where event == 1️⃣Foo and 2️⃣nope == 3 or turn 3️⃣~ \"x\" | stdout",
      [.unknownEvent, .unknownField, .wrongComparison]
    ),
    ("mic | flux | stdout \"{1️⃣clok} {2️⃣transcipt}\"", [.unknownField, .unknownField]),
    // Places in texts count escapes as they are written.
    (#"mic | flux | stdout "ä\"\\\n\{x}{1️⃣nope}""#, [.unknownField]),
    ("mic | flux | jsonl logs/{1️⃣dat}/{clock}.jsonl", [.unknownField]),
    // Elements of lists.
    ("mic | flux language_hint=[en, 1️⃣de] | stdout", [.unknownValue]),
    ("stdin emits=pcm(1️⃣s20le, 16k, mono) | null", [.unknownValue]),
    // Streams.
    ("mic | 1️⃣stdout", [.eventsExpected]),
    ("file x | 1️⃣where turn > 1 | stdout", [.eventsExpected]),
    ("mic | flux | 1️⃣flux | stdout", [.audioExpected]),
    ("1️⃣stdout", [.notASource]),
    ("1️⃣where turn > 1 | stdout", [.notASource]),
    ("heard = mic | flux\nmic | 1️⃣heard", [.unknownStage]),
    ("1️⃣herd | stdout", [.unknownStage]),
    ("1️⃣mic, 2️⃣monitor | mix | null", [.unknownName, .unknownName]),
    ("a = mic\n1️⃣b, a | null\nb = mic", [.useBeforeDefinition]),
    ("a = 1️⃣a | null", [.useBeforeDefinition]),
    ("file 1️⃣$later | null\nparam later = x", [.useBeforeDefinition]),
    // Options.
    ("mic | flux 1️⃣Model=x | stdout", [.unknownOption]),
    ("mic | flux keyterm=[a] 1️⃣keyterm=[b] | stdout", [.duplicateOption]),
    ("mic | flux | stdout live 1️⃣live", [.duplicateOption]),
    ("mic | gain -3dB 1️⃣level=2dB | null", [.duplicateOption]),
    ("mic | flux | stdout live 1️⃣\"{turn}\"", [.valueAfterOption]),
    ("mic | flux | stdout 1️⃣{turn}", [.wrongType]),
    ("mic | flux | stdout live=1️⃣maybe", [.wrongType]),
    ("1️⃣file | null", [.missingOption]),
    ("file 1️⃣\"\" | null", [.wrongType]),
    ("mic | resample 1️⃣16000 | null", [.wrongUnit]),
    ("mic | resample 1️⃣16kB | null", [.wrongUnit]),
    ("mic | flux | where confidence >= 1️⃣50% | stdout", [.wrongComparison]),
    ("mic | flux | where transcript == 1️⃣stream | stdout", [.wrongComparison]),
    ("mic | flux | where 1️⃣clock == \"x\" | stdout", [.unknownField]),
    ("mic | flux | where final == 1️⃣yes | stdout", [.wrongComparison]),
    ("mic | flux | where languages 1️⃣== en | stdout", [.wrongComparison]),
    ("mic | flux | where \"x\" in 1️⃣transcript | stdout", [.wrongComparison]),
    ("mic | flux | where 1️⃣languages in [en] | stdout", [.wrongComparison]),
    ("mic | flux | where event 1️⃣> EndOfTurn | stdout", [.wrongComparison]),
  ]

  @Test(
    "conditions on every kind of field are accepted",
    arguments: [
      "event == EndOfTurn", "event != Update", "event in [StartOfTurn, EndOfTurn]", "event ~ \"Turn\"",
      "transcript != \"\"", "transcript ~ \"book*table\"", "stream == me", "stream in [me, \"them\"]",
      "confidence >= 0.9 and turn < 3", "final == true", "languages ~ en", "en in languages",
      "flux.end_of_turn_confidence > 0.8", "not (trigger == model or start > 60)", "time >= \"2026-01-01\"",
    ])
  func conditions(_ condition: String) {
    #expect(check("mic | flux | where \(condition) | stdout").diagnostics == [])
  }

  @Test(
    "a replacement, put in place, takes the mistake away",
    arguments: [
      "mic | fluxx | stdout", "talk.opus | flux | stdout", "mic | flux eot_treshold=0.8 | stdout",
      "mic | flux eot_threshold=0.95 | stdout", "mic | flux eot_timeout=5000 | stdout",
      "mic | flux keyterm=Deepgram | stdout",
      "mic | flux | stdout lvie", "mic | flux | stdout {transcript}", "mic | flux | stdout \"{transcipt}\"",
      "mic | flux | where event = EndOfTurn | stdout", "mic | flux | where final | stdout", "mic | stdout",
      "mic | flux | where event == EndOfTrun | stdout", "mic | flux | where turn == \"3\" | stdout",
      "mic | flux | stdout \"C:\\temp\"", "param ppp = 3\ntone $pp | null",
      "mic | flux Model=x | stdout", "x = mic | flux | webhook https://x.example\nx.daed | stdout",
      "mic | flux | stdout color=confidense",
    ])
  func pasteable(_ graph: String) throws {
    let diagnostics = check(graph).diagnostics
    let replacement = try #require(diagnostics.first?.replacement)
    var bytes = Array(graph.utf8)
    bytes.replaceSubrange(replacement.span.lower..<replacement.span.upper, with: replacement.text.utf8)
    #expect(check(String(decoding: bytes, as: UTF8.self)).diagnostics == [])
  }

  @Test("suggestions: two slips or a common beginning, a swapped pair is one slip, case does not count")
  func suggestions() {
    let names = ["flux", "file", "stdout", "resample", "eot_threshold"]
    #expect(Suggestions.nearest(to: "flxu", in: names) == "flux")
    #expect(Suggestions.nearest(to: "FLUX", in: names) == "flux")
    #expect(Suggestions.nearest(to: "std", in: names) == "stdout")
    #expect(Suggestions.nearest(to: "resampling", in: names) == nil)
    #expect(Suggestions.nearest(to: "whisper", in: names) == nil)
    #expect(Suggestions.nearest(to: "", in: names) == nil)
    #expect(Suggestions.distance(Array("abcd".unicodeScalars), Array("acbd".unicodeScalars), limit: 2) == 1)
    #expect(
      Suggestions.distance(Array("kitten".unicodeScalars), Array("sitting".unicodeScalars), limit: 3) == 3)
  }
}
