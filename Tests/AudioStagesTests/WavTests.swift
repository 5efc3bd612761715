import AudioStages
import FluxGraph
import Foundation
import StageTesting
import TestSupport
import Testing

@Suite struct WavTests {
  private let catalogue = Catalogue.audio

  /// Runs a graph to its end in a directory.
  private func run(_ text: String, in directory: TemporaryFolder) async throws -> [GraphHarness.Failure] {
    let world = TestWorld()
    return try await GraphHarness(text, catalogue: catalogue, world: world, directory: directory.path).run()
  }

  private func probe(_ path: String) throws -> String {
    String(
      decoding: try Peers.run(
        "ffprobe",
        [
          "-v", "error", "-show_entries", "stream=codec_name,sample_rate,channels,duration_ts", "-of",
          "csv=p=0",
          path,
        ]), as: UTF8.self
    ).trimmingCharacters(in: .whitespacesAndNewlines)
  }

  @Test("a recording holds every sample, as ffmpeg reads them", .enabled(if: Peers.haveFFmpeg))
  func whole() async throws {
    let directory = try TemporaryFolder()
    let failures = try await run(
      "tone noise duration=2500ms rate=16k channels=2 | wav sub/a.wav format=f32le", in: directory)
    #expect(failures.isEmpty)
    #expect(try probe(directory.file("sub/a.wav")) == "pcm_f32le,16000,2,40000")
    var tone = Tone()
    tone.wave = .noise
    tone.duration = .milliseconds(2500)
    tone.rate = .hertz(16_000)
    tone.channels = 2
    let expected = try AudioHarness.run(tone).floats
    let decoded = try Peers.ffmpeg("-i \(directory.file("sub/a.wav")) -f f32le -")
    #expect(samples(decoded, as: Float.self) == expected)
  }

  @Test("files of a rotated recording follow each other without a gap", .enabled(if: Peers.haveFFmpeg))
  func rotation() async throws {
    let directory = try TemporaryFolder()
    let failures = try await run(
      """
      sound = tone noise duration=3s rate=16k
      sound | wav whole.wav
      sound | wav part-{start}.wav rotate=[1s, 20kB]
      sound | wav same.wav rotate=[700ms]
      """, in: directory)
    #expect(failures.isEmpty)
    let whole = try directory.bytes("whole.wav").suffix(96_000)
    let parts = directory.names.filter { $0.hasPrefix("part-") }.sorted {
      Double($0.dropFirst(5).dropLast(4))! < Double($1.dropFirst(5).dropLast(4))!
    }
    // 20 kB come before a second does: 9950 frames.
    #expect(parts.count == 5 && parts[1] == "part-0.622.wav")
    var joined: [UInt8] = []
    for part in parts {
      let bytes = try directory.bytes(part)
      #expect(bytes.count <= 20_000)
      joined += try Peers.ffmpeg("-i \(directory.file(part)) -f s16le -")
    }
    #expect(joined == Array(whole))
    let same = ["same.wav", "same-2.wav", "same-3.wav", "same-4.wav", "same-5.wav"]
    #expect(Set(directory.names.filter { $0.hasPrefix("same") }) == Set(same))
    let again = try same.flatMap { try Peers.ffmpeg("-i \(directory.file($0)) -f s16le -") }
    #expect(again == Array(whole))
  }

  @Test("what is there is kept, unless the graph says otherwise")
  func overwriting() async throws {
    let directory = try TemporaryFolder()
    try Data("precious".utf8).write(to: URL(fileURLWithPath: directory.file("a.wav")))
    let failures = try await run("tone duration=100ms | wav a.wav", in: directory)
    #expect(failures.first?.error.code == .inputOutput)
    #expect(failures.first?.error.message.contains("is already there") == true)
    #expect(try directory.bytes("a.wav") == Array("precious".utf8))
    #expect(try await run("tone duration=100ms | wav a.wav overwrite", in: directory).isEmpty)
    #expect(try directory.bytes("a.wav").count > 9600)
  }

  @Test("a full disk is a failure with a sentence")
  func full() async throws {
    let directory = try TemporaryFolder()
    let failures = try await run("tone duration=1s | wav /dev/full overwrite", in: directory)
    #expect(failures.first?.error.code == .inputOutput)
    #expect(failures.first?.error.message.contains("No space left on device") == true)
  }

  @Test("a live source goes on while the disk is away; what was lost is silence, and the length is right")
  func slowDisk() throws {
    let directory = try TemporaryFolder()
    let ring = try HeldDisk(directory)
    let format = AudioFormat(.s16le, rate: 1000, channels: 1)
    var wav = Wav()
    wav.path = PathTemplate(try Template("a.wav"))
    try wav.prepare(format: format, ring.context)
    func write(seconds: Int, value: Int16) throws {
      for _ in 0..<(seconds * 10) {
        var block = AudioBuffer(format: format, capacity: 100)
        block.appendSilence(100)
        var samples = block.integers
        for index in 0..<100 { samples[index] = value }
        try wav.write(block)
      }
    }
    try write(seconds: 12, value: 7)
    ring.release()
    try write(seconds: 12, value: 9)
    ring.release()
    try write(seconds: 1, value: 10)
    ring.release()
    try write(seconds: 1, value: 11)
    while try !wav.finish() { ring.release() }
    let samples = samples(try Array(directory.bytes("a.wav").suffix(52_000)), as: Int16.self)
    #expect(samples.count == 26_000)
    #expect(samples[..<8000].allSatisfy { $0 == 7 })
    #expect(samples[8000..<12_000].allSatisfy { $0 == 0 })
    #expect(samples[12_000..<16_000].allSatisfy { $0 == 9 })
    #expect(samples[25_000...].allSatisfy { $0 == 11 })
    #expect(ring.world.notices.contains { $0.notice == "gap" && $0.message.contains("4.00 s") })
  }

  @Test("a field the recording does not have is refused")
  func fields() throws {
    var wav = Wav()
    wav.path = PathTemplate(try Template("{transcript}.wav"))
    #expect(throws: OptionConflict.self) { try wav.checkOptions() }
    wav.path = PathTemplate(try Template("{date}/{clock}-{start}-{stream}.wav"))
    #expect(throws: Never.self) { try wav.checkOptions() }
  }
}
