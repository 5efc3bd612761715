import FluxGraph
import FluxProtocol
import Foundation
import TestSupport
import Testing

@testable import FluxServer

/// flite and PocketSphinx with its model are optional; without them there is nothing to recognise or nobody
/// to do it.
@Suite("PocketSphinx", .enabled(if: Flite.isUsable), .serialized)
struct PocketSphinxWordsTests {
  static let dialogue: [(voice: String, text: String)] = [
    ("slt", "thank you one moment please while i look that up"),
    ("rms", "hi i would like to change the date of my flight to boston"),
    ("awb", "i need to cancel my subscription please"),
    ("slt", "the weather will be cold and windy with a chance of rain in the evening"),
    ("rms", "my son started school last year and he likes his teacher"),
    ("awb", "i think we should talk about the new project on monday morning"),
  ]

  static func quiet(_ seconds: Double) -> [Int16] {
    [Int16](repeating: 0, count: Int(seconds * 16_000))
  }

  @Test("a spoken dialogue comes back turn by turn with at most 35 % of each voice's words wrong")
  func wordErrorRate() throws {
    var audio = Self.quiet(0.5)
    for line in Self.dialogue { audio += try Flite.say(line.text, voice: line.voice) + Self.quiet(1.2) }
    let run = PipelineRun(audio, words: try Flite.recogniser.get())
    let ends = run.reports.filter { if case .endOfTurn = $0.kind { true } else { false } }
    try #require(ends.count == Self.dialogue.count)
    var errors: [String: WordErrors] = [:]
    for (line, end) in zip(Self.dialogue, ends) {
      errors[line.voice, default: WordErrors()].add(said: line.text, heard: end.transcript)
    }
    // 60 sentences of 11 words gave 14 % (slt), 9 % (rms) and 9 % (awb).
    for (voice, errors) in errors { #expect(errors.rate <= 0.35, "\(voice)") }
    for end in ends {
      #expect(end.words.allSatisfy { $0.confidence > 0 && $0.start < $0.end })
      #expect(zip(end.words, end.words.dropFirst()).allSatisfy { $0.start < $1.start })
    }
  }

  @Test("the same audio gives the same events, however it is cut and whatever was heard before")
  func determinism() throws {
    let words = try Flite.recogniser.get()
    let audio = try Flite.say("could you please tell me your number", voice: "rms") + Self.quiet(1)
    let first = PipelineRun(audio, words: words).reports
    #expect(PipelineRun(audio, words: words, chunk: 5000).reports == first)
    #expect(first.contains { $0.kind == .startOfTurn })
  }

  @Test("words grow while speech goes on, and the first comes within 0.8 s of its beginning")
  func partialWords() throws {
    let audio = try Flite.say("i need to cancel my subscription please", voice: "rms") + Self.quiet(1)
    let reports = PipelineRun(audio, words: try Flite.recogniser.get()).reports
    let start = try #require(reports.first { $0.kind == .startOfTurn })
    #expect(AudioClock.seconds(start.windowEnd) < 0.8)
    let lengths = reports.filter { $0.turn == 0 }.map(\.words.count)
    #expect(Set(lengths).count >= 4)
  }

  @Test(
    "speech in each format the service takes is understood",
    // ffmpeg makes the formats.
    .enabled(if: Peers.have("ffmpeg")),
    arguments: [
      ("&encoding=mulaw&sample_rate=8000", ["-f", "mulaw", "-ar", "8000"]),
      ("&encoding=linear16&sample_rate=44100", ["-f", "s16le", "-ar", "44100"]),
      ("", ["-f", "wav", "-ar", "48000", "-ac", "2"]),
      ("", ["-f", "ogg", "-c:a", "libopus", "-b:a", "32k"]),
    ])
  func formats(query: String, arguments: [String]) throws {
    let said = "i need to cancel my subscription please"
    let bytes = try Flite.encode(try Flite.say(said, voice: "rms") + Self.quiet(1), arguments)
    var audio = ListenAudio(try ListenParameters(query: "model=flux-general-en" + query))
    var samples: [Int16] = []
    for start in stride(from: 0, to: bytes.count, by: 1001) {
      samples += try audio.decode(bytes[start..<min(start + 1001, bytes.count)].span.bytes)
    }
    samples += audio.finish()
    let run = PipelineRun(samples, words: try Flite.recogniser.get())
    var errors = WordErrors()
    errors.add(said: said, heard: run.transcripts.joined(separator: " "))
    // Nothing is lost to the format but, on the telephone, a little of the sound.
    #expect(errors.errors <= 2, "\(run.transcripts)")
  }

  @Test(
    "when every recogniser is in use, a stream gets [speech] and the reason, and words once one is free"
  )
  func exhaustion() throws {
    let words = try PocketSphinxWords(threads: 1, decoders: 1)
    defer { words.stop() }
    let audio = try Flite.say("thank you", voice: "rms") + Self.quiet(1)
    // A stream takes its decoder when it begins, before anything is said.
    let holder = words.open { _ in }
    let refused = PipelineRun(audio, words: words)
    #expect(refused.transcripts == ["[speech]"])
    #expect(refused.notices == ["All 1 local recognisers are in use: speech is shown as [speech]."])
    holder.close()
    #expect(PipelineRun(audio, words: words).transcripts != ["[speech]"])
  }

  @Test("a model that is not there is named")
  func missingModel() {
    #expect(throws: PocketSphinxError.modelMissing("/nowhere")) { try PocketSphinxWords(model: "/nowhere") }
  }

  @Test(
    "the service's own sample, the preamble, comes back with at most a quarter of its words wrong",
    // The capture of the live service is not part of the package.
    .enabled(if: ProcessInfo.processInfo.environment["FLUX_VECTORS"] != nil))
  func preamble() throws {
    let directory = URL(filePath: ProcessInfo.processInfo.environment["FLUX_VECTORS"] ?? "")
    let bytes = try Data(contentsOf: directory.appending(path: "flux-live/preamble-16k.wav"))
    let run = PipelineRun(
      Flite.samples(of: bytes.dropFirst(44)) + Self.quiet(2), words: try Flite.recogniser.get(),
      thresholds: TurnThresholds(endOfTurn: 0.8, eager: 0.5))
    #expect(run.transcripts.count == 1, "one turn, as the live service has it")
    let said =
      "we the people of the united states in order to form a more perfect union establish justice insure "
      + "domestic tranquility provide for the common defense promote the general welfare and secure the "
      + "blessings of liberty to ourselves and our posterity do ordain and establish this constitution for "
      + "the united states of america"
    var errors = WordErrors()
    errors.add(said: said, heard: run.transcripts.joined(separator: " "))
    #expect(errors.rate <= 0.25)
  }
}

@Suite("PocketSphinx words")
struct PocketSphinxSpellingTests {
  @Test(
    "silence, fillers and noises are no words, and marks of a pronunciation are not part of one",
    arguments: [
      ("<s>", nil), ("</s>", nil), ("<sil>", nil), ("[NOISE]", nil), ("++UH++", nil), ("read(2)", "read"),
      ("don't", "don't"), ("a", "a"), ("", nil), ("(2)", "(2)"),
    ] as [(String, String?)])
  func spelling(name: String, word: String?) {
    #expect(PocketSphinxDecoder.spoken(name) == word)
  }
}
