import FluxServer
import Foundation
import Testing

/// flite and PocketSphinx with its model are optional; without them there is nothing to recognise or nobody to do it.
@Suite("PocketSphinx", .enabled(if: Flite.isUsable), .serialized)
struct PocketSphinxWordsTests {
  static let dialogue: [(voice: String, text: String)] = [
    ("slt", "hello thank you for calling how can i help you today"),
    ("rms", "hi i would like to change the date of my flight to boston"),
    ("slt", "could you please tell me your booking number"),
    ("rms", "yes it is four seven two nine one"),
    ("slt", "thank you one moment please while i look that up"),
    ("awb", "i need to cancel my subscription please"),
    ("slt", "the weather will be cold and windy with a chance of rain in the evening"),
    ("awb", "we are having people over for dinner on saturday night"),
    ("slt", "could you send me the report before the end of the week"),
    ("awb", "i think we should talk about the new project on monday morning"),
    ("rms", "my son started school last year and he likes his teacher"),
    ("awb", "perfect thank you very much for your help"),
  ]

  @Test("a spoken dialogue comes back turn by turn with at most 35 % of the words wrong")
  func wordErrorRate() throws {
    let words = try Flite.recogniser.get()
    var audio: [Int16] = quiet(0.5)
    for line in Self.dialogue { audio += try Flite.say(line.text, voice: line.voice) + quiet(1.2) }
    let clock = ContinuousClock()
    var run = PipelineRun([], words: AbsentWords(reason: ""))
    let elapsed = clock.measure { run = PipelineRun(audio, words: words) }
    let ends = run.reports.filter { if case .endOfTurn = $0.kind { true } else { false } }
    #expect(ends.count == Self.dialogue.count)
    var errors: [String: WordErrors] = [:]
    for (line, end) in zip(Self.dialogue, ends) {
      errors[line.voice, default: WordErrors()].add(said: line.text, heard: end.transcript)
      print(line.voice, end.transcript)
    }
    let seconds = AudioClock.seconds(audio.count)
    print(elapsed, seconds, elapsed / .seconds(seconds))
    for (voice, errors) in errors.sorted(by: { $0.key < $1.key }) {
      print("\(voice): \(errors.errors) of \(errors.words) words, \(errors.rate)")
      #expect(errors.rate <= 0.35, "\(voice)")
    }
  }

  func quiet(_ seconds: Double) -> [Int16] {
    [Int16](repeating: 0, count: Int(seconds * 16_000))
  }
}
