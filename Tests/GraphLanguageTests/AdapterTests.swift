import FluxGraph
import Testing

@testable import GraphLanguage

extension Plan {
  /// One stage after the other, automatic ones starred, with the nodes each is fed by unless that is only the one before.
  var outline: String {
    nodes.map { node in
      let text = node.text + (node.isAutomatic ? "*" : "")
      let feeds = inputs(of: node.id).map { "\($0.from)" + ($0.port.map { "." + $0 } ?? "") }
      return feeds.isEmpty || feeds == ["\(node.id - 1)"] ? text : text + "<" + feeds.joined(separator: ",")
    }.joined(separator: " → ")
  }
}

extension AudioRequirement {
  var outline: String {
    "\(sample?.rawValue ?? "any") \(rate.map(String.init) ?? "any") \(channels.map(String.init) ?? "any")"
  }
}

@Suite struct AdapterTests {
  @Test("what does not fit is adapted, once, in the order of the roles", arguments: chains)
  func adapts(_ graph: String, _ outline: String) throws {
    let result = check(graph)
    #expect(result.diagnostics.filter { $0.severity == .error } == [])
    #expect(try #require(result.plan).outline == outline)
  }

  static let chains: [(String, String)] = [
    (
      "file talk.opus | flux | stdout",
      "file talk.opus → decode* → mix mono* → resample 16k* → format s16le* → chunk 80ms* → pace 1x* → flux → stdout"
    ),
    // A live source is never paced; its samples are brought into the form a mixer computes in.
    (
      "mic | flux | stdout",
      "mic → format f32le* → mix mono* → resample 16k* → format s16le* → chunk 80ms* → flux → stdout"
    ),
    (
      "stdin live | flux | null",
      "stdin live → decode* → mix mono* → resample 16k* → format s16le* → chunk 80ms* → flux → null"
    ),
    // What is known to fit is left alone.
    ("tone | flux | null", "tone → resample 16k* → format s16le* → chunk 80ms* → pace 1x* → flux → null"),
    (
      "tone rate=16k | chunk 80ms | flux | null",
      "tone rate=16k → chunk 80ms → format s16le* → pace 1x* → flux → null"
    ),
    // What is written is not inserted.
    (
      "tone | resample 16k | format s16le | chunk 80ms | pace 1x | flux | null",
      "tone → resample 16k → format s16le → chunk 80ms → pace 1x → flux → null"
    ),
    (
      "mic | resample 8k | flux | null",
      "mic → format f32le* → resample 8k → mix mono* → resample 16k* → format s16le* → chunk 80ms* → flux → null"
    ),
    (
      "tone | pace 2x | flux | null",
      "tone → pace 2x → resample 16k* → format s16le* → chunk 80ms* → flux → null"
    ),
    // Sinks that take any audio get the samples as they come.
    ("mic | null", "mic → null"),
    ("mic | wav out.wav", "mic → wav out.wav"),
    ("file talk.opus | wav out.wav", "file talk.opus → decode* → wav out.wav"),
    ("mic | gain -3dB | null", "mic → format f32le* → gain -3dB → null"),
    ("file talk.opus | gain -3dB | null", "file talk.opus → decode* → gain -3dB → null"),
    ("file talk.opus | decode | null", "file talk.opus → decode → null"),
    // A stage that takes stereo has to be given it; unknown channels are looked at when they come.
    ("mic | widen | null", "mic → format f32le* → widen → null"),
    // A tee of a live source stays as it is.
    (
      "a = mic; a | wav out.wav; a | flux | null",
      "mic → wav out.wav → format f32le*<0 → mix mono* → resample 16k* → format s16le* → chunk 80ms* → flux → null"
    ),
    // A finite one is paced before the ways part, and decoded once.
    (
      "a = file x.wav; a | wav out.wav; a | flux | null",
      """
      file x.wav → decode* → pace 1x* → wav out.wav → mix mono*<2 → resample 16k* → format s16le* → chunk 80ms* \
      → flux → null
      """
    ),
    (
      "a = tone; b = a | gain -3dB; a | null; b | flux | null; b | flux as=x | null",
      """
      tone → pace 1x* → gain -3dB → null<1 → resample 16k*<2 → format s16le* → chunk 80ms* → flux → null \
      → resample 16k*<2 → format s16le* → chunk 80ms* → flux as=x → null
      """
    ),
    // Without anyone who needs real time nothing is paced.
    ("a = file x.wav; a | wav out.wav; a | null", "file x.wav → decode* → wav out.wav → null<1"),
    // Events part and join without adapters.
    (
      "a = tone rate=16k | format s16le | flux; a | null; a | stdout",
      "tone rate=16k → format s16le → chunk 80ms* → pace 1x* → flux → null → stdout<4"
    ),
    (
      "a = mic | flux; b = a | where turn > 3; a, b | stdout",
      "mic → format f32le* → mix mono* → resample 16k* → format s16le* → chunk 80ms* → flux → where turn > 3 → stdout<6,7"
    ),
    // Audio joins in `mix`, at the highest rate that is known.
    (
      "a = monitor; b = tone; a, b | mix | null",
      "monitor → tone → format f32le*<0 → mix mono* → resample 48k* → mix<4,1 → null"
    ),
    (
      "a = file x.wav; b = file y.wav; a, b | mix mono | flux | null",
      """
      file x.wav → file y.wav → decode*<0 → mix mono* → resample 48k* → decode*<1 → mix mono* → resample 48k* \
      → mix mono<4,7 → resample 16k* → format s16le* → chunk 80ms* → pace 1x* → flux → null
      """
    ),
  ]

  @Test("a decoder is told what the stages behind it would make", arguments: wishes)
  func asks(_ graph: String, _ wanted: String, _ output: String) throws {
    let plan = try #require(check(graph).plan)
    let decoder = try #require(plan.nodes.first { $0.specification.name == "decode" })
    #expect(decoder.wanted?.outline == wanted)
    #expect(decoder.output?.description == output)
  }

  static let wishes: [(String, String, String)] = [
    ("file x | flux | null", "s16le 16000 1", "audio of the input's format"),
    (
      "file x | decode | mix mono | resample 16k | flux | null", "s16le 16000 1",
      "audio of the input's format"
    ),
    ("file x | resample 8k | null", "any 8000 any", "audio f32le"),
    ("file x | mix mono | gain 3dB | flux | null", "f32le any 1", "audio f32le"),
    ("file x | gain 3dB | flux | null", "f32le any any", "audio f32le"),
    ("file x | format mulaw | null", "mulaw any any", "audio of the input's format"),
    ("file x | wav out.wav", "any any any", "audio f32le"),
    ("file x | mix | flux | null", "s16le 16000 1", "audio of the input's format"),
    // Other mixes than of all channels are no format a decoder could give.
    ("file x | mix left | flux | null", "f32le any any", "audio f32le"),
    ("file x | resample 8k | mix left | null", "f32le 8000 any", "audio f32le"),
    // A stage that is written twice is there for its sound.
    ("file x | resample 8k | flux | null", "f32le 8000 1", "audio f32le"),
    ("file x | format s16le | flux | null", "s16le any any", "audio of the input's format"),
    // Several ways would want several things.
    ("a = file x; a | wav out.wav; a | flux | null", "any any any", "audio f32le"),
    ("a = file x; a | flux | null; a | flux as=b | null", "any any any", "audio f32le"),
  ]

  @Test("types are recorded on both sides of each stage")
  func types() throws {
    let plan = try #require(check("stdin live | flux | null").plan)
    let types = plan.nodes.map { "\($0.input?.description ?? "-") > \($0.output?.description ?? "-")" }
    #expect(
      types == [
        "- > bytes", "bytes > audio of the input's format", "audio of the input's format > audio f32le mono",
        "audio f32le mono > audio f32le 16k mono", "audio f32le 16k mono > audio s16le 16k mono",
        "audio s16le 16k mono > audio s16le 16k mono", "audio s16le 16k mono > events", "events > -",
      ])
    guard case .audio(let audio)? = plan.nodes[6].input else {
      Issue.record("flux takes audio")
      return
    }
    #expect(audio.liveness == .live && audio.isPaced && audio.chunk == .milliseconds(80))
  }

  @Test("behind a pace stage that stands before a tee every branch counts as paced")
  func pacedBranches() throws {
    let plan = try #require(check("a = tone; a | gain | null; a | flux | null").plan)
    for node in plan.nodes {
      guard case .audio(let audio)? = node.input else { continue }
      #expect(audio.isPaced == (node.specification.name != "pace"))
    }
  }

  @Test("strict mode names every stage that would have been inserted, and accepts a graph that writes them")
  func strict() {
    let result = check("a = file x.wav\na | wav y.wav\na | flux | null", strict: true)
    #expect(result.plan == nil)
    #expect(result.diagnostics.map(\.code) == ["implicit-adapter", "implicit-adapter"])
    #expect(
      result.diagnostics.map(\.replacement?.text) == [
        "decode | ", "mix mono | resample 16k | format s16le | chunk 80ms | pace 1x | ",
      ])
    let whole =
      "file x | decode | mix mono | resample 16k | format s16le | chunk 80ms | pace 1x | flux | null"
    #expect(check(whole, strict: true).diagnostics == [])
  }

  @Test("a catalogue without the adapter that is needed makes an error, not a plan")
  func missingAdapter() {
    let small = Catalogue().adding(FileSource.self).adding(Null.self)
    let result = Checker(catalogue: small).check(
      GraphSource(name: "t", text: "file x | null", directory: "."))
    #expect(result.plan == nil)
    #expect(result.diagnostics.map(\.code) == ["no-adapter"])
  }
}

/// Stages of others in the place of the program's own.
@Suite struct OtherAdapterTests {
  private struct Slices: AudioConverter {
    static let description = StageDescription<Slices>(
      "chunk", "Cuts slices.", role: .chunk(setting: "size")
    ) {
      Option("size", \Slices.size, "The length of a slice.", in: .milliseconds(10)...(.seconds(1)))
    }
    var size = Duration.milliseconds(100)
    var accepts: AudioRequirement { .any }
    func output(for input: AudioStreamType) -> AudioStreamType {
      var output = input
      output.chunk = size
      return output
    }
    mutating func prepare(
      input: AudioFormat, _ context: StageContext
    ) throws -> (output: AudioFormat, capacity: Int) { (input, 0) }
    mutating func convert(_ input: inout AudioBuffer, into output: inout AudioBuffer) {}
  }

  /// Says that an option sets it which it does not have.
  private struct Careless: AudioConverter {
    static let description = StageDescription<Careless>("chunk", "Cuts.", role: .chunk(setting: "length"))
    var accepts: AudioRequirement { .any }
    func output(for input: AudioStreamType) -> AudioStreamType { input }
    mutating func prepare(
      input: AudioFormat, _ context: StageContext
    ) throws -> (output: AudioFormat, capacity: Int) { (input, 0) }
    mutating func convert(_ input: inout AudioBuffer, into output: inout AudioBuffer) {}
  }

  private func check(_ catalogue: Catalogue) -> CheckResult {
    Checker(catalogue: catalogue).check(
      GraphSource(name: "t.graph", text: "mic | flux | stdout", directory: "/graphs"))
  }

  @Test("an adapter is set through the option it names")
  func named() throws {
    let plan = try #require(check(standard.adding(Slices.self)).plan)
    #expect(plan.outline.contains("chunk size=80ms*"), "\(plan.outline)")
  }

  @Test("one that names an option it does not have is a mistake in the graph's place, and no trap")
  func careless() {
    let result = check(standard.adding(Careless.self))
    #expect(result.plan == nil && result.diagnostics.map(\.code) == ["no-adapter"])
  }
}
