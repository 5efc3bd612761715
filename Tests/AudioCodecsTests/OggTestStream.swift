import AudioCodecs
import TestSupport

/// A page of a test file, found by walking over intact pages: a reader of our own to compare with would prove
/// nothing.
struct TestPage {
  var bytes: [UInt8]

  var segments: Int { Int(bytes[26]) }
  var bodyOffset: Int { 27 + segments }
  var granule: Int64 { samples(Array(bytes[6..<14]), as: Int64.self)[0] }
  /// Packets that end on the page.
  var packetEnds: Int { bytes[27..<bodyOffset].filter { $0 < 255 }.count }

  mutating func setGranule(_ value: Int64) {
    bytes.replaceSubrange(6..<14, with: TestSupport.bytes([value]))
    updateChecksum()
  }

  /// Writes the checksum, bit by bit as RFC 3533 defines it.
  mutating func updateChecksum() {
    bytes.replaceSubrange(22..<26, with: [0, 0, 0, 0])
    var remainder: UInt32 = 0
    for byte in bytes {
      remainder ^= UInt32(byte) << 24
      for _ in 0..<8 { remainder = remainder >> 31 == 1 ? remainder << 1 ^ 0x04C1_1DB7 : remainder << 1 }
    }
    bytes.replaceSubrange(22..<26, with: TestSupport.bytes([remainder]))
  }

  static func pages(of file: [UInt8]) -> [TestPage] {
    var pages: [TestPage] = []
    var offset = 0
    while offset + 27 <= file.count {
      let segments = Int(file[offset + 26])
      let body = file[(offset + 27)..<(offset + 27 + segments)].reduce(0) { $0 + Int($1) }
      let end = offset + 27 + segments + body
      pages.append(TestPage(bytes: Array(file[offset..<end])))
      offset = end
    }
    return pages
  }
}

extension [TestPage] {
  var file: [UInt8] { flatMap(\.bytes) }
}

/// What an `OggOpusDecoder` makes of a file.
struct Decoded<Sample: Equatable>: Equatable {
  var samples: [Sample] = []
  var damage = OggOpusReader.Damage()
  var links = 0
  var concealedFrames = 0
  var damagedPackets = 0
}

/// Decodes `file`, offered in pieces of `cut()` bytes, into buffers of `room()` frames, and stops after
/// `limit` frames.
func decode<Sample: OpusSample & Equatable>(
  _ file: [UInt8], as type: Sample.Type = Int16.self, rate: Int = 48000, channels: Int = 2, limit: Int = .max,
  cut: () -> Int = { 1 << 16 }, room: () -> Int = { 5760 }
) throws -> Decoded<Sample> {
  var decoder = OggOpusDecoder<Sample>(rate: rate, channels: channels)
  var result = Decoded<Sample>()
  func drain() throws {
    while result.samples.count < limit {
      var output = [Sample](repeating: .silence, count: room() * channels)
      var span = output.mutableSpan
      let frames = try decoder.read(into: &span)
      if frames == 0 { break }
      result.samples += output[..<(frames * channels)]
    }
  }
  var offset = 0
  while offset < file.count, result.samples.count < limit {
    let piece = Array(file[offset..<min(offset + cut(), file.count)])
    offset += decoder.push(piece.span.bytes)
    try drain()
  }
  decoder.finish()
  try drain()
  result.damage = decoder.damage
  result.links = decoder.links
  result.concealedFrames = decoder.concealedFrames
  result.damagedPackets = decoder.damagedPackets
  return result
}

/// Test sounds encoded by ffmpeg's libopus.
enum OpusFiles {
  /// Two seconds of two tones and noise, at 48 kHz in stereo, with an odd length.
  static let source: [Int16] = {
    var random = SeededGenerator(seed: 11)
    var phase = (0.0, 0.0)
    return (0..<96_123).flatMap { index -> [Int16] in
      phase = (phase.0 + 220 + Double(index % 24000) / 40, phase.1 + 3000)
      let noise = Double.random(in: -0.05...0.05, using: &random)
      return [phase.0, phase.1].map { phase in
        let cycle = phase / 48000
        let triangle = abs(2 * (cycle - cycle.rounded())) * 2 - 1
        return Int16(12000 * (triangle * 0.8 + noise))
      }
    }
  }()

  static func encode(_ options: String, seconds: Double = 2.1) throws -> [UInt8] {
    let count = min(source.count, Int(seconds * 48000) * 2)
    return try Peers.ffmpeg(
      "-f s16le -ar 48000 -ac 2 -i pipe:0 -c:a libopus \(options) -f ogg pipe:1",
      input: bytes(Array(source[..<count])))
  }

  static let stereo = Result { try encode("-b:a 64k -page_duration 200000") }
  static let mono = Result { try encode("-b:a 24k -ac 1 -application voip -page_duration 200000") }
  static let short = Result { try encode("-b:a 48k -page_duration 60000", seconds: 0.31) }
}
