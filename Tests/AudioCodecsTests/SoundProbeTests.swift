import AudioCodecs
import TestSupport
import Testing

@Suite struct SoundProbeTests {
  private func probe(_ bytes: some Sequence<UInt8>, isWhole: Bool) -> SoundProbe.Kind? {
    Array(bytes).withUnsafeBytes { SoundProbe.find($0, isWhole: isWhole) }?.kind
  }

  /// What people call what is found.
  private func name(_ bytes: some Sequence<UInt8>, isWhole: Bool) -> String? {
    guard case .sound(_, let name)? = probe(bytes, isWhole: isWhole) else { return nil }
    return name
  }

  @Test(
    "files that ffmpeg writes are recognised by their beginning, and who reads them is known",
    .enabled(if: Peers.haveFFmpeg),
    arguments: [
      ("-c:a pcm_s16le -f wav", "WAV"), ("-c:a pcm_s16le -rf64 always -f wav", "WAV"),
      ("-c:a adpcm_ms -f wav", "WAV with Microsoft ADPCM"), ("-c:a libopus -f ogg", "Ogg Opus"),
      ("-c:a libvorbis -f ogg", "Ogg with Vorbis"), ("-c:a flac -f ogg", "Ogg with FLAC"),
      ("-ar 16000 -ac 1 -c:a libspeex -f ogg", "Ogg with Speex"),
      ("-c:a libmp3lame -f mp3", "MP3"), ("-c:a libmp3lame -id3v2_version 0 -write_xing 0 -f mp3", "MP3"),
      ("-ar 22050 -c:a libmp3lame -q:a 5 -f mp3", "MP3"), ("-ar 8000 -c:a libmp3lame -f mp3", "MP3"),
      ("-c:a mp2 -f mp2", "MP3"), ("-ar 24000 -c:a mp2 -f mp2", "MP3"),
      ("-c:a aac -f adts", "AAC"), ("-ar 44100 -c:a ac3 -f ac3", "AC-3"), ("-c:a ac3 -f ac3", "AC-3"),
      ("-ar 32000 -c:a ac3 -f ac3", "AC-3"), ("-c:a flac -f flac", "FLAC"),
      ("-c:a libopus -f webm", "WebM or Matroska"), ("-c:a aac -f matroska", "WebM or Matroska"),
      ("-c:a aac -f ipod", "MP4"), ("-c:a aac -movflags faststart -f mp4", "MP4"), ("-f mov", "MP4"),
      ("-c:a pcm_s16le -f caf", "CAF"), ("-f aiff", "AIFF"), ("-f au", "AU"), ("-f w64", "Wave64"),
      ("-f asf", "Windows Media"), ("-c:a mp3 -f avi", "AVI"), ("-ar 44100 -c:a mp3 -f flv", "Flash video"),
      ("-c:a mp2 -f mpegts", "an MPEG transport stream"), ("-c:a mp2 -f mpeg", "an MPEG program stream"),
      ("-f wv", "WavPack"), ("-f tta", "TTA"), ("-f voc", "Creative Voice"),
    ])
  func ffmpeg(options: String, format: String) throws {
    let file = try TemporaryFolder.withFile { path in
      _ = try Peers.ffmpeg(
        "-f s16le -ar 48000 -ac 2 -i pipe:0 \(options) -y \(path)",
        input: bytes(Array(OpusFiles.source[..<24000])))
      return try Peers.run("cat", [path])
    }
    let beginning = file.prefix(SoundProbe.enough)
    #expect(name(beginning, isWhole: file.count < SoundProbe.enough) == format)
    let found = Array(beginning).withUnsafeBytes {
      SoundProbe.find($0, isWhole: file.count < SoundProbe.enough)
    }
    #expect(
      found?.isReadHere
        == ["-c:a pcm_s16le -f wav", "-c:a pcm_s16le -rf64 always -f wav", "-c:a libopus -f ogg"].contains(
          options))
  }

  @Test("text, AMR and what is nothing are told apart")
  func others() {
    func kind(_ text: String) -> SoundProbe.Kind? { probe(Array(text.utf8), isWhole: true) }
    #expect(name(Array("#!AMR-WB\n".utf8), isWhole: true) == "AMR")
    #expect(kind("This is a text, with\ttabs and\r\nlines.") == .text)
    #expect(kind("Größe, 音声, and more of it, long enough to be cut within a character äöüäöüäöü") == .text)
    #expect(kind("") == .unknown)
    #expect(kind("a\0b") == .unknown)
    #expect(name(Array("OggS".utf8), isWhole: true) == "Ogg with an unknown codec")
    #expect(probe([UInt8](repeating: 0xFF, count: 64), isWhole: true) == .unknown)
    #expect(probe([UInt8](repeating: 0x80, count: 64), isWhole: true) == .unknown)
  }

  @Test(
    "it asks for more until it knows, and is then not to be talked out of it", .enabled(if: Peers.haveFFmpeg))
  func growing() throws {
    let file = try OpusFiles.short.get()
    for length in 0..<47 { #expect(probe(file.prefix(length), isWhole: false) == nil) }
    for length in 47...70 { #expect(name(file.prefix(length), isWhole: false) == "Ogg Opus") }
    #expect(probe(Array("RIFF".utf8), isWhole: false) == nil)
  }

  @Test(
    "what is read here is found behind a tag and behind rubbish, and where it is not the first of its Ogg")
  func inside() throws {
    func find(_ bytes: [UInt8]) -> SoundProbe.Finding? {
      bytes.withUnsafeBytes { SoundProbe.find($0, isWhole: true) }
    }
    let opus = try OpusFiles.short.get()
    let tag = Array("ID3".utf8) + [4, 0, 0, 0, 0, 2, 0] + [UInt8](repeating: 0, count: 256)
    let rubbish = (0..<1000).map { UInt8(truncatingIfNeeded: $0 &* 89 | 0x80) }
    let wav = HandmadeWAV(chunks: [("fmt ", nil, HandmadeWAV.format()), ("data", nil, [1, 0])]).bytes
    for front in [tag, rubbish, tag + rubbish] {
      let (sound, wave) = (find(front + opus), find(front + wav))
      #expect(
        sound?.offset == front.count && sound?.isReadHere == true
          && name(front + opus, isWhole: true) == "Ogg Opus")
      #expect(
        wave?.offset == front.count && wave?.isReadHere == true && name(front + wav, isWhole: true) == "WAV")
    }
    #expect(name(tag + Array("fLaC".utf8), isWhole: true) == "FLAC")
    #expect(find(Array("ID3".utf8) + [4, 0, 0, 0x7F, 0, 0, 0, 0])?.kind == .tag(length: 0x7F << 21 + 10))
    // A picture's stream begins before the sound's.
    let pages = TestPage.pages(of: opus)
    let cover =
      Array(pages[0].bytes[..<26]) + [1, 42, 0x80] + Array("theora".utf8) + [UInt8](repeating: 0, count: 35)
    #expect(name(cover + opus, isWhole: true) == "Ogg Opus")
    #expect(name(cover + Array(pages[1...]).file, isWhole: true) == "Ogg with Theora")
  }

  @Test("lists name their first address, and packets of a transport stream are no samples")
  func lists() {
    func kind(_ text: String) -> SoundProbe.Kind? { probe(Array(text.utf8), isWhole: true) }
    let address = "http://radio.example/stream"
    #expect(kind("#EXTM3U\n#EXTINF:-1,Radio\n\(address)\n") == .playlist(entry: address))
    #expect(kind("[playlist]\nNumberOfEntries=1\nFile1=\(address)\n") == .playlist(entry: address))
    #expect(
      kind("<?xml version=\"1.0\"?>\n<playlist><trackList><track><location>\(address)</location>")
        == .playlist(entry: address))
    #expect(kind("#EXTM3U\n") == .playlist(entry: nil))
    let packet = [0x47] + [UInt8](repeating: 0xAA, count: 187)
    #expect(name(packet + packet + packet + packet, isWhole: false) == "an MPEG transport stream")
    #expect(name(Array(".snd".utf8) + [UInt8](repeating: 0, count: 64), isWhole: false) == "AU")
  }

  @Test("quiet samples that begin as a frame of MP3 or AAC does are none")
  func quietSamples() {
    var random = SeededGenerator(seed: 7)
    for _ in 0..<40 {
      var samples = [UInt8]()
      // -1, and so on: FF FF, FE FF, …
      for _ in 0..<1024 {
        let sample = Int16.random(in: -8...7, using: &random)
        samples += [UInt8(truncatingIfNeeded: sample), UInt8(truncatingIfNeeded: sample >> 8)]
      }
      samples.replaceSubrange(
        0..<2, with: [0xFF, [0xFB, 0xF1, 0xFF, 0xFA].randomElement(using: &random) ?? 0xFF])
      #expect(name(samples, isWhole: false) == nil)
    }
  }

  @Test("whatever the bytes, as many as are enough are answered")
  func random() {
    var random = SeededGenerator(seed: 21)
    let starts = ["OggS", "RIFF", "ID3", "FORM", "\u{1A}", "fLaC", "OggS\0"]
    for _ in 0..<300 {
      var bytes = (0..<64).map { _ in UInt8.random(in: 0...255, using: &random) }
      bytes += [UInt8](repeating: bytes[63], count: SoundProbe.enough - 64)
      let start = Array((starts.randomElement(using: &random) ?? "").utf8)
      bytes.replaceSubrange(0..<start.count, with: start)
      #expect(probe(bytes, isWhole: false) != nil)
      _ = probe(
        bytes.prefix(Int.random(in: 0...64, using: &random)), isWhole: Bool.random(using: &random))
    }
  }
}
