import AudioStages
import FluxGraph
import StageTesting
import TestSupport
import Testing

/// Files as ffmpeg writes them, each decoded by us and by ffmpeg.
@Suite(.enabled(if: Peers.haveFFmpeg)) struct DecodingTests {
  private static let wav: [String] =
    ["pcm_u8", "pcm_s16le", "pcm_s24le", "pcm_s32le", "pcm_f32le", "pcm_f64le", "pcm_mulaw", "pcm_alaw"]
    .flatMap {
      codec in
      ["-ac 1 -ar 8000", "-ac 2 -ar 44100", "-ac 6 -ar 48000"].map { "-c:a \(codec) \($0) -f wav" }
    } + ["-c:a pcm_s16le -ac 2 -rf64 always -f wav"]

  private static let opus: [String] =
    ["2.5", "5", "10", "20", "40", "60", "120"].map { "-c:a libopus -frame_duration \($0) -ac 2 -f ogg" }
    + ["voip", "audio", "lowdelay"].map { "-c:a libopus -application \($0) -b:a 24k -ac 1 -f ogg" }
    + (3...8).map { "-c:a libopus -mapping_family 1 -b:a 192k -ac \($0) -f ogg" }
    + ["1", "20000", "100000", "5000000"].map { "-c:a libopus -page_duration \($0) -f ogg" }
    + ["6k", "16k", "64k", "256k"].map { "-c:a libopus -b:a \($0) -vbr off -ac 2 -f ogg" }

  @Test("a file decodes as it does in ffmpeg", arguments: wav + opus)
  func equals(options: String) async throws {
    let directory = try TemporaryFolder()
    // The channels differ, so that a wrong order shows.
    let words = options.split(separator: " ")
    let channels = words.firstIndex(of: "-ac").flatMap { Int(words[$0 + 1]) } ?? 2
    let layouts = ["mono", "stereo", "3.0", "quad", "5.0", "5.1", "6.1", "7.1"]
    let expressions = (0..<channels).map { "0.4*sin(2*PI*\(200 + 130 * $0)*t)" }.joined(separator: "|")
    let file = directory.file("input")
    // What has that many channels already needs no `-ac`, which would choose another layout for three and four.
    let isLayout = options.contains("mapping_family")
    let encoding = isLayout ? options.replacing("-ac \(channels) ", with: "") : options
    try Peers.ffmpeg(
      "-f lavfi -i aevalsrc=\(expressions):c=\(layouts[channels - 1]):s=48000:d=1.2345 \(encoding) \(file)")
    let graph = try GraphHarness(
      "file input | wav out.wav format=f32le", catalogue: .audio, world: TestWorld(),
      directory: directory.path)
    #expect(try await graph.run().isEmpty)
    let ours = samples(try Array(directory.bytes("out.wav").dropFirst(94)), as: Float.self)
    let decoder = options.contains("libopus") ? "-c:a libopus" : ""
    let theirs = samples(try Peers.ffmpeg("\(decoder) -i \(file) -f f32le -"), as: Float.self)
    #expect(ours.count == theirs.count)
    // ffmpeg has libopus give 16 bits.
    let tolerance: Float = options.contains("libopus") ? 2 / 32768 : 0
    let worst = zip(ours, theirs).map { abs($0 - $1) }.max() ?? 1
    #expect(worst <= tolerance)
  }
}
