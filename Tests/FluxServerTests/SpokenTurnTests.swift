import Glibc
import TestSupport
import Testing

@testable import FluxServer

/// What `tools/bench turns` measures, on a few sentences: two voices the detector was not fitted to and two it was, and sounds
/// nobody speaks in.
@Suite("Spoken turns")
struct SpokenTurnTests {
  /// Sentences with pauses between them, and where each begins and ends, in samples.
  struct Dialogue {
    var samples: [Int16] = []
    var sentences: [Range<Int>] = []

    init(voice: String, pauses: [Double]) throws {
      let texts = [
        "Could you tell me the number of my order?", "I am not sure what you mean.", "My name is John Smith.",
        "Our flight was delayed because of the snow.", "Where should I put these boxes?",
      ]
      wait(1)
      for (index, pause) in pauses.enumerated() {
        let spoken = try Flite.say(texts[index % texts.count], voice: voice)
        // As the corpus has it: from the first to the last 10 ms within 40 dB of the loudest.
        let levels = stride(from: 0, to: spoken.count - 159, by: 160).map { start in
          spoken[start..<start + 160].reduce(0.0) { $0 + Double($1) * Double($1) }
        }
        let least = (levels.max() ?? 0) * 1e-4
        let first = try #require(levels.firstIndex { $0 > least }) * 160
        let last = (try #require(levels.lastIndex { $0 > least }) + 1) * 160
        sentences.append(samples.count..<samples.count + last - first)
        samples += spoken[first..<last]
        wait(pause)
      }
    }

    mutating func wait(_ seconds: Double) {
      samples += [Int16](repeating: 0, count: Int(seconds * 16_000))
    }
  }

  static func run(_ samples: [Int16], _ thresholds: TurnThresholds = TurnThresholds()) -> [TurnReport] {
    PipelineRun(samples, words: AbsentWords(reason: "There are no words."), thresholds: thresholds).reports
  }

  @Test(
    "turns begin within 150 ms and end about 0.65 s after the last word", .enabled(if: Flite.isUsable),
    arguments: ["awb", "kal16", "rms", "slt"])
  func delays(voice: String) throws {
    let dialogue = try Dialogue(voice: voice, pauses: [1.5, 1.5, 1.5, 1.5, 2])
    let reports = Self.run(dialogue.samples)
    let starts = reports.filter { $0.kind == .startOfTurn }
    let ends = reports.filter { $0.kind == .endOfTurn(.model) }
    try #require(starts.count == 5 && ends.count == 5)
    for (sentence, start) in zip(dialogue.sentences, starts) {
      #expect(abs((start.words.first?.start ?? 0) - AudioClock.seconds(sentence.lowerBound)) < 0.15)
    }
    // Soft beginnings are among them: an event comes at the end of an 80 ms step.
    let startDelays = zip(dialogue.sentences, starts).map { $1.windowEnd - $0.lowerBound }.sorted()
    #expect(AudioClock.seconds(startDelays[2]) <= 0.15 && AudioClock.seconds(startDelays[4]) <= 0.2)
    let endDelays = zip(dialogue.sentences, ends).map { $1.windowEnd - $0.upperBound }.sorted()
    #expect((0.5...0.75).contains(AudioClock.seconds(endDelays[2])))
    #expect(AudioClock.seconds(endDelays[4]) <= 0.85)
  }

  @Test(
    "no turn ends in a pause of half a second; an eager end in a pause is taken back",
    .enabled(if: Flite.isUsable), arguments: ["awb", "kal16", "rms", "slt"])
  func pauses(voice: String) throws {
    let dialogue = try Dialogue(voice: voice, pauses: [0.5, 0.5, 0.3, 0.5, 2])
    let ends = Self.run(dialogue.samples).filter { $0.kind == .endOfTurn(.model) }
    #expect(ends.count == 1 && ends.allSatisfy { $0.windowEnd > dialogue.sentences[4].upperBound })
    let eager = Self.run(dialogue.samples, TurnThresholds(eager: 0.4)).map(\.kind)
    let announced = eager.filter { $0 == .eagerEndOfTurn }.count
    let resumed = eager.filter { $0 == .turnResumed }.count
    #expect(announced > 1 && resumed == announced - 1)
  }

  @Test(
    "nobody speaks in noise or music, from the first moment on",
    arguments: ["white", "pink", "chords", "melody", "clicks"], [0.01, 0.1])
  func falseTurns(sound: String, loudness: Double) {
    var random = SeededGenerator(seed: 5)
    var pink = [0.0, 0.0, 0.0]
    let samples = (0..<20 * 16_000).map { index -> Int16 in
      let time = Double(index) / 16_000
      let noise = Double.random(in: -1...1, using: &random)
      func note(_ frequency: Double) -> Double {
        (1...6).reduce(0) { $0 + sin(2 * .pi * frequency * Double($1) * time) / Double($1) }
      }
      let value: Double
      switch sound {
      case "white": value = noise
      case "pink":
        // Three low-passes, a decade apart.
        for (place, share) in [0.003, 0.03, 0.3].enumerated() { pink[place] += (noise - pink[place]) * share }
        value = 6 * pink[0] + 2 * pink[1] + pink[2]
      case "chords":
        let root = [220.0, 174.6, 261.6, 196.0][Int(time / 2) % 4]
        value = (note(root) + note(root * 1.26) + note(root * 1.5)) / 3
      case "melody":
        let beat = Int(time / 0.3)
        let fade = exp(-4 * time.truncatingRemainder(dividingBy: 0.3))
        value = note(262 * exp2(Double([0, 2, 4, 5, 7, 5, 4, 2, 9, 7, 12][beat % 11]) / 12)) * fade
      default: value = index % 4000 < 80 ? noise : 0
      }
      return Int16(max(-32_000, min(32_000, value * loudness * 32_768)))
    }
    #expect(Self.run(samples).allSatisfy { $0.kind == .update })
  }
}
