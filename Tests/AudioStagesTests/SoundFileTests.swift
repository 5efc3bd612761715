import AudioCodecs
import AudioStages
import FluxGraph
import Foundation
import TestSupport
import Testing

/// Files as ffmpeg writes them: how long they are is told from their headers and last pages.
@Suite(.enabled(if: Peers.haveFFmpeg)) struct SoundFileTests {
  @Test(
    "a file's length is what it plays for",
    arguments: [
      ("-ac 1 -ar 8000 -c:a pcm_mulaw -f wav", 1), ("-ac 2 -ar 44100 -c:a pcm_s16le -f wav", 2),
      ("-ac 2 -ar 48000 -c:a pcm_f32le -rf64 always -f wav", 2), ("-ac 2 -c:a libopus -f ogg", 2),
      ("-ac 1 -c:a libopus -page_duration 5000000 -f ogg", 1),
    ])
  func lengths(options: String, channels: Int) throws {
    let directory = try TemporaryFolder()
    let file = directory.file("sound")
    try Peers.ffmpeg("-f lavfi -i sine=frequency=300:sample_rate=48000:duration=12.345 \(options) \(file)")
    let sound = try #require(try SoundFile(path: file, raw: nil)?.length())
    #expect(abs(sound.seconds - 12.345) < 0.001 && sound.channels == channels)
  }

  @Test(
    "the length of what ffmpeg decodes is ffprobe's",
    arguments: [
      ("mp3", "-c:a libmp3lame", "MP3"), ("m4a", "-c:a aac", "MP4"), ("flac", "", "FLAC"),
      ("webm", "-c:a libopus", "WebM or Matroska"), ("wav", "-c:a adpcm_ms", "WAV with Microsoft ADPCM"),
    ])
  func foreign(ending: String, options: String, format: String) throws {
    let directory = try TemporaryFolder()
    let file = directory.file("-i concat:sound.\(ending)")
    try Peers.run(
      "ffmpeg",
      ["-v", "error", "-f", "lavfi", "-i", "sine=sample_rate=48000:duration=12.345", "-ac", "2"]
        + options.split(separator: " ").map(String.init) + [file])
    let sound = try #require(try SoundFile(path: file, raw: nil))
    #expect(sound.format == format)
    guard case .ffmpeg = sound.decoding else {
      Issue.record("\(sound.decoding)")
      return
    }
    let length = try #require(try sound.length())
    #expect(abs(length.seconds - 12.345) < 0.1 && length.channels == 2)
    let native = try SoundFile(path: file, raw: nil, forbiddenBy: "`native`")
    #expect(native?.decoding == SoundFile.Decoding.none)
  }

  @Test("samples without a header have the length their format gives them")
  func raw() throws {
    let directory = try TemporaryFolder()
    let file = directory.file("sound")
    try Peers.ffmpeg("-f lavfi -i sine=sample_rate=8000:duration=2 -f mulaw \(file)")
    let format = AudioFormat(.mulaw, rate: 8000, channels: 1)
    #expect(try SoundFile(path: file, raw: format)?.length()?.seconds == 2)
    #expect(try SoundFile(path: file, raw: nil)?.length() == nil)
  }

  @Test(
    "a file that is cut off is as long as what is there, another format is not known without another program, a missing file is told"
  )
  func others() throws {
    let directory = try TemporaryFolder()
    let file = directory.file("sound.wav")
    try Peers.ffmpeg("-f lavfi -i sine=sample_rate=8000:duration=2 -c:a pcm_s16le \(file)")
    let cut = directory.file("cut.wav")
    try Data(directory.bytes("sound.wav").prefix(16_044)).write(to: URL(fileURLWithPath: cut))
    let seconds = try #require(try SoundFile(path: cut, raw: nil)?.length()).seconds
    #expect(seconds > 0.99 && seconds <= 1)
    let flac = directory.file("sound.flac")
    try Peers.ffmpeg("-f lavfi -i sine=duration=1 \(flac)")
    #expect(try SoundFile(path: flac, raw: nil, forbiddenBy: "`native`")?.length() == nil)
    #expect(throws: StageError.self) { try SoundFile(path: directory.file("none"), raw: nil) }
  }
}
