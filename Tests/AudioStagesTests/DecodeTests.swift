import AudioCodecs
import AudioStages
import FluxGraph
import Foundation
import StageTesting
import TestSupport
import Testing

/// A WAV file of 16-bit samples.
private func wav(_ samples: [Int16], rate: Int = 16_000, channels: Int = 1, length: Int? = nil) -> [UInt8] {
  WAVHeader(rate: rate, channels: channels, samples: .s16, dataLength: length ?? 2 * samples.count).bytes
    + samples.withUnsafeBytes { Array($0) }
}

private let ramp = (0..<5000).map { Int16(truncatingIfNeeded: $0 &* 13) }

/// The sample dialogue of the repository: Ogg Opus.
private func dialogue() throws -> [UInt8] {
  let root = URL(filePath: #filePath).appending(path: "../../..").standardized
  return [UInt8](try Data(contentsOf: root.appending(path: "graphs/audio/dialogue.opus")))
}

private func error(_ bytes: [UInt8], cuts: [Int] = [4096], by decoder: Decode = Decode()) -> StageError? {
  do {
    _ = try AudioHarness.run(decoder, bytes: bytes, cuts: cuts)
    return nil
  } catch {
    return error as? StageError
  }
}

@Suite struct DecodeTests {
  @Test("WAV becomes 16-bit samples where they are wanted as they are, and floating-point ones otherwise")
  func wavFormats() throws {
    let flux = AudioRequirement(sample: .s16le, rate: 16_000, channels: 1)
    for cuts in [[1], [44], [45, 3], [100_000]] {
      let direct = try AudioHarness.run(Decode(), bytes: wav(ramp), wanted: flux, cuts: cuts)
      #expect(direct.format == AudioFormat(.s16le, rate: 16_000, channels: 1))
      #expect(direct.integers == ramp)
    }
    let float = try AudioHarness.run(Decode(), bytes: wav(ramp))
    #expect(float.format == AudioFormat(.f32le, rate: 16_000, channels: 1))
    #expect(float.floats == ramp.map { Float($0) / 32768 })
    let stereo = try AudioHarness.run(Decode(), bytes: wav(ramp, rate: 44_100, channels: 2), wanted: flux)
    #expect(stereo.format == AudioFormat(.f32le, rate: 44_100, channels: 2))
  }

  @Test("Ogg Opus is decoded straight to 16 kHz mono where that is wanted, and as it is otherwise")
  func opus() throws {
    let bytes = try dialogue()
    let flux = AudioRequirement(sample: .s16le, rate: 16_000, channels: 1)
    let direct = try AudioHarness.run(Decode(), bytes: bytes, wanted: flux, cuts: [777])
    #expect(direct.format == AudioFormat(.s16le, rate: 16_000, channels: 1))
    let plain = try AudioHarness.run(Decode(), bytes: bytes)
    #expect(plain.format.sample == .f32le)
    #expect(plain.format.rate == 48_000)
    let seconds = Double(direct.integers.count) / 16_000
    #expect(abs(seconds - Double(plain.pieces.reduce(0, +)) / 48_000) < 0.001)
    #expect(seconds > 1)
    #expect(direct.integers.contains { abs(Int($0)) > 1000 }, "there is sound in it")
    let odd = try AudioHarness.run(Decode(), bytes: bytes, wanted: AudioRequirement(rate: 44_100))
    #expect(odd.format.rate == 48_000)
    #expect(
      try AudioHarness.run(Decode(), bytes: bytes, wanted: flux, cuts: [13, 65_000]).bytes == direct.bytes)
  }

  /// What every stage can be put behind: all that is wanted, or floating-point samples, which the stages between compute with.
  private func isUsable(_ format: AudioFormat, _ wanted: AudioRequirement) -> Bool {
    let isWhole =
      format.rate == wanted.rate ?? format.rate && format.channels == wanted.channels ?? format.channels
    return format.sample == .f32le || isWhole && format.sample == wanted.sample ?? format.sample
  }

  @Test(
    "every decoder gives what the stages behind it can take, whatever the file is and whatever is wanted",
    arguments: [
      "-f wav -c:a pcm_s16le", "-f wav -c:a pcm_f32le", "-f wav -c:a pcm_u8", "-f wav -c:a pcm_s24le",
      "-f wav -c:a pcm_mulaw", "-f wav -c:a pcm_alaw", "-f ogg -c:a libopus -mapping_family 1",
    ])
  func combinations(encoding: String) throws {
    for channels in encoding.contains("opus") ? [1, 2, 6] : [1, 2, 3, 6] {
      for rate in encoding.contains("opus") ? [8000, 48_000] : [8000, 16_000, 44_100] {
        let file = try TemporaryFolder.withFile { path in
          let source = "-f lavfi -i anoisesrc=r=\(rate):d=0.2 -ac \(channels) -ar \(rate)"
          _ = try Peers.ffmpeg("\(source) \(encoding) \(path)")
          return try Peers.run("cat", [path])
        }
        for sample in [nil, .s16le, .f32le, .mulaw, .alaw] as [SampleFormat?] {
          for (wantedRate, wantedChannels) in [(nil, nil), (16_000, 1), (48_000, 2), (8000, nil), (nil, 1)]
            as [(Int?, Int?)]
          {
            let wanted = AudioRequirement(sample: sample, rate: wantedRate, channels: wantedChannels)
            let output = try AudioHarness.run(Decode(), bytes: file, wanted: wanted)
            #expect(
              isUsable(output.format, wanted),
              "\(channels) channels of \(rate) Hz: \(output.format) where \(wanted) is wanted")
            let seconds = Double(output.pieces.reduce(0, +)) / Double(output.format.rate)
            #expect(abs(seconds - 0.2) < 0.003, "\(seconds) s")
          }
        }
      }
    }
  }

  @Test("raw samples are taken as they are, and less than a frame at the end is none")
  func raw() throws {
    var decode = Decode()
    decode.raw = AudioFormat(.s16le, rate: 8000, channels: 2)
    let bytes = (0..<30_003).map { UInt8(truncatingIfNeeded: $0) }
    for cuts in [[1], [3, 4096], [100_000]] {
      let output = try AudioHarness.run(decode, bytes: bytes, cuts: cuts)
      #expect(output.format == AudioFormat(.s16le, rate: 8000, channels: 2))
      #expect(output.bytes == Array(bytes.prefix(30_000)))
    }
    #expect(try AudioHarness.run(decode, bytes: []).bytes == [])
  }

  @Test(
    "what is not decoded here is named, with what to do about it",
    arguments: [
      (".snd", "it holds AU"), ("fLaC", "it holds FLAC"), ("␀␀␀\u{18}ftypM4A ", "it holds MP4"),
      ("#!AMR\n", "it holds AMR"), ("caff", "it holds CAF"), ("FORM␀␀␀␀AIFF", "it holds AIFF"),
    ])
  func foreign(_ head: String, _ words: String) {
    // A NUL in an argument would cut off what the tests print.
    let head = Array(head.replacing("␀", with: "\0").utf8)
    var native = Decode()
    native.native = true
    let failure = error(head + [UInt8](repeating: 1, count: 100), by: native)
    #expect(failure?.code == .badInput)
    #expect(failure?.message == words + ", which is not decoded here")
    #expect(failure?.help == "ffmpeg can, but `native` keeps it from being run.")
  }

  @Test("an empty file, a text and noise are called what they are", arguments: [[1], [4096]])
  func noSound(_ cuts: [Int]) {
    #expect(error([], cuts: cuts)?.message == "it is empty")
    #expect(error(Array("Dear diary, ".utf8), cuts: cuts)?.message == "it is text, not sound")
    let noise = error([0x01, 0xFE] + [UInt8](repeating: 0x80, count: 200), cuts: cuts)
    #expect(noise?.message == "it is neither WAV nor Ogg Opus, nor any other format known here")
    #expect(noise?.help?.contains("decode raw=pcm(") == true)
    for failure in [error([]), error(Array("text".utf8)), noise] { #expect(failure?.code == .badInput) }
  }

  @Test("of a WAV file that is shorter than it says everything that is there comes out; a cut header is none")
  func truncatedWAV() throws {
    var frames = 0
    _ = try AudioHarness.run(Decode(), bytes: wav(ramp, length: 20_000)) { frames += $0.frameCount }
    #expect(frames == ramp.count)
    #expect(error(Array(wav(ramp).prefix(30)))?.code == .badInput)
  }

  @Test(
    "an Ogg Opus stream has the channels of its head, wherever it is cut",
    arguments: [1, 36, 37, 38, 47, 48, 100])
  func channels(_ cut: Int) throws {
    let file = try dialogue()
    let whole = try AudioHarness.run(Decode(), bytes: file, cuts: [100_000])
    let cuts = (cut == 1 ? [Int](repeating: 1, count: 100) : [cut]) + [100_000]
    let output = try AudioHarness.run(Decode(), bytes: file, cuts: cuts)
    #expect(output.format == AudioFormat(.f32le, rate: 48_000, channels: 1))
    #expect(output.format == whole.format && output.bytes == whole.bytes)
  }

  @Test("of a damaged Ogg Opus file everything that can be decoded comes out before the failure")
  func damagedOpus() throws {
    let bytes = try dialogue()
    let whole = try AudioHarness.run(Decode(), bytes: bytes).pieces.reduce(0, +)
    var frames = 0
    let cut = #expect(throws: StageError.self) {
      try AudioHarness.run(Decode(), bytes: Array(bytes.prefix(bytes.count / 2))) { frames += $0.frameCount }
    }
    #expect(cut?.code == .badInput)
    #expect(cut?.message.hasPrefix("the Ogg Opus stream is damaged: ") == true)
    #expect(cut?.message.contains("it breaks off before its end") == true)
    #expect((whole / 3...whole * 2 / 3).contains(frames))
    var flipped = bytes
    flipped[bytes.count / 2] ^= 0xFF
    #expect(error(flipped)?.message.contains("all that could be decoded was used") == true)
  }

  @Test("a failure in a graph names the file")
  func subject() async throws {
    let directory = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: directory) }
    try Data("Dear diary".utf8).write(to: directory.appending(path: "talk.wav"))
    try Data(wav([])).write(to: directory.appending(path: "none.wav"))
    for (text, code, message) in [
      ("file talk.wav | null", StageError.Code.badInput, "talk.wav: it is text, not sound"),
      ("file none.wav | null", .badInput, "none.wav holds no audio"),
      (
        "file gone.wav | null", .inputOutput,
        "cannot open \(directory.path)/gone.wav: No such file or directory"
      ),
      ("file . | null", .inputOutput, "\(directory.path)/. is a directory, not a file"),
    ] {
      let graph = try GraphHarness(text, catalogue: .audio, world: TestWorld(), directory: directory.path)
      let failures = try await graph.run()
      #expect(failures.map(\.error.message) == [message])
      #expect(failures.map(\.error.code) == [code])
    }
  }

  @Test("no change to a file's bytes stops the decoder")
  func mutations() throws {
    var generator = SeededGenerator(seed: 5)
    let files = [wav(Array(ramp.prefix(200))), Array(try dialogue().prefix(6000))]
    for _ in 0..<150 {
      var file = files.randomElement(using: &generator)!
      for _ in 0..<Int.random(in: 1...8, using: &generator) {
        let index = Int.random(in: 0..<min(file.count, 300), using: &generator)
        file[index] = UInt8.random(in: 0...255, using: &generator)
      }
      _ = error(file, cuts: [Int.random(in: 1...5000, using: &generator)])
    }
  }
}
