import ExampleStages
import FluxGraph
import FluxGraphCLI
import Foundation
import StageTesting
import Testing

@Suite struct SunAudioTests {
  @Test("keeps what every stage owes", arguments: [SunAudioHeader.Encoding.muLaw, .linear16])
  func contract(_ encoding: SunAudioHeader.Encoding) async throws {
    let samples = (0..<20_000).map { UInt8(truncatingIfNeeded: $0 * 37) }
    try await StageContract.check(SunAudio.self, input: .bytes(Self.file(encoding, samples)))
  }

  @Test("samples are what they stand for") func samples() throws {
    let linear = try AudioHarness.run(
      SunAudio(), bytes: Self.file(.linear16, [0x40, 0, 0x80, 0, 0xFF, 0xFF]))
    #expect(linear.floats == [0.5, -1, -1 / 32_768])
    #expect(linear.format == AudioFormat(.f32le, rate: 8_000, channels: 1))
    // The ends and the middle of G.711's table.
    let muLaw = try AudioHarness.run(SunAudio(), bytes: Self.file(.muLaw, [0x00, 0x80, 0x7F, 0xFF, 0xEF]))
    #expect(muLaw.floats.map { $0 * 32_768 } == [-32_124, 32_124, 0, 0, 132])
  }

  @Test("what is no .au file is told as what it is") func damaged() {
    for bytes in [Array("RIFF".utf8) + [UInt8](repeating: 0, count: 40), Self.file(.muLaw, []).dropLast(30)] {
      #expect(throws: StageError.self) { try AudioHarness.run(SunAudio(), bytes: bytes) }
    }
    #expect(throws: StageError.self) {
      var bytes = Self.file(.muLaw, [1])
      bytes[15] = 27
      _ = try AudioHarness.run(SunAudio(), bytes: bytes)
    }
  }

  @Test("whatever stands in the header, it is read or refused") func mutations() {
    var random = SeededGenerator(seed: 0xA0)
    let good = Self.file(.linear16, [UInt8](repeating: 9, count: 200))
    for _ in 0..<5_000 {
      var bytes = good
      bytes[Int.random(in: 0..<32, using: &random)] = .random(in: .min ... .max, using: &random)
      bytes.removeLast(Int.random(in: 0...bytes.count, using: &random))
      do {
        let output = try AudioHarness.run(SunAudio(), bytes: bytes, cuts: [13])
        #expect(output.bytes.count <= 2 * bytes.count)
      } catch {
        #expect((error as? StageError)?.code == .badInput)
      }
    }
  }

  /// A file of 8 kHz mono with eight bytes of annotation.
  private static func file(_ encoding: SunAudioHeader.Encoding, _ samples: [UInt8]) -> [UInt8] {
    let fields: [UInt32] = [0x2E73_6E64, 32, UInt32(samples.count), encoding.rawValue, 8_000, 1]
    return fields.flatMap { field in (0..<4).map { UInt8(truncatingIfNeeded: field >> (24 - 8 * $0)) } }
      + Array("prompt\0\0".utf8) + samples
  }
}

@Suite struct DecimateTests {
  @Test("keeps what every stage owes", arguments: [1, 2])
  func contract(_ channels: Int) async throws {
    let ramp = (0..<12_001 * channels).map { Float($0 % 1_000) / 1_000 - 0.5 }
    try await StageContract.check(
      Decimate.self, "decimate 3", input: .audio(ramp, rate: 48_000, channels: channels))
  }

  @Test("frames become their mean, also those left at the end") func means() throws {
    var stage = Decimate()
    stage.factor = 2
    let output = try AudioHarness.run(
      stage, [0, 1, 0.5, 0.5, -1], format: AudioFormat(.f32le, rate: 16_000, channels: 1), cuts: [1, 3])
    #expect(output.floats == [0.5, 0.5, -1])
    #expect(output.format.rate == 8_000)
  }

  @Test("a rate that cannot be divided ends the graph with a reason") func odd() async throws {
    let graph = try Graph(
      text: "tone rate=44100Hz duration=100ms | decimate 8 | null", catalogue: .standard.adding(.examples))
    await #expect { try await graph.run() } throws: {
      ($0 as? GraphError)?.message.contains("cannot be divided by 8") == true
    }
  }
}

@Suite struct SideBySideTests {
  @Test("keeps what every stage owes") func contract() async throws {
    try await StageContract.check(SideBySide.self)
  }

  @Test("streams are channels, to the end of the longest") func channels() throws {
    let output = try AudioHarness.run(SideBySide(), [[1, 2, 3], [4], [5, 6]], rate: 8_000)
    #expect(output.floats == [1, 4, 5, 2, 0, 6, 3, 0, 0])
    #expect(output.format == AudioFormat(.f32le, rate: 8_000, channels: 3))
  }

  @Test("a live stream lies where it was captured") func captured() throws {
    let world = TestWorld()
    var stage = SideBySide()
    let mono = AudioFormat(.f32le, rate: 1_000, channels: 1)
    let format = try stage.prepare(inputs: [(mono, .live), (mono, .live)], world.context())
    var block = AudioBuffer(format: mono, capacity: 100)
    for (input, milliseconds) in [(0, 0), (1, 200)] {
      block.removeAll()
      block.append([Float](repeating: 1, count: 100))
      block.captureTime = world.loop.now().advanced(by: .milliseconds(milliseconds))
      stage.take(block, from: input)
      stage.inputEnded(input)
    }
    var output = AudioBuffer(format: format, capacity: 1_000)
    #expect(stage.read(into: &output) == .produced)
    #expect(output.frameCount == 300 && output.captureTime == world.loop.now())
    var samples: [Float] = []
    let read = output.readOnlyFloats
    for index in read.indices { samples.append(read[index]) }
    #expect(samples[..<200].enumerated().allSatisfy { $0.element == ($0.offset.isMultiple(of: 2) ? 1 : 0) })
    #expect(samples[400...].enumerated().allSatisfy { $0.element == ($0.offset.isMultiple(of: 2) ? 0 : 1) })
  }

  @Test(
    "a graph joins what has different rates and channels, and a single stream, too",
    arguments: [
      "a = tone duration=1s rate=8k; b = tone duration=500ms rate=16k channels=2; a, b | side_by_side | wav out.wav",
      "tone duration=1s rate=16k channels=2 | side_by_side | wav out.wav",
    ]) func graph(_ text: String) async throws
  {
    let folder = try Folder()
    let graph = try Graph(text: text, catalogue: .standard.adding(.examples), directory: folder.path)
    try await graph.run()
    let bytes = try Data(contentsOf: URL(filePath: folder.path + "/out.wav"))
    // One second of 16-bit samples and a header.
    let channels = text.contains("a, b") ? 2 : 1
    #expect((32_000 * channels...32_000 * channels + 200).contains(bytes.count), "\(bytes.count)")
  }
}

@Suite struct LevelsTests {
  @Test("keeps what every stage owes") func contract() async throws {
    try await StageContract.check(Levels.self, "levels talk.tsv")
  }

  @Test("a line for each second, also one that is not whole") func lines() async throws {
    let folder = try Folder()
    let graph = try Graph(
      text: "tone level=-20dB duration=2500ms rate=8k | levels talk.tsv",
      catalogue: .standard.adding(.examples),
      directory: folder.path)
    try await graph.run()
    let table = try String(contentsOfFile: folder.path + "/talk.tsv", encoding: .utf8)
    #expect(table == "0\t-23.0\t-20.0\n1\t-23.0\t-20.0\n2\t-23.0\t-20.0\n")
  }

  @Test("a place that cannot be written ends the graph with a reason") func unwritable() async throws {
    let graph = try Graph(
      text: "tone duration=5s rate=8k | levels /nowhere/talk.tsv", catalogue: .standard.adding(.examples))
    await #expect { try await graph.run() } throws: {
      ($0 as? GraphError)?.message.contains("/nowhere/talk.tsv") == true
    }
  }
}

/// A directory that goes with the test.
final class Folder {
  let path: String

  init() throws {
    path = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString).path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }
}
