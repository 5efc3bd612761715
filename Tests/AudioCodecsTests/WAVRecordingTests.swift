import AudioCodecs
import TestSupport
import Testing

@Suite struct WAVRecordingTests {
  /// What our reader makes of a file: its format and samples, and whether it broke off.
  private func read(_ bytes: [UInt8]) throws -> (format: WAVFormat?, samples: [Float], isTruncated: Bool) {
    var reader = WAVReader()
    var output = [Float](repeating: 0, count: bytes.count + 64)
    var span = output.mutableSpan
    let result = try reader.read(bytes.span.bytes, into: &span)
    try reader.finish()
    let channels = reader.format?.channels ?? 1
    return (reader.format, Array(output[..<(result.frames * channels)]), reader.missing > 0)
  }

  /// The bytes on a disk after each write of a recording: samples in pieces, the header refreshed now and then.
  private func writes(_ recording: WAVRecording, pieces: [[UInt8]], refresh: (Int) -> Bool) -> [[UInt8]] {
    var recording = recording
    var file = recording.header
    var states = [file]
    for (index, piece) in pieces.enumerated() {
      file += piece
      states.append(file)
      recording.append(piece.count)
      guard refresh(index) else { continue }
      let header = recording.header
      file.replaceSubrange(..<header.count, with: header)
      states.append(file)
    }
    return states
  }

  @Test("a recording cut at any byte, at any time of its writing, plays all it has", arguments: [1, 2, 6])
  func cuts(channels: Int) throws {
    var random = SeededGenerator(seed: UInt64(channels))
    for samples in [WAVHeader.Samples.s16, .f32] {
      let recording = WAVRecording(rate: 16_000, channels: channels, samples: samples)
      let pieces = (0..<6).map { _ in
        [UInt8](repeating: 1, count: Int.random(in: 0...9, using: &random) * recording.frameSize)
      }
      for state in writes(recording, pieces: pieces, refresh: { $0 % 2 == 1 }) {
        for length in recording.headerLength...state.count {
          let result = try read(Array(state[..<length]))
          let format = try #require(result.format)
          #expect(format.channels == channels && format.rate == 16_000)
          // What the header announces plays; until it announces something, everything does.
          let there = (length - recording.headerLength) / recording.frameSize
          let announced = format.frames ?? .max
          #expect(result.samples.count == min(there, announced) * channels)
        }
      }
    }
  }

  @Test("ffprobe finds format and length at every stage", .enabled(if: Peers.haveFFmpeg))
  func ffprobe() throws {
    for samples in [WAVHeader.Samples.s16, .f32] {
      var recording = WAVRecording(rate: 8000, channels: 2, samples: samples)
      let second = [UInt8](repeating: 0, count: 8000 * recording.frameSize)
      recording.append(second.count)
      let codec = samples == .s16 ? "pcm_s16le" : "pcm_f32le"
      for file in [recording.header + second, recording.header + second + second] {
        try TemporaryFolder.withFile(file) { path in
          let answer = String(
            decoding: try Peers.run(
              "ffprobe",
              [
                "-v", "error", "-show_entries", "stream=codec_name,sample_rate,channels,duration", "-of",
                "csv=p=0", path,
              ]), as: UTF8.self)
          #expect(answer.hasPrefix("\(codec),8000,2,1.000000"))
        }
      }
    }
  }

  @Test("beyond 4 GiB the header becomes RF64 of the same length, and is read as such")
  func large() throws {
    var recording = WAVRecording(rate: 48_000, channels: 2, samples: .s16)
    let before = recording.header
    recording.append(0xFFFF_FFFF - recording.headerLength)
    #expect(recording.header.starts(with: "RIFF".utf8))
    recording.append(1 << 33)
    let header = recording.header
    #expect(header.starts(with: "RF64".utf8) && header.count == before.count)
    var reader = WAVReader()
    var none: [Float] = []
    var span = none.mutableSpan
    _ = try reader.read(header.span.bytes, into: &span)
    #expect(reader.format?.dataLength == recording.dataLength)
    #expect(reader.format?.dataOffset == recording.headerLength)
  }
}
