import TestSupport
import Testing

@testable import AudioCodecs

/// What a reader makes of a whole file.
struct WAVContents<Sample: Equatable>: Equatable {
  var format: WAVFormat?
  var samples: [Sample] = []
  var isTruncated = false
}

/// Reads `file`, offered in pieces of `cut()` bytes, into buffers of `room()` samples.
func readWAV(
  _ file: [UInt8], cut: () -> Int = { 1 << 20 }, room: () -> Int = { 4096 }
) throws -> WAVContents<Float> {
  var reader = WAVReader()
  var contents = WAVContents<Float>()
  var offset = 0
  while offset < file.count {
    let piece = Array(file[offset..<min(offset + cut(), file.count)])
    var output = [Float](repeating: .nan, count: room())
    var span = output.mutableSpan
    let (consumed, frames) = try reader.read(piece.span.bytes, into: &span)
    offset += consumed
    contents.samples += output[..<(frames * (reader.format?.channels ?? 0))]
  }
  try reader.finish()
  contents.format = reader.format
  contents.isTruncated = reader.missing > 0
  return contents
}

func readWAV16(_ file: [UInt8]) throws -> [Int16] {
  var reader = WAVReader()
  var samples: [Int16] = []
  var offset = 0
  while offset < file.count {
    let piece = Array(file[offset...])
    var output = [Int16](repeating: 0, count: 4096)
    var span = output.mutableSpan
    let (consumed, frames) = try reader.read(piece.span.bytes, into: &span)
    offset += consumed
    samples += output[..<(frames * (reader.format?.channels ?? 0))]
  }
  try reader.finish()
  return samples
}

/// A file put together by hand.
struct HandmadeWAV {
  var riff = "RIFF"
  var riffSize: Int?
  var chunks: [(name: String, size: Int?, payload: [UInt8])] = []

  static func format(
    tag: Int = 1, channels: Int = 1, rate: Int = 16000, frame: Int? = nil, bits: Int = 16, extra: [UInt8] = []
  ) -> [UInt8] {
    let frame = frame ?? channels * ((bits + 7) / 8)
    return little(tag, 2) + little(channels, 2) + little(rate, 4) + little(rate * frame, 4) + little(frame, 2)
      + little(bits, 2) + extra
  }

  static func little(_ value: Int, _ size: Int) -> [UInt8] {
    (0..<size).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
  }

  var bytes: [UInt8] {
    var body = Array("WAVE".utf8)
    for chunk in chunks {
      body += Array(chunk.name.utf8) + Self.little(chunk.size ?? chunk.payload.count, 4) + chunk.payload
      if chunk.payload.count % 2 == 1 { body.append(0) }
    }
    return Array(riff.utf8) + Self.little(riffSize ?? body.count, 4) + body
  }
}

@Suite struct WAVReaderTests {
  static let noise: [Double] = {
    var random = SeededGenerator(seed: 1)
    return (0..<6000).map { _ in Double.random(in: -1...1, using: &random) }
  }()

  static func encode(_ options: String, channels: Int = 2, rate: Int = 44100, toFile: Bool = true) throws
    -> [UInt8]
  {
    let input = "-f f64le -ar \(rate) -ac \(channels) -i pipe:0 \(options) -y -f wav"
    guard toFile else { return try Peers.ffmpeg("\(input) pipe:1", input: bytes(noise)) }
    return try TemporaryFolder.withFile { path in
      _ = try Peers.ffmpeg("\(input) \(path)", input: bytes(noise))
      return [UInt8](try Peers.run("cat", [path]))
    }
  }

  @Test(
    "every encoding is decoded to the floats ffmpeg decodes it to, bit for bit",
    .enabled(if: Peers.haveFFmpeg),
    arguments: ["u8", "s16le", "s24le", "s32le", "f32le", "f64le", "mulaw", "alaw"], [1, 2, 6])
  func ffmpegFloats(codec: String, channels: Int) throws {
    let file = try Self.encode("-c:a pcm_\(codec)", channels: channels)
    let expected = try Peers.ffmpeg("-f wav -i pipe:0 -c:a pcm_f32le -f f32le pipe:1", input: file)
    let contents = try readWAV(file)
    #expect(contents.samples == samples(expected, as: Float.self))
    #expect(contents.samples.count == 6000)
    let format = try #require(contents.format)
    #expect(format.rate == 44100)
    #expect(format.channels == channels)
    #expect(format.frames == 6000 / channels)
    #expect(!contents.isTruncated)
  }

  @Test(
    "encodings are decoded to the 16-bit samples ffmpeg decodes them to",
    .enabled(if: Peers.haveFFmpeg), arguments: ["u8", "s16le", "f32le", "f64le", "mulaw", "alaw"])
  func ffmpegIntegers(codec: String) throws {
    let file = try Self.encode("-c:a pcm_\(codec)")
    let expected = try Peers.ffmpeg("-f wav -i pipe:0 -c:a pcm_s16le -f s16le pipe:1", input: file)
    #expect(try readWAV16(file) == samples(expected, as: Int16.self))
  }

  @Test(
    "24 and 32 bits are rounded to 16 to the nearest, ties to even",
    .enabled(if: Peers.haveFFmpeg), arguments: ["s24le", "s32le"])
  func rounding(codec: String) throws {
    let file = try Self.encode("-c:a pcm_\(codec)")
    // ffmpeg cuts the low bits off here: the exact values are the reference instead.
    let exact = try Peers.ffmpeg("-f wav -i pipe:0 -c:a pcm_f64le -f f64le pipe:1", input: file)
    let expected = samples(exact, as: Double.self).map {
      Int16(max(-32768, min(32767, ($0 * 32768).rounded(.toNearestOrEven))))
    }
    #expect(try readWAV16(file) == expected)
  }

  @Test("RF64 files and streams of unknown length give the same samples", .enabled(if: Peers.haveFFmpeg))
  func largeAndStreamed() throws {
    let plain = try readWAV(Self.encode("-c:a pcm_s16le"))
    let rf64File = try Self.encode("-c:a pcm_s16le -rf64 always")
    #expect(rf64File.starts(with: Array("RF64".utf8)))
    let rf64 = try readWAV(rf64File)
    #expect(rf64.samples == plain.samples)
    #expect(rf64.format?.dataLength == 12000)
    let streamed = try readWAV(Self.encode("-c:a pcm_s16le", toFile: false))
    #expect(streamed.samples == plain.samples)
    #expect(streamed.format?.dataLength == nil)
    #expect(!streamed.isTruncated)
  }

  @Test(
    "the samples are the same however the file is cut", .enabled(if: Peers.haveFFmpeg),
    arguments: ["s24le", "u8"])
  func cuts(codec: String) throws {
    let file = try Self.encode("-c:a pcm_\(codec) -bitexact", channels: 3)
    let whole = try readWAV(file)
    #expect(try readWAV(file, cut: { 1 }) == whole)
    #expect(try readWAV(file, cut: { 1 }, room: { 3 }) == whole)
    var random = SeededGenerator(seed: 2)
    for largest in [3, 50, 1000] {
      let cut = try readWAV(
        file, cut: { Int.random(in: 1...largest, using: &random) },
        room: { Int.random(in: 3...largest, using: &random) })
      #expect(cut == whole)
    }
    for place in stride(from: 0, through: 200, by: 1) {
      var first = true
      let cut = try readWAV(
        file,
        cut: {
          defer { first = false }
          return first ? max(place, 1) : 1 << 20
        })
      #expect(cut == whole)
    }
  }

  @Test("chunks before the samples are skipped, padding included, and what follows them is ignored")
  func chunks() throws {
    let pcm: [UInt8] = [0, 0, 0, 0x40, 0, 0xC0]
    let file = HandmadeWAV(chunks: [
      ("LIST", nil, [1, 2, 3]), ("junk", nil, []), ("fmt ", nil, HandmadeWAV.format() + [0, 0]),
      ("fact", nil, [3, 0, 0, 0]), ("data", nil, pcm), ("LIST", nil, [9, 9, 9, 9]),
    ])
    let contents = try readWAV(file.bytes)
    #expect(contents.samples == [0, 0.5, -0.5])
    #expect(contents.format?.dataOffset == 12 + 12 + 8 + 26 + 12 + 8)
    #expect(!contents.isTruncated)
  }

  @Test("an extensible format says what it holds in its sub-format")
  func extensible() throws {
    func extra(_ tag: Int, valid: Int, tail: UInt8 = 0x71) -> [UInt8] {
      HandmadeWAV.little(22, 2) + HandmadeWAV.little(valid, 2) + HandmadeWAV.little(4, 4)
        + HandmadeWAV.little(tag, 4)
        + [0x00, 0x00, 0x10, 0x00, 0x80, 0x00, 0x00, 0xAA, 0x00, 0x38, 0x9B, tail]
    }
    func file(_ bits: Int, _ extra: [UInt8], _ data: [UInt8]) -> [UInt8] {
      let format = HandmadeWAV.format(tag: 0xFFFE, bits: bits, extra: extra)
      return HandmadeWAV(chunks: [("fmt ", nil, format), ("data", nil, data)]).bytes
    }
    let twenty = try readWAV(file(24, extra(1, valid: 20), [0, 0, 0x40]))
    #expect(twenty.format?.encoding == .s24)
    #expect(twenty.format?.validBits == 20)
    #expect(twenty.samples == [0.5])
    #expect(try readWAV(file(32, extra(3, valid: 32), bytes([Float(0.25)]))).samples == [0.25])
    #expect(throws: WAVError.unknownSubFormat) { try readWAV(file(16, extra(1, valid: 16, tail: 0x70), [])) }
    #expect(throws: WAVError.unsupportedFormat(tag: 0x55)) {
      try readWAV(file(16, extra(0x55, valid: 16), []))
    }
  }

  @Test("an unknown data size reads to the end, one too large reads what is there and says so")
  func sizes() throws {
    let pcm: [UInt8] = [0, 0x40, 0, 0x40]
    func contents(_ size: Int?, riff: Int?, extra: [(name: String, size: Int?, payload: [UInt8])] = []) throws
      -> WAVContents<Float>
    {
      let chunks = [("fmt ", nil, HandmadeWAV.format()), ("data", size, pcm)] + extra
      return try readWAV(HandmadeWAV(riffSize: riff, chunks: chunks).bytes)
    }
    for (size, riff) in [(0xFFFF_FFFF, 0xFFFF_FFFF), (0, 0), (0, 36), (0xFFFF_FFFF, 40)] {
      let streamed = try contents(size, riff: riff)
      #expect(streamed.samples == [0.5, 0.5])
      #expect(streamed.format?.dataLength == nil)
      #expect(!streamed.isTruncated)
    }
    let truncated = try contents(100, riff: nil)
    #expect(truncated.samples == [0.5, 0.5])
    #expect(truncated.isTruncated)
    let cutFrame = try contents(3, riff: nil)
    #expect(cutFrame.samples == [0.5])
    // No samples, but a file that goes on after them: their chunk is empty, not of unknown length.
    var empty = HandmadeWAV(chunks: [
      ("fmt ", nil, HandmadeWAV.format()), ("data", nil, []), ("LIST", nil, pcm),
    ])
    #expect(try readWAV(empty.bytes).samples.isEmpty)
    empty.chunks.removeLast()
    #expect(try readWAV(empty.bytes).samples.isEmpty)
  }

  @Test("what cannot be read is refused with a sentence that says why")
  func errors() throws {
    func refused(_ format: [UInt8], data: [UInt8] = [0, 0]) -> String {
      do {
        _ = try readWAV(HandmadeWAV(chunks: [("fmt ", nil, format), ("data", nil, data)]).bytes)
        return "read"
      } catch {
        return "\(error)"
      }
    }
    #expect(
      refused(HandmadeWAV.format(tag: 0x55))
        == "The WAV file holds MP3 audio (format tag 85), which is not supported; "
        + "PCM, float, mu-law and A-law are."
    )
    #expect(refused(HandmadeWAV.format(tag: 2)).contains("Microsoft ADPCM"))
    #expect(
      refused(HandmadeWAV.format(channels: 0))
        == "The WAV file says it has 0 channels; 1 to 64 are supported.")
    #expect(refused(HandmadeWAV.format(channels: 65)).contains("65 channels"))
    #expect(refused(HandmadeWAV.format(rate: 0)).contains("0 samples per second"))
    #expect(refused(HandmadeWAV.format(rate: 0xFFFF_FFFF)).contains("4294967295 samples per second"))
    #expect(refused(HandmadeWAV.format(frame: 0, bits: 0)).contains("0 bits"))
    #expect(refused(HandmadeWAV.format(bits: 40)).contains("40 bits per sample"))
    #expect(refused(HandmadeWAV.format(tag: 3, bits: 16)).contains("16 bits"))
    #expect(refused([1, 0, 1, 0]) == "The fmt chunk of the WAV file is too short.")

    #expect(throws: WAVError.notWAV) { try readWAV([]) }
    #expect(throws: WAVError.notWAV) { try readWAV(Array("RIFF".utf8)) }
    #expect(throws: WAVError.notWAV) { try readWAV(Array("OggS and then some".utf8)) }
    #expect(throws: WAVError.bigEndian) { try readWAV(HandmadeWAV(riff: "RIFX").bytes) }
    #expect(throws: WAVError.endsInHeader) { try readWAV(HandmadeWAV().bytes) }
    #expect(throws: WAVError.formatMissing) {
      try readWAV(HandmadeWAV(chunks: [("data", nil, [0, 0])]).bytes)
    }
    let endless = HandmadeWAV(chunks: [("LIST", 0xFFFF_FFFF, [UInt8](repeating: 0, count: 17 << 20))])
    #expect(throws: WAVError.headerTooLarge(limit: 16 << 20)) { try readWAV(endless.bytes) }
  }

  @Test("a buffer without room stops the reader where the samples begin, with the format known")
  func formatFirst() throws {
    let file = HandmadeWAV(chunks: [("fmt ", nil, HandmadeWAV.format()), ("data", nil, [0, 0x40])]).bytes
    var reader = WAVReader()
    var none: [Float] = []
    var span = none.mutableSpan
    let (consumed, frames) = try reader.read(file.span.bytes, into: &span)
    #expect(consumed == 44)
    #expect(frames == 0)
    #expect(reader.format?.rate == 16000)
  }

  @Test("mutated files are read or refused, and never give more samples than they have bytes")
  func mutations() {
    var random = SeededGenerator(seed: 3)
    let headers = [
      HandmadeWAV(chunks: [
        ("LIST", nil, [1, 2, 3]), ("fmt ", nil, HandmadeWAV.format(channels: 2, bits: 24) + [0, 0]),
        ("data", nil, [UInt8](repeating: 0x55, count: 66)),
      ]).bytes,
      HandmadeWAV(
        riff: "RF64", riffSize: 0xFFFF_FFFF,
        chunks: [
          (
            "ds64", nil,
            HandmadeWAV.little(200, 8) + HandmadeWAV.little(40, 8) + [UInt8](repeating: 0, count: 12)
          ),
          ("fmt ", nil, HandmadeWAV.format(tag: 0xFFFE, extra: [UInt8](repeating: 0x10, count: 24))),
          ("data", 0xFFFF_FFFF, [UInt8](repeating: 0x33, count: 40)),
        ]
      ).bytes,
    ]
    var readable = 0
    for _ in 0..<4000 {
      var file = headers.randomElement(using: &random) ?? []
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        let place = Int.random(in: 0..<file.count, using: &random)
        switch Int.random(in: 0..<5, using: &random) {
        case 0: file[place] = UInt8.random(in: 0...255, using: &random)
        case 1: file[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        case 2: file[place] = [0, 0xFF, 0x7F, 0x80].randomElement(using: &random) ?? 0
        case 3: file.removeSubrange(place..<min(place + 4, file.count))
        default: file.insert(contentsOf: [0xFF, 0xFF, 0xFF, 0xFF], at: place)
        }
        if file.isEmpty { file = [0] }
      }
      let largest = Int.random(in: 1...100, using: &random)
      if let contents = try? readWAV(
        file, cut: { Int.random(in: 1...largest, using: &random) },
        room: { 64 + Int.random(in: 0...9, using: &random) })
      {
        readable += 1
        #expect(contents.samples.count <= file.count)
      }
    }
    #expect(readable > 100)
  }

  @Test(
    "a length its writer could not know is no promise",
    arguments: [0x7FFF_F000, 0x7FFF_FFFF, 0x7FFF_FF9B, 0xFFFF_FF9B, 0xFFFF_FFFF, 2_000_000_000, 0])
  func placeholders(length: Int) throws {
    let samples = (0..<4000).map { UInt8(truncatingIfNeeded: $0 | 0x80) }
    let known = [length, 36 + samples.count]
    for riff in known {
      var bytes = HandmadeWAV(
        chunks: [("fmt ", nil, HandmadeWAV.format()), ("data", length, samples)]
      ).bytes
      bytes.replaceSubrange(4..<8, with: HandmadeWAV.little(riff, 4))
      let contents = try readWAV(bytes)
      #expect(contents.samples.count == 2000 && !contents.isTruncated, "\(riff)")
    }
  }

  @Test("an empty file with something behind its audio is empty")
  func empty() throws {
    let bytes = HandmadeWAV(
      chunks: [
        ("fmt ", nil, HandmadeWAV.format()), ("data", nil, []),
        ("LIST", nil, Array("INFOINAM".utf8) + [4, 0, 0, 0, 65, 66, 67, 0]),
      ]
    ).bytes
    #expect(try readWAV(bytes).samples.isEmpty)
  }

  @Test(
    "of fields that follow from others only those are believed",
    arguments: [
      (1, 1, 16), (1, 0, 16), (1, 4, 16), (1, 2, 0), (7, 1, 0), (7, 1, 16), (6, 2, 16),
    ])
  func redundant(tag: Int, frame: Int, bits: Int) throws {
    let bytes = HandmadeWAV(
      chunks: [
        ("fmt ", nil, HandmadeWAV.format(tag: tag, frame: frame, bits: bits)),
        ("data", nil, [UInt8](repeating: 0x55, count: 400)),
      ]
    ).bytes
    #expect(try readWAV(bytes).samples.count == (tag == 1 ? 200 : 400))
  }

  @Test("what follows the audio is known: chunks, another file, or neither", arguments: [1, 7, 4096])
  func rest(piece: Int) throws {
    let fmt = HandmadeWAV.format()
    let one = HandmadeWAV(chunks: [("fmt ", nil, fmt), ("data", nil, [1, 0, 2, 0])]).bytes
    let list = HandmadeWAV(
      chunks: [("fmt ", nil, fmt), ("data", nil, [1, 0, 2, 0]), ("LIST", nil, [1, 2, 3, 4])]
    ).bytes
    func rest(_ bytes: [UInt8]) throws -> WAVReader.Rest {
      var reader = WAVReader()
      var output = [Float](repeating: 0, count: 64)
      for start in stride(from: 0, to: bytes.count, by: piece) {
        var span = output.mutableSpan
        let end = min(start + piece, bytes.count)
        _ = try reader.read(bytes.span.bytes.extracting(start..<end), into: &span)
      }
      try reader.finish()
      return reader.rest
    }
    #expect(try rest(list) == WAVReader.Rest())
    #expect(try rest(one + one) == WAVReader.Rest(strayBytes: one.count, isWAV: true))
    #expect(try rest(list + one) == WAVReader.Rest(strayBytes: one.count, isWAV: true))
    #expect(
      try rest(one + [UInt8](repeating: 0, count: 5000)) == WAVReader.Rest(strayBytes: 5000, isWAV: false))
  }
}
