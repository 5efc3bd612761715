import AudioCodecs
import AudioStages
import TestSupport
import Testing

/// What ffmpeg and ffprobe say, as they said it here.
@Suite struct FFmpegReportTests {
  private static let lines = [
    "[mp3 @ 0x55e908e00900] [warning] filesize and duration do not match (growing file?)",
    "[info] Input #0, mp3, from 'file:/proc/self/fd/0':", "[info]   Metadata:",
    "[info]     title           : [error] of judgement",
    "[info]   Duration: 00:01:08.83, start: 0.025057, bitrate: 76 kb/s",
    "[info]   Stream #0:0: Audio: mp3, 44100 Hz, stereo, fltp, 128 kb/s",
    "[mp3float @ 0x559] [error] Header missing",
    "[error] Error while decoding stream #0:0: Invalid data found when processing input",
    "[caf @ 0x5575289dc900] [warning] Packet corrupt (stream = 0, dts = 232448).",
    "[fatal] file:/proc/self/fd/0: moov atom not found",
  ]

  @Test("of its lines people see what is wrong, without what only it understands; the length is the header's")
  func lines() {
    let report = FFmpegReport()
    let shown = Self.lines.compactMap(report.take)
    #expect(
      shown == [
        "Header missing", "Error while decoding stream #0:0: Invalid data found when processing input",
        "Packet corrupt (stream = 0, dts = 232448).", "moov atom not found",
      ])
    #expect(report.complaints == 4 && report.promised == 68.83)
  }

  @Test(
    "a length it has guessed is no promise",
    arguments: [
      "[mp3 @ 0x5] [warning] Estimating duration from bitrate, this may be inaccurate",
      "[mp3 @ 0x5] [warning] invalid concatenated file detected - using bitrate for duration",
    ])
  func guess(line: String) {
    let report = FFmpegReport()
    #expect((([line] + Self.lines).compactMap(report.take)).count == 4)
    #expect(report.promised == nil)
  }

  @Test("a film's length is not that of its sound, a cover is no film")
  func streams() {
    let report = FFmpegReport()
    for line in Self.lines { _ = report.take(line) }
    _ = report.take("[info]   Stream #0:1: Video: mjpeg (Baseline), yuvj420p, 500x500 (attached pic)")
    #expect(report.promised == 68.83 && !report.hasOtherStreams)
    _ = report.take("[info]   Stream #0:1[0x2](und): Video: h264 (High), yuv420p, 640x480, 25 fps")
    #expect(report.promised == nil && report.hasOtherStreams)
  }

  @Test("a line without a level is shown as it is, and a length that is none is none")
  func others() {
    let report = FFmpegReport()
    #expect(report.take("sh: 1: ffmpeg: not found") == "sh: 1: ffmpeg: not found")
    for text in ["N/A", "00:00:00.00", "nan:nan:nan", "1:2", "-1:00:00", "inf:00:00"] {
      #expect(report.take("[info]   Duration: \(text), start: 0") == nil)
      #expect(report.promised == nil, "\(text)")
    }
  }

  @Test("ffprobe's answer is read by its names, in any order; anything else is none")
  func probe() {
    let answer = "streams.stream.0.channels=2\nformat.duration=\"3.014000\"\n"
    #expect(FFprobe.length(in: answer) == SoundLength(seconds: 3.014, channels: 2))
    #expect(
      FFprobe.length(in: "format.duration=\"3.5\"\nstreams.stream.0.channels=1")
        == SoundLength(seconds: 3.5, channels: 1))
    for text in [
      "", "format.duration=\"N/A\"\nstreams.stream.0.channels=2",
      "format.duration=\"-1\"\nstreams.stream.0.channels=2", answer + "format.duration=\"inf\"",
      "streams.stream.0.channels=0\nformat.duration=\"1\"",
    ] {
      #expect(FFprobe.length(in: text) == nil, "\(text)")
    }
  }

  @Test("whatever is said is taken, and a length is one that can be")
  func mutated() {
    var random = SeededGenerator(seed: 18)
    let text = Self.lines.joined(separator: "\n")
    for _ in 0..<2_000 {
      var bytes = Array(text.utf8)
      for _ in 0..<Int.random(in: 1...20, using: &random) {
        bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
      }
      let report = FFmpegReport()
      for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
        _ = report.take(String(line))
      }
      #expect(report.promised.map { $0 > 0 && $0.isFinite } ?? true)
      #expect(FFprobe.length(in: String(decoding: bytes, as: UTF8.self)).map { $0.seconds >= 0 } ?? true)
    }
  }
}
