import AudioCodecs
import TestSupport
import Testing

@Suite struct SnifferTests {
  @Test(
    "files that ffmpeg writes are recognised by their first 64 bytes",
    .enabled(if: Peers.haveFFmpeg),
    arguments: [
      ("-c:a pcm_s16le -f wav", Sniffer.Kind.wav), ("-c:a pcm_s16le -rf64 always -f wav", .wav),
      ("-c:a libopus -f ogg", .oggOpus), ("-c:a libvorbis -f ogg", .ogg(codec: "Vorbis")),
      ("-c:a flac -f ogg", .ogg(codec: "FLAC")),
      ("-ar 16000 -ac 1 -c:a libspeex -f ogg", .ogg(codec: "Speex")),
      ("-c:a libmp3lame -f mp3", .mp3), ("-c:a libmp3lame -id3v2_version 0 -write_xing 0 -f mp3", .mp3),
      ("-c:a aac -f adts", .aac), ("-c:a flac -f flac", .flac), ("-c:a libopus -f webm", .matroska),
      ("-c:a aac -f matroska", .matroska), ("-c:a aac -f ipod", .mp4), ("-c:a pcm_s16le -f caf", .caf),
      ("-f aiff", .aiff),
    ])
  func ffmpeg(options: String, kind: Sniffer.Kind) throws {
    let file = try TemporaryFolder.withFile { path in
      _ = try Peers.ffmpeg(
        "-f s16le -ar 48000 -ac 2 -i pipe:0 \(options) -y \(path)",
        input: bytes(Array(OpusFiles.source[..<24000])))
      return try Peers.run("cat", [path])
    }
    #expect(Sniffer.kind(file.prefix(Sniffer.enough), isWhole: false) == kind)
  }

  @Test("text, AMR and what is nothing are told apart")
  func others() {
    func kind(_ text: String) -> Sniffer.Kind? { Sniffer.kind(Array(text.utf8), isWhole: true) }
    #expect(kind("#!AMR-WB\n") == .amr)
    #expect(kind("This is a text, with\ttabs and\r\nlines.") == .text)
    #expect(kind("Größe, 音声, and more of it, long enough to be cut within a character äöüäöüäöü") == .text)
    #expect(kind("") == .unknown)
    #expect(kind("a\0b") == .unknown)
    #expect(kind("OggS") == .ogg(codec: nil))
    #expect(Sniffer.kind([UInt8](repeating: 0xFF, count: 64), isWhole: true) == .unknown)
    #expect(Sniffer.kind([UInt8](repeating: 0x80, count: 64), isWhole: true) == .unknown)
  }

  @Test(
    "it asks for more until it knows, and is then not to be talked out of it", .enabled(if: Peers.haveFFmpeg))
  func growing() throws {
    let file = try OpusFiles.short.get()
    for length in 0..<35 { #expect(Sniffer.kind(file.prefix(length), isWhole: false) == nil) }
    for length in 36...70 { #expect(Sniffer.kind(file.prefix(length), isWhole: false) == .oggOpus) }
    #expect(Sniffer.kind(Array("RIFF".utf8), isWhole: false) == nil)
  }

  @Test("whatever the bytes, 64 of them are answered")
  func random() {
    var random = SeededGenerator(seed: 21)
    let starts = ["OggS", "RIFF", "ID3", "FORM", "\u{1A}", "fLaC", "OggS\0"]
    for _ in 0..<3000 {
      var bytes = (0..<64).map { _ in UInt8.random(in: 0...255, using: &random) }
      let start = Array((starts.randomElement(using: &random) ?? "").utf8)
      bytes.replaceSubrange(0..<start.count, with: start)
      #expect(Sniffer.kind(bytes, isWhole: false) != nil)
      _ = Sniffer.kind(
        bytes.prefix(Int.random(in: 0...64, using: &random)), isWhole: Bool.random(using: &random))
    }
  }
}
