import FluxGraph
import Foundation
import StageTesting
import TestSupport
import Testing

@testable import EventStages

@Suite struct CaptionTests {
  private func captions(_ events: [Event], _ naming: CaptionNaming = .voice) -> [Caption] {
    var builder = CaptionBuilder(naming: naming)
    return events.compactMap(\.turnEvent).flatMap { builder.captions(for: $0) }
  }

  @Test("times are rounded once, so that no part reaches 1000 or 60")
  func rounding() {
    #expect(captionMilliseconds(59.9996) == 60_000)
    #expect(captionMilliseconds(0.9995) == 1000)
    #expect(captionMilliseconds(.infinity) == 3_600_000_000)
    let caption = Caption(
      start: captionMilliseconds(59.9996), end: captionMilliseconds(3599.9999), lines: ["a"], text: "a")
    #expect(CaptionFormat.subRip.text(of: caption, number: 1) == "1\n00:01:00,000 --> 01:00:00,000\na\n\n")
    #expect(CaptionFormat.webVTT.text(of: caption, number: 1) == "00:01:00.000 --> 01:00:00.000\na\n\n")
  }

  @Test("captions are cut at pauses and at the ends of sentences")
  func cuts() {
    let words = spoken("Hello there. I am", from: 0) + spoken("late again", from: 3)
    #expect(captions([turn(words)]).map(\.lines) == [["Hello there."], ["I am"], ["late again"]])
  }

  @Test("a comma cuts once a line is full")
  func comma() {
    let text = "well, this line is more than forty-two columns long, and goes on"
    #expect(
      captions([turn(spoken(text, length: 0.2, gap: 0))]).map { $0.lines.joined(separator: " ") } == [
        "well, this line is more than forty-two columns long,", "and goes on",
      ])
  }

  @Test(
    "whatever words and times come, captions keep the limits, the order and every word",
    arguments: [CaptionNaming.nobody, .voice, .prefix])
  func limits(naming: CaptionNaming) {
    let name = "the person with a very long name"
    for seed in 0..<15 as Range<UInt64> {
      var random = SeededGenerator(seed: seed)
      var clock = 0.0
      var events: [Event] = []
      for number in 1...4 {
        var words: [(String, Double?, Double?)] = []
        for _ in 0..<Int.random(in: 0...40, using: &random) {
          let length = Int.random(
            in: 1...(Int.random(in: 0...9, using: &random) == 0 ? 90 : 9), using: &random)
          let letter = ["a", "日", "e\u{301}", "ש", "👩‍👩‍👧‍👦", "\u{200B}x", "-->", "</v>"].randomElement(
            using: &random)!
          let mark = ["", "", "", ",", ".", "?", "\n", "\u{2028}", "。", ".”"].randomElement(using: &random)!
          clock += Double.random(in: -0.2...1, using: &random)
          let end = clock + Double.random(in: -0.1...8, using: &random)
          let isTimed = Int.random(in: 0...5, using: &random) > 0
          words.append(
            (String(repeating: letter, count: length) + mark, isTimed ? clock : nil, isTimed ? end : nil))
        }
        events.append(turn(number, stream: name, words, start: clock - 1, end: clock))
      }
      let all = captions(events, naming)
      var earliest = 0
      for caption in all {
        #expect(caption.start >= earliest && caption.end > caption.start)
        #expect(caption.end - caption.start <= 7000)
        #expect(caption.lines.count <= 2)
        #expect(caption.lines.allSatisfy { displayColumns($0) <= 42 && $0.count <= 42 && !$0.isEmpty })
        #expect(
          caption.lines.allSatisfy { !$0.contains(where: \.isNewline) && $0.first != " " && $0.last != " " })
        #expect(naming != .prefix || caption.lines[0].hasPrefix("the person with a v…:"))
        #expect(caption.voice == (naming == .voice ? name : nil))
        #expect(caption.text.filter { $0 != " " } == caption.lines.joined().filter { $0 != " " })
        // What waits to be read may reach into the next turn; the file knows more.
        earliest = caption.spokenEnd ?? caption.end
      }
      let written = all.map { $0.lines.joined().replacing("the person with a v…:", with: "") }.joined()
      let said = events.compactMap(\.turnEvent?.transcript).joined()
      func letters(_ text: String) -> [UInt32] {
        text.unicodeScalars.filter { !$0.properties.isWhitespace }.map(\.value)
      }
      #expect(letters(written) == letters(said), "seed \(seed)")
    }
  }

  @Test("streams without a name do not push each other's captions away")
  func nameless() {
    let late = turn(1, stream: nil, session: "a", spoken("Later", from: 60))
    let early = turn(1, stream: nil, session: "b", spoken("Earlier", from: 5))
    #expect(captions([late, early]).map(\.start) == [60_000, 5000])
  }

  @Test("a quotation mark behind the end of a sentence belongs to it")
  func quotation() {
    let words = spoken("She said “yes.” Then she left.", from: 0)
    #expect(captions([turn(words)]).map(\.lines) == [["She said “yes.”"], ["Then she left."]])
  }

  @Test("a name stands on one line, and takes no more than half of it from the text")
  func names() {
    let event = turn(1, stream: "a\nb\u{7}", spoken("Hi"))
    #expect(captions([event], .prefix).map(\.lines) == [["a b: Hi"]])
    #expect(captions([event], .voice).map(\.voice) == ["a b"])
    let word = String(repeating: "x", count: 42)
    #expect(captions([turn(1, spoken(word))], .prefix).map(\.lines) == [["me:", word]])
    #expect(
      captions([turn(1, spoken(word + "x"))], .prefix).map(\.lines) == [["me: \(word.dropLast(4))", "xxxxx"]])
    #expect(captions([turn(1, stream: "", spoken("Hi"))], .prefix).map(\.lines) == [["Hi"]])
  }

  @Test("plain text has whole words on one line, also where a caption breaks them")
  func plain() {
    let text = String(repeating: "日本語", count: 10)
    let all = captions([turn(spoken(text, length: 1))], .prefix)
    #expect(all.map { CaptionFormat.text.text(of: $0, number: 1) } == ["me: \(text)\n"])
    #expect(all[0].lines.count == 2)
  }

  @Test("WebVTT escapes what begins a tag and names the voice")
  func escapes() {
    let caption = Caption(
      start: 0, end: 1000, voice: "a<b", lines: ["x < y --> z & <i> {\\an8}"],
      text: "")
    #expect(
      CaptionFormat.webVTT.text(of: caption, number: 1)
        == "00:00:00.000 --> 00:00:01.000\n<v a&lt;b>x &lt; y --&gt; z &amp; &lt;i&gt; {\\an8}\n\n")
    #expect(CaptionFormat.subRip.text(of: caption, number: 1).hasSuffix("\nx ‹ y → z & ‹i> {⧵an8}\n\n"))
  }

  @Test("a caption stays for a second, and long enough to be read, until the next one begins")
  func reading() {
    var builder = CaptionBuilder()
    func times(_ words: [(String, Double?, Double?)]) -> [[Int]] {
      guard case .turn(let turn) = turn(words) else { return [] }
      return builder.captions(for: turn).map { [$0.start, $0.end, $0.spokenEnd ?? $0.end] }
    }
    #expect(times([("No.", 1, 1.08)]) == [[1000, 2000, 1080]])
    #expect(times([("No.", 3, 3.08), ("Yes.", 3.5, 3.5)]) == [[3000, 3500, 3080], [3500, 4500, 3501]])
    let long = "Antidisestablishmentarianism, incomprehensibilities."
    #expect(times([(long, 10, 10.2)]) == [[10_000, 10_000 + long.count * 50, 10_200]])
    // What takes longer to say stays as it is.
    #expect(times([("Well", 20, 23), ("then.", 23.1, 26)]) == [[20_000, 26_000, 26_000]])
  }

  @Test("a caption that waits to be read ends where its speaker goes on, and not for another one")
  func overlaps() async throws {
    let folder = try TemporaryFolder()
    var stage = CaptionSink<WebVTT>()
    stage.path = PathTemplate(try Template(folder.file("a.vtt")))
    try await stage.open(TestWorld().context())
    for (stream, start) in [("a", 1.0), ("b", 1.4), ("a", 1.6)] {
      try await stage.write(turn(1, stream: stream, spoken("Yes.", from: start)))
    }
    try await stage.finish()
    let times = try folder.text("a.vtt").split(separator: "\n").filter { $0.contains("-->") }
    #expect(
      times == [
        "00:00:01.000 --> 00:00:01.600", "00:00:01.400 --> 00:00:02.400", "00:00:01.600 --> 00:00:02.600",
      ])
  }

  @Test("a file is appended to as turns end, and put in order at the end")
  func file() async throws {
    let folder = try TemporaryFolder()
    let world = TestWorld()
    var stage = CaptionSink<WebVTT>()
    stage.path = PathTemplate(try Template(folder.file("out/a.vtt")))
    try await stage.open(world.context())
    try await stage.write(turn(1, stream: "b", spoken("Second", from: 5)))
    #expect(try folder.text("out/a.vtt") == "WEBVTT\n\n00:00:05.000 --> 00:00:06.000\n<v b>Second\n\n")
    try await stage.write(turn(1, stream: "a", spoken("First", from: 1)))
    try await stage.finish()
    #expect(
      try folder.text("out/a.vtt")
        == "WEBVTT\n\n00:00:01.000 --> 00:00:02.000\n<v a>First\n\n00:00:05.000 --> 00:00:06.000\n<v b>Second\n\n"
    )
    let needs = try #require(stage.needs(world.context()))
    let error = #expect(throws: StageError.self) { try needs.first?.look() }
    #expect(error?.message == "\(folder.file("out/a.vtt")) is already there")
    stage.overwrite = true
    #expect(
      try stage.needs(world.context())?.first?.look() == "\(folder.file("out/a.vtt")) will be replaced")
    try await stage.open(world.context())
    try await stage.write(turn(1, stream: "c", spoken("Third", from: 1)))
    #expect(try folder.text("out/a.vtt") == "WEBVTT\n\n00:00:01.000 --> 00:00:02.000\n<v c>Third\n\n")
  }

  @Test(
    "ffmpeg reads hostile texts back as text, in as many captions, at their times",
    .enabled(if: Peers.haveFFmpeg),
    arguments: ["srt", "vtt"])
  func hostile(_ name: String) async throws {
    let texts = [
      "-->", "00:00:01.000 --> 00:00:02.000", "</v>", "<v you>no", "<i>not</i> italic", "NOTE this", "WEBVTT",
      "1",
      "{\\an8}top", "{b}", "a < b > c", "&amp; &lt;", "שלום עולם", "日本語の文です。", "e\u{301}", "\u{FEFF}x",
      "\\N\\h", "🇩🇪 👩‍👩‍👧‍👦",
    ]
    let folder = try TemporaryFolder()
    let world = TestWorld()
    func write(_ stage: some EventSink) async throws {
      var stage = stage
      try await stage.open(world.context())
      for (index, text) in texts.enumerated() {
        try await stage.write(turn(index + 1, [(text, Double(index) * 2, Double(index) * 2 + 0.5)]))
      }
      try await stage.finish()
    }
    var subRip = CaptionSink<SubRip>()
    subRip.path = PathTemplate(try Template(folder.file("a.srt")))
    var webVTT = CaptionSink<WebVTT>()
    webVTT.path = PathTemplate(try Template(folder.file("a.vtt")))
    if name == "srt" { try await write(subRip) } else { try await write(webVTT) }
    let packets = try Peers.text(
      of: "ffprobe",
      [
        "-v", "error", "-show_entries", "packet=pts_time,duration_time", "-of", "csv=p=0",
        folder.file("a.\(name)"),
      ])
    #expect(
      packets.split(whereSeparator: \.isNewline).map(String.init)
        == texts.enumerated().map { index, text in
          // A second at least, and long enough to be read.
          let time = max(1, Double(CaptionLimits.columns(of: text)) / 20)
          return "\(2 * index).000000,\(fixedText(time, digits: 3))000"
        })
    // ASS is what ffmpeg makes of captions inside; what it writes as SubRip or WebVTT has been through its own markup.
    let read = try Peers.text(
      of: "ffmpeg", ["-v", "error", "-i", folder.file("a.\(name)"), "-f", "ass", "-"])
    let shown = read.split(whereSeparator: \.isNewline).filter { $0.hasPrefix("Dialogue:") }.map {
      $0.split(separator: ",", maxSplits: 9, omittingEmptySubsequences: false)[9]
    }
    #expect(shown.map { $0.filter(\.isLetter) } == texts.map { $0.filter(\.isLetter) }, "\(read)")
    #expect(!read.replacing("\\{", with: "").contains("{\\"))
  }

  // ffmpeg is a peer: see Peers.
  @Test("ffmpeg reads the captions back as they were written", .enabled(if: Peers.haveFFmpeg))
  func ffmpeg() async throws {
    let folder = try TemporaryFolder()
    let world = TestWorld()
    var subRip = CaptionSink<SubRip>()
    subRip.path = PathTemplate(try Template(folder.file("a.srt")))
    var webVTT = CaptionSink<WebVTT>()
    webVTT.path = PathTemplate(try Template(folder.file("a.vtt")))
    webVTT.voice = .none
    try await subRip.open(world.context())
    try await webVTT.open(world.context())
    let text =
      "Hello, how are you? I am calling about the order that I placed the other day, and it has not arrived."
    for number in 1...20 {
      let event = turn(number, spoken(text, from: Double(number) * 59.9996 - 58))
      try await subRip.write(event)
      try await webVTT.write(event)
    }
    try await subRip.finish()
    try await webVTT.finish()
    let written = try folder.text("a.srt")
    #expect(written.contains("20\n"))
    for name in ["a.srt", "a.vtt"] {
      let read = try Peers.text(of: "ffmpeg", ["-v", "error", "-i", folder.file(name), "-f", "srt", "-"])
      #expect(read.replacing("\r\n", with: "\n") == written)
    }
  }
}
