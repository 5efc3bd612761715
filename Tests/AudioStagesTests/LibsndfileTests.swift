import AudioStages
import FluxGraph
import StageTesting
import TestSupport
import Testing

/// Files as libsndfile writes them, and as others write them badly, each decoded by us and by libsndfile.
@Suite(.enabled(if: Peers.have("sndfile-convert") && Peers.haveFFmpeg)) struct LibsndfileTests {
  private let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
  }

  /// Two channels that differ, so that a wrong order shows.
  private func tones(channels: Int = 2, rate: Int = 44100) throws {
    let expressions = (0..<channels).map { "0.4*sin(2*PI*\(200 + 130 * $0)*t)" }.joined(separator: "|")
    try Peers.ffmpeg(
      "-f lavfi -i aevalsrc=\(expressions):c=\(channels)c:s=\(rate):d=0.7345 -c:a pcm_f32le -bitexact \(folder.file("tones.wav"))"
    )
  }

  private func ours(_ name: String) async throws -> [Float] {
    let world = LiveWorld()
    world.start()
    defer { world.stop() }
    let graph = try GraphHarness(
      "file \(name) | wav out.wav format=f32le overwrite", catalogue: .audio, world: world.world,
      directory: folder.path)
    let failures = try await graph.run()
    #expect(failures.isEmpty)
    return samples(try Array(folder.bytes("out.wav").dropFirst(94)), as: Float.self)
  }

  /// It makes whole numbers larger where it writes floating point, so they are asked for as they are.
  private func theirs(_ name: String, areWhole: Bool) throws -> [Float] {
    let encoding = areWhole ? "-pcm32" : "-float32"
    try Peers.run(
      "sndfile-convert", [encoding, "-endian=little", folder.file(name), folder.file("theirs.raw")])
    let bytes = try folder.bytes("theirs.raw")
    return areWhole
      ? samples(bytes, as: Int32.self).map { Float($0) / 0x1p31 } : samples(bytes, as: Float.self)
  }

  private func expectTheSame(_ name: String, areWhole: Bool = true) async throws {
    let (ours, theirs) = (try await ours(name), try theirs(name, areWhole: areWhole))
    #expect(!theirs.isEmpty && ours.count == theirs.count, "\(ours.count), \(theirs.count)")
    let worst = zip(ours, theirs).map { abs($0 - $1) }.max() ?? 1
    #expect(worst == 0)
  }

  private static let written: [(encoding: String, ending: String)] =
    ["pcmu8", "pcm16", "pcm24", "pcm32", "float32", "float64", "ulaw", "alaw"].flatMap { encoding in
      ["wav", "wavex", "rf64", "w64", "caf", "au"].filter {
        // There is no unsigned form of these.
        encoding != "pcmu8" || !["caf", "au"].contains($0)
      }.map { (encoding, $0) }
    } + [
      ("ms-adpcm", "wav"), ("pcm16", "aif"), ("pcm24", "aif"), ("pcm16", "flac"),
      ("pcm24", "flac"), ("pcm16", "voc"), ("alac16", "caf"),
    ]

  @Test("what libsndfile writes decodes as it does there", arguments: written)
  func equals(encoding: String, ending: String) async throws {
    try tones()
    let name = "talk.\(ending)"
    try Peers.run("sndfile-convert", ["-\(encoding)", folder.file("tones.wav"), folder.file(name)])
    try await expectTheSame(name, areWhole: !encoding.hasPrefix("float"))
  }

  @Test("its Ogg Opus, too", arguments: [(1, 48000), (2, 48000), (1, 16000), (2, 24000)])
  func opus(channels: Int, rate: Int) async throws {
    try tones(channels: channels, rate: rate)
    try Peers.run("sndfile-convert", ["-opus", folder.file("tones.wav"), folder.file("talk.ogg")])
    let (ours, theirs) = (try await ours("talk.ogg"), try theirs("talk.ogg", areWhole: false))
    // libsndfile decodes at the rate the header tells of, we at 48 kHz.
    #expect(ours.count == theirs.count * 48000 / rate)
    if rate == 48000 {
      #expect((zip(ours, theirs).map { abs($0 - $1) }.max() ?? 1) <= 2 / 32768)
    }
  }

  /// What goes wrong in headers, at the place of a WAV file of 44 bytes and its samples.
  private static let faults: [(name: String, place: Int, bytes: [UInt8])] = [
    ("the placeholder of sox", 40, [0x00, 0xF0, 0xFF, 0x7F]),
    ("the placeholder of opusdec", 40, [0xFF, 0xFF, 0xFF, 0x7F]),
    ("no length", 40, [0xFF, 0xFF, 0xFF, 0xFF]),
    ("a length less the header", 40, [0x9B, 0xFF, 0xFF, 0x7F]),
    ("two thousand million", 40, [0x00, 0x94, 0x35, 0x77]),
    ("no length of the whole", 4, [0, 0, 0, 0]),
    ("a length of the whole that is too large", 4, [0xFF, 0xFF, 0xFF, 0xFF]),
    ("a block of one byte", 32, [1, 0]),
    ("a byte rate of zero", 28, [0, 0, 0, 0]),
  ]

  @Test("and files with a fault in the header", arguments: faults)
  func faulty(name: String, place: Int, bytes: [UInt8]) async throws {
    try tones(channels: 1, rate: 16000)
    try Peers.run("sndfile-convert", ["-pcm16", folder.file("tones.wav"), folder.file("good.wav")])
    var file = try Array(folder.bytes("good.wav"))
    let good = try await ours("good.wav")
    file.replaceSubrange(place..<place + bytes.count, with: bytes)
    try folder.write(file, to: "bad.wav")
    try await expectTheSame("bad.wav")
    #expect(try await ours("bad.wav") == good)
  }

  @Test("an odd end is left away, and so is what stands between the chunks")
  func between() async throws {
    try tones(channels: 1, rate: 16000)
    try Peers.run("sndfile-convert", ["-pcm16", folder.file("tones.wav"), folder.file("good.wav")])
    let good = try Array(folder.bytes("good.wav"))
    try folder.write(
      good[..<12] + Array("junk".utf8) + [3, 0, 0, 0, 1, 2, 3, 0] + good[12..<good.endIndex - 1],
      to: "odd.wav")
    try await expectTheSame("odd.wav")
  }
}
