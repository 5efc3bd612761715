import AudioStages
import FluxGraph
import Foundation
import StageTesting
import TestSupport
import Testing

@Suite(.enabled(if: Peers.haveFFmpeg)) struct FileExcerptTests {
  private let directory: TemporaryFolder

  init() throws {
    directory = try TemporaryFolder()
  }

  /// What comes out of a file, and how many bytes of it were looked at.
  private func decoded(_ source: String, rate: String = "", name: String = "out.wav") async throws -> [Float]
  {
    let graph = try GraphHarness(
      "file \(source) \(rate)| wav \(name) format=f32le overwrite", catalogue: .audio, world: TestWorld(),
      directory: directory.path)
    if let failure = try await graph.run().first { throw failure.error }
    return samples(try Array(directory.bytes(name).dropFirst(94)), as: Float.self)
  }

  private func make(_ options: String, _ name: String, seconds: Int = 60) throws {
    // Noise under a sweep: every place sounds different.
    try Peers.ffmpeg(
      "-f lavfi -i aevalsrc=0.3*sin(2*PI*(200*t+20*t*t))+0.02*(random(0)-0.5):s=48000:d=\(seconds) \(options) \(directory.file(name))"
    )
  }

  @Test(
    "a WAV file from any time on is what decoding from the front gives, to the bit",
    arguments: [
      "-c:a pcm_s16le", "-c:a pcm_s24le -ac 2", "-c:a pcm_f32le -ar 44100", "-c:a pcm_mulaw -ar 8000",
    ])
  func wav(options: String) async throws {
    try make(options, "a.wav", seconds: 10)
    let channels = options.contains("-ac 2") ? 2 : 1
    let rate = options.contains("44100") ? 44_100 : options.contains("8000") ? 8000 : 48_000
    let whole = try await decoded("a.wav")
    for (start, duration) in [(0.0, 1.0), (0.001, 0.5), (3.333, 2), (9.9, 5)] {
      let part = try await decoded("a.wav start=\(start)s duration=\(duration)s")
      let first = Int((start * Double(rate)).rounded()) * channels
      let end = min(whole.count, first + Int((duration * Double(rate)).rounded()) * channels)
      #expect(part == Array(whole[first..<end]), "\(start)")
    }
    await #expect(throws: StageError.self) { try await decoded("a.wav start=11s") }
  }

  @Test(
    "an Ogg Opus file from any time on is aligned with decoding from the front",
    arguments: ["-c:a libopus -b:a 64k", "-c:a libopus -b:a 24k -application voip -page_duration 20000"])
  func opus(options: String) async throws {
    try make(options, "a.opus")
    let whole = try await decoded("a.opus")
    #expect(whole.count == 60 * 48_000)
    for start in [0.0, 0.05, 0.1, 1, 17.0, 33.333, 59.5] {
      let part = try await decoded("a.opus start=\(start)s duration=2s")
      let first = Int((start * 48_000).rounded())
      let expected = Array(whole[first..<min(whole.count, first + 96_000)])
      #expect(part.count == expected.count, "\(start)")
      // The decoder has found its way after the pre-roll; a shift by a single sample would show.
      let difference = zip(part, expected).reduce(Float(0)) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
      let energy = expected.reduce(Float(0)) { $0 + $1 * $1 }
      #expect(difference < energy * 1e-4, "\(start): \(difference / energy)")
    }
  }

  @Test("an excerpt decoded straight to 16 kHz has its exact place and length, too")
  func resampled() async throws {
    try make("-c:a libopus -b:a 64k", "a.opus", seconds: 30)
    let whole = try await decoded("a.opus", rate: "| resample 16k ")
    let part = try await decoded("a.opus start=20s duration=3s", rate: "| resample 16k ")
    #expect(part.count == 48_000)
    let expected = whole[320_000..<368_000]
    let difference = zip(part, expected).reduce(Float(0)) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
    #expect(difference < expected.reduce(Float(0)) { $0 + $1 * $1 } * 1e-4)
  }

  @Test("an hour is not read from the front")
  func reading() async throws {
    try make("-c:a libopus -b:a 16k", "a.opus", seconds: 600)
    let bytes = try directory.bytes("a.opus")
    let counter = CountingBytes(bytes)
    var decode = Decode()
    try decode.prepare(wanted: AudioRequirement(sample: .s16le), TestWorld().context())
    #expect(try decode.seek(to: .seconds(500), in: counter))
    #expect(counter.position > bytes.count * 3 / 4 && counter.position < bytes.count * 9 / 10)
    #expect(counter.read < 900_000)
  }

  @Test("what cannot be sought is decoded from the front: streams that follow each other, and pipes")
  func fallBack() async throws {
    try make("-c:a libopus", "a.opus", seconds: 5)
    try make("-c:a libopus", "b.opus", seconds: 7)
    try Data(directory.bytes("a.opus") + directory.bytes("b.opus")).write(
      to: URL(fileURLWithPath: directory.file("both.opus")))
    let whole = try await decoded("both.opus")
    #expect(whole.count == 12 * 48_000)
    #expect(try await decoded("both.opus start=8s") == Array(whole[(8 * 48_000)...]))
    #expect(try await decoded("both.opus start=3s duration=1s") == Array(whole[(3 * 48_000)..<(4 * 48_000)]))
  }
}

private final class CountingBytes: SeekableBytes {
  private let content: [UInt8]
  private(set) var read = 0
  private(set) var position = -1

  init(_ content: [UInt8]) {
    self.content = content
  }

  var length: Int { content.count }

  func bytes(at offset: Int, count: Int) throws -> [UInt8] {
    let part = Array(content[min(offset, length)..<min(length, offset + count)])
    read += part.count
    return part
  }

  func goOn(at offset: Int) throws { position = offset }
}
