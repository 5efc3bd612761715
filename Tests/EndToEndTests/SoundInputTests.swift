import Foundation
import Testing

/// Where sound comes from and where it is kept, as a user meets it.
@Suite(.timeLimit(.minutes(10)), .enabled(if: Peers.areThere, "needs ffmpeg"))
struct SoundInputTests {
  private let folder: Folder

  init() throws {
    folder = try Folder()
  }

  @Test(
    "two channels that nobody asked to mix are told of, once, with what to do; so does the look at the world",
    arguments: [
      ("file two.wav | flux endpoint=local words=none | null", true),
      ("file two.wav | gain 3dB | flux endpoint=local words=none | null", true),
      ("file two.wav | mix mono | flux endpoint=local words=none | null", false),
      ("file two.wav | flux endpoint=local words=none channels=split | null", false),
      ("file one.wav | flux endpoint=local words=none | null", false),
    ])
  func stereo(graph: String, isTold: Bool) async throws {
    let folder = try Folder()
    try await Peers.shell(
      "ffmpeg -v error -f lavfi -i sine=d=1 -ac 2 two.wav && ffmpeg -v error -i two.wav -ac 1 one.wav",
      in: folder.path)
    let outcome = try await Fluxgraph.run(graph, directory: folder.path)
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(
      outcome.errors.components(separatedBy: "channels=split").count == (isTold ? 2 : 1), "\(outcome.errors)")
    let check = try await Fluxgraph.command(["check", "--world", "-e", graph], directory: folder.path)
    #expect(check.output.contains("stereo: ") == isTold, "\(check.output)")
  }

  @Test("standard input can be read by one stage only, and what to do instead is said")
  func standardInputTwice() async throws {
    for graph in [
      "stdin | null; stdin live | null", "file - | null; stdin | null",
      "a = stdin\nb = file -\na, b | mix mono | null",
    ] {
      for command in ["check", "run"] {
        let outcome = try await Fluxgraph.command([command, "-e", graph])
        outcome.expectFailure(78, saying: "error[input-read-twice]", "standard input")
        #expect(outcome.errors.contains("`sound = "), "\(outcome.errors)")
      }
    }
    let once = try await Fluxgraph.run(
      "sound = stdin | decode raw=pcm(s16le, 16k, mono)\nsound | wav one.wav\nsound | wav two.wav",
      directory: folder.path, input: [UInt8](repeating: 3, count: 64_000))
    #expect(once.status == 0, "\(once.errors)")
    #expect(try folder.bytes(of: "one.wav") == folder.bytes(of: "two.wav"))
    #expect(try folder.bytes(of: "one.wav").count > 64_000)
  }

  @Test("an address on the web is no file")
  func webAddress() async throws {
    let outcome = try await Fluxgraph.command(["check", "-e", "file https://example.com/a.wav | null"])
    outcome.expectFailure(78, saying: "error[web-address]")
    #expect(outcome.errors.contains("write `http https://example.com/a.wav`"), "\(outcome.errors)")
  }

  @Test(
    "raw samples of every format known are what ffmpeg takes them for",
    arguments: ["u8", "s16le", "s24le", "s32le", "f32le", "mulaw", "alaw"])
  func raw(format: String) async throws {
    try await Peers.shell(
      """
      ffmpeg -nostdin -v error -f lavfi -i anoisesrc=sample_rate=8000:duration=0.5:seed=3 -ac 2 -c:a pcm_\(format) -f \(format) in.raw
      ffmpeg -nostdin -v error -f \(format) -ar 8000 -ac 2 -i in.raw -f f32le expected.raw
      """, in: folder.path)
    let sources = [
      "file in.raw | decode raw=pcm(\(format), 8k, stereo)",
      "exec [\"cat\", \"in.raw\"] emits=pcm(\(format), 8k, 2)",
    ]
    for source in sources {
      let outcome = try await Fluxgraph.run(
        "\(source) | wav out.wav format=f32le overwrite", directory: folder.path)
      #expect(outcome.status == 0, "\(outcome.errors)")
      try await Peers.shell("ffmpeg -nostdin -v error -y -i out.wav -f f32le out.raw", in: folder.path)
      #expect(try folder.bytes(of: "out.raw") == folder.bytes(of: "expected.raw"))
    }
  }

  @Test("a sample format that is not known is answered with those that are")
  func unknownFormat() async throws {
    let outcome = try await Fluxgraph.command(
      ["check", "-e", "file a.raw | decode raw=pcm(s20le, 16k, mono) | null"])
    outcome.expectFailure(78, saying: "s20le")
    for format in ["s16le", "f32le", "mulaw", "alaw", "u8", "s24le", "s32le"] {
      #expect(outcome.errors.contains(format), "\(outcome.errors)")
    }
  }

  @Test("one channel is kept by its name")
  func oneChannel() async throws {
    try await Peers.shell(
      "ffmpeg -nostdin -v error -f lavfi -i 'aevalsrc=0.25|-0.5:s=16000:d=0.1' -c:a pcm_s16le in.wav",
      in: folder.path)
    for (channel, value) in [("left", 8_192), ("right", -16_384)] {
      let graph = "file in.wav | mix channel=\(channel) | wav \(channel).wav"
      #expect(try await Fluxgraph.run(graph, directory: folder.path).status == 0)
      let bytes = try folder.bytes(of: "\(channel).wav").suffix(3_200)
      #expect(
        bytes.elementsEqual((0..<1_600).flatMap { _ in [UInt8(value & 0xFF), UInt8(value >> 8 & 0xFF)] }))
    }
    let wrong = try await Fluxgraph.command(["check", "-e", "file in.wav | mix channel=centre | null"])
    wrong.expectFailure(78, saying: "centre")
    #expect(wrong.errors.contains("left") && wrong.errors.contains("right"))
  }

  @Test(
    "what one live source gives is mixed while another has not given anything, and when it never does",
    arguments: ["sleep 2; head -c 9600 /dev/zero", "sleep 2"])
  func lateLiveSource(late: String) async throws {
    let outcome = try await Fluxgraph.run(
      """
      one = tone live duration=2s
      other = sh "\(late)" emits=pcm(s16le, 48k, mono) live
      one, other | mix mono | wav out.wav
      """, directory: folder.path)
    #expect(outcome.errors.contains("holds no audio") == (late == "sleep 2"), "\(outcome.errors)")
    let samples = [UInt8](try folder.bytes(of: "out.wav")).dropFirst(44)
    let seconds = Double(samples.count) / 96_000
    #expect((2...2.5).contains(seconds))
    // On a busy machine a live queue may lose some of it.
    let sounding = samples.filter { $0 != 0 }.count
    #expect(Double(sounding) > 0.7 * 2 * 96_000, "\(outcome.errors)")
  }

  @Test("a recording whose program was killed plays all but its last seconds")
  func killed() async throws {
    let program = try Fluxgraph.start(
      "tone noise live duration=1h | wav {date}/killed.wav", directory: folder.path)
    let start = Date()
    var file: String?
    while file == nil || size(of: file!) < 4 * 96_000 {
      try await Task.sleep(for: .milliseconds(50))
      file = try FileManager.default.subpathsOfDirectory(atPath: folder.path).first { $0.hasSuffix(".wav") }
      try #require(Date().timeIntervalSince(start) < 60)
    }
    program.signal(SIGKILL)
    _ = try await program.outcome()
    let path = folder.path(file!)
    let answer = try await Program.run(
      "/bin/sh", ["-c", "ffprobe -v error -show_entries stream=duration,codec_name -of csv=p=0 '\(path)'"])
    let fields = answer.output.split(separator: ",")
    #expect(fields.first == "pcm_s16le", "\(answer.output)\(answer.errors)")
    let seconds = Double(fields.last?.trimmingCharacters(in: .whitespacesAndNewlines) ?? "") ?? 0
    // The header is written again after each second.
    #expect(seconds >= 3, "\(answer.output)")
    let again = try await Fluxgraph.run("file \(path) | null", directory: folder.path)
    #expect(again.status == 0, "\(again.errors)")
  }

  private func size(of name: String) -> Int {
    (try? FileManager.default.attributesOfItem(atPath: folder.path(name))[.size] as? Int) ?? 0
  }
}
