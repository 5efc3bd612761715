import FluxServer
import Testing

@Suite("Speech detector", .enabled(if: Flite.isUsable))
struct SpeechDetectorTests {
  /// The drawing's 100 ms cells as `S` where speech is heard at their end, else as `-`. The first two cells of speech and
  /// the first after it are drawn as they should be: there nothing has to be certain yet.
  func heard(_ drawing: String) -> String {
    var detector = SpeechDetector()
    let samples = signal(drawing)
    return stride(from: 0, to: samples.count, by: 1600).map { cell in
      var isSpeech = false
      for start in stride(from: cell, to: cell + 1600, by: 160) {
        isSpeech = detector.hear(samples.span.extracting(start..<start + 160))
      }
      return isSpeech ? "S" : "-"
    }.enumerated().map { cell, heard in
      let drawn = Array(drawing)
      let isNew = drawn[cell] == "s" && (cell < 2 || drawn[cell - 2] != "s")
      let isOver = drawn[cell] != "s" && cell > 0 && drawn[cell - 1] == "s"
      return isNew ? "S" : isOver ? "-" : heard
    }.joined()
  }

  @Test(
    "speech is found where it is",
    arguments: [
      ("digital silence is never speech", "____________________", "--------------------"),
      ("speech at once", "ssssss______", "SSSSSS------"),
      ("speech after silence", "_____sssss_____", "-----SSSSS-----"),
      ("speech over a quiet background", ".....sssss.....", "-----SSSSS-----"),
      ("a pause of 200 ms is one", "sssss__sssss", "SSSSS--SSSSS"),
    ])
  func marbles(fact: String, drawing: String, expected: String) {
    #expect(heard(drawing) == expected, "\(fact)")
  }

  @Test("steady noise is no speech, and speech above it is")
  func steadyNoise() {
    var detector = SpeechDetector()
    let noise = signal(String(repeating: "n", count: 50), seed: 3)
    let speech = signal(String(repeating: "_", count: 30) + "ssssss" + String(repeating: "_", count: 14))
    let samples = zip(noise, speech).map { $0 + $1 }
    let heard = stride(from: 0, to: samples.count, by: 160).map {
      detector.hear(samples.span.extracting($0..<$0 + 160))
    }
    #expect(
      heard[..<300].allSatisfy { !$0 } && heard[320..<350].allSatisfy { $0 }
        && heard[450...].allSatisfy { !$0 })
  }

  @Test(
    "a loudness of a tenth or of twice the normal makes little difference", .enabled(if: Flite.isUsable),
    arguments: [0.1, 2.0])
  func loudness(gain: Double) throws {
    let spoken =
      [Int16](repeating: 0, count: 8000)
      + (try Flite.say("could you tell me the number of my order", voice: "awb"))
      + [Int16](repeating: 0, count: 8000)
    func heard(_ gain: Double) -> [Bool] {
      var detector = SpeechDetector()
      let samples = spoken.map { Int16(max(-32_768, min(32_767, Double($0) * gain))) }
      return stride(from: 0, to: samples.count - 159, by: 160).map {
        detector.hear(samples.span.extracting($0..<$0 + 160))
      }
    }
    let (normal, other) = (heard(1), heard(gain))
    #expect(normal.filter { $0 }.count > 150)
    // What fades away at a tenth of the loudness ends in what counts as silence.
    #expect(zip(normal, other).filter { $0 != $1 }.count <= 45)
  }

  @Test("a click of 20 ms is not speech")
  func click() {
    var samples = signal("..........")
    for index in 8000..<8320 { samples[index] = index.isMultiple(of: 2) ? 20_000 : -20_000 }
    var detector = SpeechDetector()
    for start in stride(from: 0, to: samples.count, by: 160) {
      let isSpeech = detector.hear(samples.span.extracting(start..<start + 160))
      #expect(!isSpeech)
    }
  }

  @Test("silence is counted from the last speech, in frames")
  func silence() {
    var detector = SpeechDetector()
    let samples = signal("sssss") + [Int16](repeating: 0, count: 1280 * 10)
    var last = SpeechActivity(frames: 0, silence: 0)
    for start in stride(from: 0, to: samples.count - 1279, by: 1280) {
      last = detector.judge(samples.span.extracting(start..<start + 1280))
    }
    // 16 steps of 8 frames end at 1.28 s, speech at 0.5 s.
    #expect(last.frames == 0)
    #expect((72...82).contains(last.silence))
  }
}
