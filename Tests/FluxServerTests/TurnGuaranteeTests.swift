import Synchronization
import TestSupport
import Testing

@testable import FluxServer

/// What the service promises about its events, whatever is heard and whatever the recogniser makes of it.
@Suite("Turn guarantees")
struct TurnGuaranteeTests {
  /// A recogniser that changes its mind, says nothing for a while, and sometimes has no words at all.
  struct WaveringWords: WordSource {
    let seed: UInt64

    func open(answer: @escaping @Sendable (WordAnswer) -> Void) -> any WordStream {
      Stream(seed: seed, answer: answer)
    }

    final class Stream: WordStream {
      private let random: Mutex<SeededGenerator>
      private let answer: @Sendable (WordAnswer) -> Void

      init(seed: UInt64, answer: @escaping @Sendable (WordAnswer) -> Void) {
        random = Mutex(SeededGenerator(seed: seed))
        self.answer = answer
      }

      func hear(_ block: SpeechBlock) {
        let words = random.withLock { random -> WordAnswer.Words in
          if Int.random(in: 0..<40, using: &random) == 0 { return .unavailable("The recogniser is gone.") }
          let now = AudioClock.seconds(block.end)
          return .heard(
            (0..<Int.random(in: 0...3, using: &random)).map { _ in
              let start = max(0, now - Double.random(in: 0...0.5, using: &random))
              return RecognisedWord(
                text: ["one", "two", "three"].randomElement(using: &random) ?? "", start: start,
                end: start + 0.2, confidence: 0.5)
            })
        }
        answer(WordAnswer(number: block.number, words: words))
      }

      func abandonSegment() {}
      func close() {}
    }
  }

  struct Case {
    var samples: [Int16]
    var thresholds: TurnThresholds
    var forced: [Int]

    init(seed: UInt64) {
      var random = SeededGenerator(seed: seed)
      var drawing = ""
      while drawing.count < 80 {
        let letter = ["s", "s", "_", "n"].randomElement(using: &random) ?? "_"
        drawing += String(repeating: letter, count: Int.random(in: 1...12, using: &random))
      }
      samples = signal(drawing, seed: seed)
      samples.removeLast(Int.random(in: 0..<1280, using: &random))
      let end = [0.5, 0.7, 0.9, 1.0].randomElement(using: &random) ?? 0.7
      let eager = [nil, 0.3, 0.5, end].randomElement(using: &random) ?? nil
      thresholds = TurnThresholds(
        endOfTurn: end, eager: eager.map { min($0, 0.9, end) },
        timeout: Int.random(in: 500...3000, using: &random))
      forced = []
      for _ in 0..<Int.random(in: 0...3, using: &random) {
        forced.append(Int.random(in: 1..<samples.count, using: &random))
      }
    }

    func run(chunk: Int = 1280, seed: UInt64) -> [TurnReport] {
      PipelineRun(
        samples, words: WaveringWords(seed: seed), thresholds: thresholds, chunk: chunk, forceAfter: forced
      ).reports
    }
  }

  @Test("every documented guarantee holds on random signals", arguments: 1...25 as ClosedRange<UInt64>)
  func guarantees(seed: UInt64) {
    let subject = Case(seed: seed)
    let reports = subject.run(seed: seed)
    let steps = subject.samples.count / 1280
    #expect(reports.count >= steps / TurnDetector.updateSteps - 1, "an Update about every 0.24 s")
    var state = "initial"
    var turn = 0
    var windowStart = 0
    var lastEnd = 0
    var announced: String?
    for report in reports {
      #expect(report.turn == turn)
      #expect(report.windowStart == windowStart)
      #expect(report.windowEnd > lastEnd || lastEnd == 0 || report.kind.mark == "M")
      #expect(report.windowEnd - lastEnd <= 1280 * 3)
      lastEnd = report.windowEnd
      #expect((0...1).contains(report.confidence))
      let window = AudioClock.seconds(report.windowStart)...AudioClock.seconds(report.windowEnd)
      #expect(
        report.words.allSatisfy { window.contains($0.start) && window.contains($0.end) && $0.start <= $0.end }
      )
      switch report.kind {
      case .update:
        break
      case .startOfTurn:
        #expect(state == "initial")
        #expect(!report.transcript.isEmpty)
        state = "ongoing"
      case .eagerEndOfTurn:
        #expect(subject.thresholds.eager != nil)
        #expect(state == "ongoing")
        #expect(!report.transcript.isEmpty)
        #expect(report.confidence >= subject.thresholds.eager ?? 2)
        announced = report.transcript
        state = "awaiting"
      case .turnResumed:
        #expect(state == "awaiting")
        announced = nil
        state = "ongoing"
      case .endOfTurn(let trigger):
        #expect(state != "initial")
        if state == "awaiting" { #expect(report.transcript == announced) }
        switch trigger {
        case .model:
          #expect(subject.thresholds.endOfTurn < 1 && report.confidence >= subject.thresholds.endOfTurn)
        case .timeout: #expect(report.confidence > 0.7)
        case .manual: #expect(!subject.forced.isEmpty)
        }
        announced = nil
        state = "initial"
        turn += 1
        windowStart = report.windowEnd
      }
    }
  }

  @Test("how the audio is cut into messages changes nothing", arguments: 1...4 as ClosedRange<UInt64>)
  func chunks(seed: UInt64) {
    var subject = Case(seed: seed)
    subject.forced = []
    let whole = subject.run(seed: seed)
    for chunk in [subject.samples.count, 777, 4096] {
      #expect(subject.run(chunk: chunk, seed: seed) == whole)
    }
  }
}
