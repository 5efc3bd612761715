import AudioCodecs
import TestSupport
import Testing

@Suite struct WAVHeaderTests {
  @Test("a header of known length is read back, by ffprobe too", .enabled(if: Peers.haveFFmpeg))
  func known() throws {
    let floats: [Float] = [0, 0.5, -0.5, 1, -1, 0.25]
    let header = WAVHeader(rate: 16000, channels: 2, samples: .f32, dataLength: 24)
    let file = header.bytes + bytes(floats)
    let contents = try readWAV(file)
    #expect(contents.samples == floats)
    #expect(contents.format?.frames == 3)
    let decoded = try Peers.ffmpeg("-f wav -i pipe:0 -f f32le -c:a pcm_f32le pipe:1", input: file)
    #expect(samples(decoded, as: Float.self) == floats)
    let integers: [Int16] = [1, -2, 32767, -32768]
    let file16 = WAVHeader(rate: 48000, channels: 1, samples: .s16, dataLength: 8).bytes + bytes(integers)
    #expect(file16.count == 52)
    #expect(try readWAV16(file16) == integers)
    let probe = try TemporaryFolder.withFile(file16) { path in
      try Peers.run(
        "ffprobe",
        [
          "-v", "error", "-show_entries", "stream=codec_name,sample_rate,channels,duration_ts", "-of",
          "csv=p=0", path,
        ])
    }
    #expect(String(decoding: probe, as: UTF8.self) == "pcm_s16le,48000,1,4\n")
  }

  @Test(
    "a header of unknown or too large a length says so, and is read to the end",
    .enabled(if: Peers.haveFFmpeg))
  func unknown() throws {
    for length in [nil, 1 << 32, Int.max, -1] {
      let file =
        WAVHeader(rate: 16000, channels: 1, samples: .s16, dataLength: length).bytes
        + bytes([Int16(7), 8, 9])
      let contents = try readWAV(file)
      #expect(contents.format?.dataLength == nil)
      #expect(contents.samples.count == 3)
      let decoded = try Peers.ffmpeg("-f wav -i pipe:0 -f s16le -c:a pcm_s16le pipe:1", input: file)
      #expect(samples(decoded, as: Int16.self) == [7, 8, 9])
    }
  }
}
