import FluxServer
import Testing

@Suite("Turn detector")
struct TurnDetectorTests {
  /// The events of each 80 ms step (what is left to say at the end of the stream is an Update): `u` Update,
  /// `S` StartOfTurn, `e` EagerEndOfTurn, `R` TurnResumed, `E` EndOfTurn by the model, `T` by timeout, `M` by
  /// command.
  ///
  /// - Parameter speech: a word in each run of letters but `_`, one letter for each step; `!` is silence in
  ///   which the turn is ended by command at the step's end.
  func events(_ speech: String, _ thresholds: TurnThresholds) -> String {
    var words: [RecognisedWord] = []
    for (step, letter) in speech.enumerated() where letter != "_" && letter != "!" {
      let start = Double(step) * 0.08
      if let last = words.last, last.text.hasPrefix(String(letter)), last.end >= start - 0.001 {
        words[words.count - 1].end = start + 0.08
      } else {
        words.append(RecognisedWord(text: String(letter), start: start, end: start + 0.08, confidence: 1))
      }
    }
    let forced = speech.enumerated().filter { $0.element == "!" }.map { ($0.offset + 1) * 1280 }
    let run = PipelineRun(
      [Int16](repeating: 0, count: speech.count * 1280), words: ScriptedWords(words), thresholds: thresholds,
      forceAfter: forced)
    var line = [Character](repeating: ".", count: speech.count)
    for report in run.reports { line[report.windowEnd / 1280 - 1] = report.kind.mark }
    return String(line)
  }

  @Test(
    "events come where they belong",
    arguments: [
      (
        "silence: an Update every 0.24 s and nothing else", TurnThresholds(),
        "____________",
        "..u..u..u..u"
      ),
      (
        "a turn ends when silence makes the confidence reach the threshold", TurnThresholds(),
        "__aaabbb__________",
        "..u.S..u..u.uuuE.u"
      ),
      (
        "at a threshold of 0.9 a turn lasts 0.8 s longer than its speech", TurnThresholds(endOfTurn: 0.9),
        "__aaabbb______________",
        "..u.S..u..u.uuuuuE..uu"
      ),
      (
        "an end is announced, taken back when speech goes on, and announced again",
        TurnThresholds(eager: 0.5),
        "__aaa_______bbb__________",
        "..u.S..u.euu.R..u..euuE.u"
      ),
      (
        "at a threshold of 1 only time ends a turn", TurnThresholds(endOfTurn: 1, timeout: 1000),
        "__aaa_______________",
        "..u.S..u.uuuuuuuuT.u"
      ),
      (
        "a command ends a turn at once; between turns it does nothing", TurnThresholds(),
        "__aaabb!_____!___",
        "..u.S..M..u..u..u"
      ),
    ])
  func marbles(fact: String, thresholds: TurnThresholds, speech: String, expected: String) {
    #expect(events(speech, thresholds) == expected, "\(fact)")
  }

  @Test("the confidence is 0 in speech, 0.5 after 0.36 s of silence, 0.7 after 0.63 s and 0.9 after 0.79 s")
  func confidence() {
    func confidence(after frames: Int) -> Double? {
      var detector = TurnDetector(thresholds: TurnThresholds(endOfTurn: 1))
      _ = detector.advance(
        to: 1280, activity: SpeechActivity(frames: 8, silence: 0), phase: .begins, words: nil)
      return detector.finish(
        at: 2560, activity: SpeechActivity(frames: 0, silence: frames), phase: .ends, words: nil)?.confidence
    }
    #expect(confidence(after: 0) == 0)
    for (frames, expected) in [(36, 0.5), (63, 0.7), (79, 0.9)] {
      #expect(abs((confidence(after: frames) ?? 0) - expected) < 0.01)
    }
  }

  @Test("a voice that fell makes the end likelier, one that rose less likely, and silence always more likely")
  func pitch() {
    func confidence(_ frames: Int, _ pitch: Float) -> Double {
      var detector = TurnDetector(thresholds: TurnThresholds(endOfTurn: 1))
      var silent = SpeechActivity(frames: 0, silence: frames)
      silent.lastPitch = pitch
      _ = detector.advance(
        to: 1280, activity: SpeechActivity(frames: 8, silence: 0), phase: .begins, words: nil)
      return detector.finish(at: 2560, activity: silent, phase: .ends, words: nil)?.confidence ?? -1
    }
    #expect(confidence(50, -0.4) > confidence(50, 0) && confidence(50, 0) > confidence(50, 0.4))
    for pitch in [Float(-0.6), 0, 0.6] {
      #expect((1..<150).allSatisfy { confidence($0, pitch) < confidence($0 + 1, pitch) })
    }
  }
}

extension TurnReport.Kind {
  var mark: Character {
    switch self {
    case .update: "u"
    case .startOfTurn: "S"
    case .eagerEndOfTurn: "e"
    case .turnResumed: "R"
    case .endOfTurn(.model): "E"
    case .endOfTurn(.timeout): "T"
    case .endOfTurn(.manual): "M"
    }
  }
}
