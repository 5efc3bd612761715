import FluxGraph
import StageTesting
import Synchronization
import Testing

/// The contract finds what is wrong with a stage: each stage here breaks one rule.
@Suite struct StageContractTests {
  private func rule<S: Stage>(
    _ type: S.Type, _ input: StageContract.Input = .standard
  ) async -> StageContract.Rule? {
    do {
      try await StageContract.check(type, input: input)
      return nil
    } catch {
      return (error as? StageContract.Violation)?.rule
    }
  }

  @Test("a good stage passes") func good() async {
    #expect(await rule(Plain.self) == nil)
  }

  @Test("a stage whose output depends on where the stream is cut") func cuts() async {
    #expect(await rule(CountsBlocks.self) == .cuts)
  }

  @Test("a stage that shares something with the one before it") func freshness() async {
    #expect(await rule(Remembers.self) == .freshness)
  }

  @Test("a stage that allocates for every block") func allocation() async {
    #expect(await rule(Allocates.self) == .allocation)
  }

  @Test("a stage that gives another format than it declares") func types() async {
    #expect(await rule(Lies.self) == .types)
  }

  @Test("a stage that keeps what it had at the end") func flush() async {
    #expect(await rule(GivesTwice.self) == .flush)
  }

  @Test("a converter that neither takes nor gives") func progress() async {
    #expect(await rule(Idle.self) == .progress)
  }

  @Test("a recogniser that goes on after the end of the audio") func endless() async {
    #expect(await rule(Endless.self) == .flush)
  }

  @Test("a stage that joins streams and forgets where one was cut") func joiner() async {
    #expect(await rule(JoinsBlocks.self) == .cuts)
  }

  @Test("a decoder that allocates for every piece") func decoder() async {
    #expect(await rule(AllocatingDecoder.self, .bytes([UInt8](repeating: 1, count: 20_000))) == .allocation)
  }

  @Test("a relay that allocates for every block") func relay() async {
    #expect(await rule(AllocatingRelay.self) == .allocation)
  }

  @Test("a sink of audio that allocates for every block") func sink() async {
    #expect(await rule(AllocatingSink.self) == .allocation)
  }

  @Test("a text that is wrong is told as check tells it") func text() async {
    do {
      try await StageContract.check(Plain.self, "plain 3dB")
      Issue.record("the option is not there")
    } catch {
      #expect("\(error)".contains("error["), "\(error)")
    }
  }
}

private struct Plain: AudioTransform {
  static let description = StageDescription<Plain>("plain", "Halves.")
  mutating func process(_ audio: inout AudioBuffer) { audio.scale(by: 0.5) }
}

private struct CountsBlocks: AudioTransform {
  static let description = StageDescription<CountsBlocks>("counts_blocks", "Fades by blocks.")
  private var level: Float = 1
  mutating func process(_ audio: inout AudioBuffer) {
    audio.scale(by: level)
    level *= 0.9
  }
}

private struct Remembers: AudioTransform {
  static let description = StageDescription<Remembers>("remembers", "Is louder in every stage.")
  private static let made = Mutex(0)
  private var level: Float = 1
  mutating func prepare(format: AudioFormat, _ context: StageContext) throws {
    level = Self.made.withLock { made in
      // The cuts of the contract come in between: only whole ones are told apart.
      made += 1
      return made > StageContractTests.runs ? 2 : 1
    }
  }
  mutating func process(_ audio: inout AudioBuffer) { audio.scale(by: level) }
}

extension StageContractTests {
  /// Ways of cutting the contract tries before it begins anew.
  fileprivate static let runs = 5
}

private struct Allocates: AudioTransform {
  static let description = StageDescription<Allocates>("allocates", "Takes a copy of every block.")
  mutating func process(_ audio: inout AudioBuffer) {
    let copy = (0..<audio.frameCount).map { _ in Float(0.5) }
    audio.scale(by: copy.first ?? 1)
  }
}

private struct Lies: AudioConverter {
  static let description = StageDescription<Lies>("lies", "Says 8 kHz and gives what comes.")
  var accepts: AudioRequirement { .float }
  func output(for input: AudioStreamType) -> AudioStreamType {
    var output = input
    output.rate = 8_000
    return output
  }
  mutating func prepare(input: AudioFormat, _ context: StageContext) throws -> (
    output: AudioFormat, capacity: Int
  ) {
    (input, 4_096)
  }
  mutating func convert(_ input: inout AudioBuffer, into output: inout AudioBuffer) {
    input.removeFirst(output.append(input))
  }
}

private struct GivesTwice: AudioConverter {
  static let description = StageDescription<GivesTwice>("gives_twice", "Says that it is empty and is not.")
  private var calls = 0
  var accepts: AudioRequirement { .float }
  func output(for input: AudioStreamType) -> AudioStreamType { input }
  mutating func prepare(input: AudioFormat, _ context: StageContext) throws -> (
    output: AudioFormat, capacity: Int
  ) {
    (input, 4_096)
  }
  mutating func convert(_ input: inout AudioBuffer, into output: inout AudioBuffer) {
    input.removeFirst(output.append(input))
  }
  mutating func finish(into output: inout AudioBuffer) {
    calls += 1
    if calls == 2 { output.appendSilence(10) }
  }
}

private struct Idle: AudioConverter {
  static let description = StageDescription<Idle>("idle", "Does nothing at all.")
  var accepts: AudioRequirement { .float }
  func output(for input: AudioStreamType) -> AudioStreamType { input }
  mutating func prepare(input: AudioFormat, _ context: StageContext) throws -> (
    output: AudioFormat, capacity: Int
  ) {
    (input, 4_096)
  }
  mutating func convert(_ input: inout AudioBuffer, into output: inout AudioBuffer) {}
}

/// Gives of each stream the first block alone.
private struct JoinsBlocks: AudioJoiner {
  static let description = StageDescription<JoinsBlocks>(
    "joins_blocks", "Gives the first block of each stream.")
  private var samples: [Float] = []
  private var hasTaken: [Bool] = []
  private var left = 0
  func output(for input: AudioStreamType, inputs: Int) -> AudioStreamType { input }
  mutating func prepare(
    inputs: [(format: AudioFormat, liveness: Liveness)], _ context: StageContext
  ) throws -> AudioFormat {
    hasTaken = inputs.map { _ in false }
    left = inputs.count
    return inputs[0].format
  }
  func room(of input: Int) -> Int { .max }
  mutating func take(_ audio: borrowing AudioBuffer, from input: Int) {
    guard !hasTaken[input] else { return }
    hasTaken[input] = true
    for index in 0..<audio.frameCount { samples.append(audio.readOnlyFloats[index]) }
  }
  mutating func inputEnded(_ input: Int) { left -= 1 }
  mutating func read(into output: inout AudioBuffer) -> SourceProgress {
    guard !samples.isEmpty else { return left > 0 ? .waiting : .finished }
    let count = min(samples.count, output.freeFrames)
    output.append(Array(samples.prefix(count)))
    samples.removeFirst(count)
    return .produced
  }
}

/// Bytes as samples, in a new array every time.
private struct AllocatingDecoder: AudioDecoder {
  static let description = StageDescription<AllocatingDecoder>(
    "allocating_decoder", "Decodes by way of arrays.")
  private let format = AudioFormat(.f32le, rate: 8_000, channels: 1)
  var output: AudioStreamType { AudioStreamType(format, liveness: .finite) }
  mutating func prepare(wanted: AudioRequirement, _ context: StageContext) throws {}
  mutating func decode(
    _ bytes: inout ByteBuffer, isLast: Bool, into audio: inout AudioBuffer
  ) throws -> DecodeProgress {
    guard !bytes.isEmpty else { return isLast ? .finished : .needsBytes }
    audio.reset(format: format, capacity: 4_096)
    let samples = bytes.withBytes { $0.prefix(4_096).map { Float($0) / 256 } }
    audio.append(samples)
    bytes.removeFirst(samples.count)
    return .produced
  }
}

/// Gives back what it has been given, by way of an array.
private struct AllocatingRelay: AudioRelay {
  static let description = StageDescription<AllocatingRelay>("allocating_relay", "Gives back what comes.")
  private var samples: [Float] = []
  private var hasEnded = false
  var accepts: AudioRequirement { .float }
  func output(for input: AudioStreamType) -> AudioStreamType { input }
  mutating func prepare(input: AudioFormat, _ context: StageContext) throws -> AudioFormat { input }
  mutating func write(_ input: inout AudioBuffer) throws {
    guard samples.isEmpty else { return }
    let count = min(input.frameCount, 256)
    samples = [Float](repeating: 0, count: count)
    for index in 0..<count { samples[index] = input.readOnlyFloats[index] }
    input.removeFirst(count)
  }
  mutating func endInput() throws { hasEnded = true }
  mutating func read(into output: inout AudioBuffer) throws -> SourceProgress {
    guard !samples.isEmpty else { return hasEnded ? .finished : .waiting }
    output.append(samples)
    samples = []
    return .produced
  }
  mutating func close() throws -> Bool { true }
}

private struct AllocatingSink: AudioSink {
  static let description = StageDescription<AllocatingSink>("allocating_sink", "Keeps everything.")
  private var blocks: [[Float]] = []
  var accepts: AudioRequirement { .float }
  mutating func write(_ audio: borrowing AudioBuffer) throws {
    let samples = audio.readOnlyFloats
    blocks.append(samples.indices.map { samples[$0] })
  }
}

private struct Endless: Recogniser {
  static let description = StageDescription<Endless>("endless", "Listens for ever.")
  var accepts: AudioRequirement { .float }
  mutating func run(_ audio: AudioInlet, into events: EventOutlet, _ context: StageContext) async throws {
    while await audio.next() != nil {}
    while !Task.isCancelled { try? await Task.sleep(for: .milliseconds(5)) }
  }
}
