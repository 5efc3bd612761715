import FluxGraph
import Foundation
import StageTesting
import Testing

@testable import EventStages

@Suite struct CaptionTests {
  private func captions(_ events: [Event]) -> [Caption] {
    var builder = CaptionBuilder()
    return events.compactMap(\.turnEvent).flatMap { builder.captions(for: $0) }
  }

  @Test("times are rounded once, so that no part reaches 1000 or 60")
  func rounding() {
    #expect(captionMilliseconds(59.9996) == 60_000)
    #expect(captionMilliseconds(0.9995) == 1000)
    #expect(captionMilliseconds(.infinity) == 3_600_000_000)
    let caption = Caption(
      start: captionMilliseconds(59.9996), end: captionMilliseconds(3599.9999), lines: ["a"])
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

  @Test("whatever words and times come, captions keep the limits, the order and every word")
  func limits() {
    for seed in 0..<40 as Range<UInt64> {
      var random = SplitMix64(state: seed)
      var clock = 0.0
      var events: [Event] = []
      for number in 1...4 {
        var words: [(String, Double?, Double?)] = []
        for _ in 0..<Int.random(in: 0...40, using: &random) {
          let length = Int.random(
            in: 1...(Int.random(in: 0...9, using: &random) == 0 ? 90 : 9), using: &random)
          let letter = ["a", "日", "é"].randomElement(using: &random)!
          let mark = ["", "", "", ",", ".", "?"].randomElement(using: &random)!
          clock += Double.random(in: -0.2...1, using: &random)
          let end = clock + Double.random(in: -0.1...8, using: &random)
          let isTimed = Int.random(in: 0...5, using: &random) > 0
          words.append(
            (String(repeating: letter, count: length) + mark, isTimed ? clock : nil, isTimed ? end : nil))
        }
        events.append(turn(number, words, start: clock - 1, end: clock))
      }
      let all = captions(events)
      var earliest = 0
      for caption in all {
        #expect(caption.start >= earliest && caption.end > caption.start)
        #expect(caption.end - caption.start <= 7000)
        #expect(caption.lines.count <= 2)
        #expect(caption.lines.allSatisfy { displayColumns($0) <= 42 && !$0.isEmpty })
        earliest = caption.end
      }
      let written = all.flatMap(\.lines).joined().filter { $0 != " " }
      let said = events.compactMap(\.turnEvent?.transcript).joined().filter { $0 != " " }
      #expect(written == said, "seed \(seed)")
    }
  }

  @Test("WebVTT escapes what begins a tag and names the voice")
  func escapes() {
    let caption = Caption(start: 0, end: 1000, voice: "a<b", lines: ["x < y --> z & <i>"])
    #expect(
      CaptionFormat.webVTT.text(of: caption, number: 1)
        == "00:00:00.000 --> 00:00:01.000\n<v a&lt;b>x &lt; y --&gt; z &amp; &lt;i&gt;\n\n")
    #expect(CaptionFormat.subRip.text(of: caption, number: 1).components(separatedBy: "-->").count == 2)
  }

  @Test("a file is appended to as turns end, and put in order at the end")
  func file() async throws {
    let folder = try Folder()
    let world = TestWorld()
    var stage = WebVTTCaptions()
    stage.path = Path(folder.file("out/a.vtt"))
    try await stage.open(world.context())
    try await stage.write(turn(1, stream: "b", spoken("Second", from: 5)))
    #expect(try folder.text("out/a.vtt") == "WEBVTT\n\n00:00:05.000 --> 00:00:05.300\n<v b>Second\n\n")
    try await stage.write(turn(1, stream: "a", spoken("First", from: 1)))
    try await stage.finish()
    #expect(
      try folder.text("out/a.vtt")
        == "WEBVTT\n\n00:00:01.000 --> 00:00:01.300\n<v a>First\n\n00:00:05.000 --> 00:00:05.300\n<v b>Second\n\n"
    )
    await #expect(throws: StageError.self) { try await stage.open(world.context()) }
    stage.overwrite = true
    try await stage.open(world.context())
    #expect(try folder.text("out/a.vtt") == "WEBVTT\n\n")
  }

  // ffmpeg is a peer: see Peers.
  @Test("ffmpeg reads the captions back as they were written", .enabled(if: Peers.hasFFmpeg))
  func ffmpeg() async throws {
    let folder = try Folder()
    let world = TestWorld()
    var subRip = SubRipCaptions()
    subRip.path = Path(folder.file("a.srt"))
    var webVTT = WebVTTCaptions()
    webVTT.path = Path(folder.file("a.vtt"))
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
    let ffmpeg = try #require(Peers.executable("ffmpeg"))
    let written = try folder.text("a.srt")
    #expect(written.contains("20\n"))
    for name in ["a.srt", "a.vtt"] {
      let read = try Peers.run(ffmpeg, ["-v", "error", "-i", folder.file(name), "-f", "srt", "-"])
      #expect(read.replacing("\r\n", with: "\n") == written)
    }
  }
}
