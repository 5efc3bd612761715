import AudioCodecs
import TestSupport
import Testing

@Suite struct SnifferTests {
  private func sniff(_ bytes: some Sequence<UInt8>, isWhole: Bool) -> Sniffer.Kind? {
    Array(bytes).withUnsafeBytes { Sniffer.find($0, isWhole: isWhole) }?.kind
  }

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
    #expect(sniff(file.prefix(Sniffer.enough), isWhole: false) == kind)
  }

  @Test("text, AMR and what is nothing are told apart")
  func others() {
    func kind(_ text: String) -> Sniffer.Kind? { sniff(Array(text.utf8), isWhole: true) }
    #expect(kind("#!AMR-WB\n") == .amr)
    #expect(kind("This is a text, with\ttabs and\r\nlines.") == .text)
    #expect(kind("Größe, 音声, and more of it, long enough to be cut within a character äöüäöüäöü") == .text)
    #expect(kind("") == .unknown)
    #expect(kind("a\0b") == .unknown)
    #expect(kind("OggS") == .ogg(codec: nil))
    #expect(sniff([UInt8](repeating: 0xFF, count: 64), isWhole: true) == .unknown)
    #expect(sniff([UInt8](repeating: 0x80, count: 64), isWhole: true) == .unknown)
  }

  @Test(
    "it asks for more until it knows, and is then not to be talked out of it", .enabled(if: Peers.haveFFmpeg))
  func growing() throws {
    let file = try OpusFiles.short.get()
    for length in 0..<35 { #expect(sniff(file.prefix(length), isWhole: false) == nil) }
    for length in 36...70 { #expect(sniff(file.prefix(length), isWhole: false) == .oggOpus) }
    #expect(sniff(Array("RIFF".utf8), isWhole: false) == nil)
  }

  @Test(
    "what is read here is found behind a tag and behind rubbish, and where it is not the first of its Ogg")
  func inside() throws {
    func find(_ bytes: [UInt8]) -> Sniffer.Finding? {
      bytes.withUnsafeBytes { Sniffer.find($0, isWhole: true) }
    }
    let opus = try OpusFiles.short.get()
    let tag = Array("ID3".utf8) + [4, 0, 0, 0, 0, 2, 0] + [UInt8](repeating: 0, count: 256)
    let rubbish = (0..<1000).map { UInt8(truncatingIfNeeded: $0 &* 89 | 0x80) }
    let wav = HandmadeWAV(chunks: [("fmt ", nil, HandmadeWAV.format()), ("data", nil, [1, 0])]).bytes
    for front in [tag, rubbish, tag + rubbish] {
      #expect(find(front + opus) == Sniffer.Finding(kind: .oggOpus, offset: front.count))
      #expect(find(front + wav) == Sniffer.Finding(kind: .wav, offset: front.count))
    }
    #expect(find(tag + Array("fLaC".utf8)) == Sniffer.Finding(kind: .flac, offset: tag.count))
    #expect(find(Array("ID3".utf8) + [4, 0, 0, 0x7F, 0, 0, 0, 0])?.kind == .tagged)
    // A picture's stream begins before the sound's.
    let pages = TestPage.pages(of: opus)
    let cover =
      Array(pages[0].bytes[..<26]) + [1, 42, 0x80] + Array("theora".utf8) + [UInt8](repeating: 0, count: 35)
    #expect(find(cover + opus)?.kind == .oggOpus)
    #expect(find(cover + Array(pages[1...]).file)?.kind == .ogg(codec: "Theora"))
  }

  @Test("lists name their first address, and packets of a transport stream are no samples")
  func lists() {
    func kind(_ text: String) -> Sniffer.Kind? { sniff(Array(text.utf8), isWhole: true) }
    let address = "http://radio.example/stream"
    #expect(kind("#EXTM3U\n#EXTINF:-1,Radio\n\(address)\n") == .playlist(entry: address))
    #expect(kind("[playlist]\nNumberOfEntries=1\nFile1=\(address)\n") == .playlist(entry: address))
    #expect(
      kind("<?xml version=\"1.0\"?>\n<playlist><trackList><track><location>\(address)</location>")
        == .playlist(entry: address))
    #expect(kind("#EXTM3U\n") == .playlist(entry: nil))
    let packet = [0x47] + [UInt8](repeating: 0xAA, count: 187)
    #expect(sniff(packet + packet + packet + packet, isWhole: false) == .transportStream)
    #expect(sniff(Array(".snd".utf8) + [UInt8](repeating: 0, count: 64), isWhole: false) == .au)
  }

  @Test("whatever the bytes, as many as are enough are answered")
  func random() {
    var random = SeededGenerator(seed: 21)
    let starts = ["OggS", "RIFF", "ID3", "FORM", "\u{1A}", "fLaC", "OggS\0"]
    for _ in 0..<300 {
      var bytes = (0..<64).map { _ in UInt8.random(in: 0...255, using: &random) }
      bytes += [UInt8](repeating: bytes[63], count: Sniffer.enough - 64)
      let start = Array((starts.randomElement(using: &random) ?? "").utf8)
      bytes.replaceSubrange(0..<start.count, with: start)
      #expect(sniff(bytes, isWhole: false) != nil)
      _ = sniff(
        bytes.prefix(Int.random(in: 0...64, using: &random)), isWhole: Bool.random(using: &random))
    }
  }
}
