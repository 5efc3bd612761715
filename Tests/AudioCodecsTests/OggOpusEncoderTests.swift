import AudioCodecs
import Foundation
import TestSupport
import Testing

@Suite("Ogg Opus that is written") struct OggOpusEncoderTests {
  /// A voice of sorts, mono: a buzz of changing pitch that comes and goes, and noise.
  static func voice(_ frames: Int, rate: Int) -> [Int16] {
    var random = SeededGenerator(seed: 5)
    var phase = 0.0
    return (0..<frames).map { index in
      let time = Double(index) / Double(rate)
      phase += (140 + 60 * sin(time * 3)) / Double(rate)
      let buzz = (1...12).reduce(0.0) { $0 + sin(2 * .pi * phase * Double($1)) / Double($1) }
      let loudness = 0.5 + 0.5 * sin(time * 17)
      return Int16(5000 * (buzz * loudness + Double.random(in: -0.1...0.1, using: &random)))
    }
  }

  /// The stream of all samples, given in pieces of `cut()` frames.
  static func encode(
    _ samples: [Int16], rate: Int, serial: UInt32 = 1, cut: () -> Int = { 1280 }
  ) throws -> [UInt8] {
    var encoder = try OggOpusEncoder(rate: rate)
    encoder.begin(serial: serial)
    var output: [UInt8] = []
    var position = 0
    while position < samples.count {
      let end = min(position + max(1, cut()), samples.count)
      samples[position..<end].withUnsafeBytes { encoder.encode($0, into: &output) }
      position = end
    }
    encoder.finish(into: &output)
    return output
  }

  /// The lag in samples at which `later` is most like `earlier`.
  static func lag(_ later: [Int16], _ earlier: [Int16]) -> Int {
    let most = 400
    let range = most..<(min(later.count, earlier.count) - most)
    return (-most...most).max { one, other in
      func likeness(_ lag: Int) -> Double {
        range.reduce(0) { $0 + Double(later[$1 + lag]) * Double(earlier[$1]) }
      }
      return likeness(one) < likeness(other)
    }!
  }

  @Test(
    "every player decodes it without complaint to exactly its length, at every rate",
    .enabled(if: Peers.haveFFmpeg && Peers.have("opusdec") && Peers.have("opusinfo")),
    arguments: OggOpusEncoder.rates, [1, 103, 319, 320, 1280, 12_800, 40_037])
  func players(rate: Int, frames: Int) throws {
    let source = Self.voice(frames, rate: rate)
    let file = try Self.encode(source, rate: rate)
    let expected = frames * (48_000 / rate)
    let ffmpeg = try Peers.ffmpeg(
      "-c:a libopus -f ogg -i pipe:0 -f s16le -c:a pcm_s16le pipe:1", input: file)
    #expect(ffmpeg.count / 2 == expected)
    try TemporaryFolder.withFile(file) { path in
      let raw = try Peers.run("opusdec", ["--quiet", "--rate", "48000", path, "-"])
      #expect(raw.count / 2 == expected)
      let info = String(decoding: try Peers.run("opusinfo", [path]), as: UTF8.self)
      #expect(!info.lowercased().contains("warning") && !info.lowercased().contains("error"), "\(info)")
      #expect(info.contains("Logical stream 1 ended"), "\(info)")
      #expect(info.contains("Original sample rate: \(rate) Hz"), "\(info)")
    }
    let ours: Decoded<Int16> = try decode(file, rate: rate, channels: 1)
    #expect(ours.samples.count == frames)
    #expect(ours.damage == OggOpusReader.Damage())
    #expect(ours.concealedFrames == 0 && ours.damagedPackets == 0)
  }

  @Test("every sample keeps its place to a tenth of a millisecond", arguments: OggOpusEncoder.rates)
  func place(rate: Int) throws {
    let source = Self.voice(rate * 2, rate: rate)
    let decoded: Decoded<Int16> = try decode(try Self.encode(source, rate: rate), rate: rate, channels: 1)
    #expect(abs(Self.lag(decoded.samples, source)) * 10_000 <= rate * 2)
  }

  @Test("a chunk of 80 ms is one page at once, of 24 kbit/s, and the container takes a tenth of it more")
  func pages() throws {
    var encoder = try OggOpusEncoder(rate: 16_000)
    encoder.begin(serial: 7)
    let source = Self.voice(1280 * 250, rate: 16_000)
    var all: [UInt8] = []
    var reader = OggPageReader()
    for chunk in 0..<250 {
      var bytes: [UInt8] = []
      source[(chunk * 1280)..<((chunk + 1) * 1280)].withUnsafeBytes { encoder.encode($0, into: &bytes) }
      var pages: [OggPage] = []
      #expect(reader.push(bytes.span.bytes) == bytes.count)
      while let page = reader.next() { pages.append(page) }
      #expect(pages.count == (chunk == 0 ? 3 : 1))
      #expect(pages.last?.granulePosition == Int64(chunk + 1) * 3840)
      #expect(pages.allSatisfy { $0.serial == 7 && !$0.isLast && $0.skipped == 0 })
      all += bytes
    }
    let bitRate = Double(all.count) * 8 / 20
    #expect((24_000...29_000).contains(bitRate), "\(bitRate)")
    let packets = TestPage.pages(of: all).dropFirst(2)
    #expect(packets.allSatisfy { $0.packetEnds == 4 })
    let payload = packets.reduce(0) { $0 + $1.bytes.count - $1.bodyOffset }
    #expect((20_000...26_000).contains(Double(payload) * 8 / 20), "\(payload)")
    var end: [UInt8] = []
    encoder.finish(into: &end)
    let last = TestPage.pages(of: end)
    #expect(last.count == 1 && last[0].bytes[5] == 4)
    #expect(last[0].granule == Int64(encoder.preSkip + 250 * 3840))
  }

  @Test("however it is given and read, it is the same sound")
  func cuts() throws {
    var random = SeededGenerator(seed: 9)
    let source = Self.voice(33_333, rate: 16_000)
    let whole: Decoded<Int16> = try decode(try Self.encode(source, rate: 16_000), rate: 16_000, channels: 1)
    for most in [3, 50, 400, 5000, 40_000] {
      let file = try Self.encode(source, rate: 16_000) { Int.random(in: 1...most, using: &random) }
      let read: Decoded<Int16> = try decode(
        file, rate: 16_000, channels: 1, cut: { Int.random(in: 1...997, using: &random) },
        room: { Int.random(in: 1...700, using: &random) })
      #expect(read == whole)
      #expect(TestPage.pages(of: file).file == file)
    }
  }

  @Test("silence takes its time, and a new stream knows nothing of the one before")
  func begin() throws {
    let source = Self.voice(5000, rate: 16_000)
    var encoder = try OggOpusEncoder(rate: 16_000)
    var first: [UInt8] = []
    encoder.begin(serial: 1)
    source.withUnsafeBytes { encoder.encode($0, into: &first) }
    encoder.encodeSilence(frames: 12_345, into: &first)
    encoder.finish(into: &first)
    let decoded: Decoded<Int16> = try decode(first, rate: 16_000, channels: 1)
    #expect(decoded.samples.count == 17_345)
    #expect(decoded.samples.suffix(8000).allSatisfy { abs($0) < 50 })

    // Left in the middle of a packet and of a page.
    var dropped: [UInt8] = []
    encoder.begin(serial: 2)
    source[..<1000].withUnsafeBytes { encoder.encode($0, into: &dropped) }
    encoder.begin(serial: 1)
    var again: [UInt8] = []
    source.withUnsafeBytes { encoder.encode($0, into: &again) }
    encoder.encodeSilence(frames: 12_345, into: &again)
    encoder.finish(into: &again)
    #expect(again == first)

    encoder.begin(serial: 3)
    var empty: [UInt8] = []
    encoder.finish(into: &empty)
    #expect(empty == [])
  }

  @Test("its length is told from the pages, as far as they have come, at any cut")
  func clock() throws {
    var random = SeededGenerator(seed: 2)
    let file = try Self.encode(Self.voice(50_001, rate: 16_000), rate: 16_000)
    var clock = OggOpusClock()
    var decoder = OggOpusDecoder<Int16>(rate: 16_000, channels: 1)
    var output = [Int16](repeating: 0, count: 60_000)
    var position = 0
    while position < file.count {
      let end = min(file.count, position + Int.random(in: 1...600, using: &random))
      let piece = Array(file[position..<end])
      piece.withUnsafeBytes { clock.push($0) }
      #expect(decoder.push(piece.span.bytes) == piece.count)
      var span = output.mutableSpan
      _ = try decoder.read(into: &span)
      #expect(abs(clock.seconds - Double(decoder.position) / 16_000) < 1e-9)
      position = end
    }
    #expect(clock.seconds == 50_001.0 / 16_000)
    // What is no Ogg has no length.
    var other = OggOpusClock()
    [UInt8](repeating: 0x4F, count: 300_000).withUnsafeBytes { other.push($0) }
    #expect(other.seconds == 0)
  }

  @Test("rates Opus does not have are refused")
  func rates() {
    for rate in [0, 44_100, 96_000] {
      #expect(throws: OpusError.self) { _ = try OggOpusEncoder(rate: rate) }
    }
  }
}

@Suite("Ogg pages that are written") struct OggPageWriterTests {
  @Test("packets of any length that fit are read back, with the checksum of the standard")
  func lengths() {
    var writer = OggPageWriter(serial: 0xDEAD_BEEF)
    let groups: [[Int]] = [
      [0], [1], [254], [255], [256], [510, 0, 3], [64_769], Array(repeating: 200, count: 255),
    ]
    var file: [UInt8] = []
    for (index, lengths) in groups.enumerated() {
      let body = (0..<lengths.reduce(0, +)).map { UInt8(truncatingIfNeeded: $0 * 7 + index) }
      var page: [UInt8] = [1, 2, 3]
      body.withUnsafeBytes {
        writer.append(
          $0, lengths: lengths, granulePosition: Int64(index) << 33,
          flags: index == 0 ? .first : index == groups.count - 1 ? .last : [], to: &page)
      }
      page.removeFirst(3)
      var checked = TestPage(bytes: page)
      checked.updateChecksum()
      #expect(checked.bytes == page)
      #expect(checked.packetEnds == lengths.count)
      #expect(Array(page[checked.bodyOffset...]) == body)
      file += page
    }
    var reader = OggPageReader()
    var pages: [OggPage] = []
    var position = 0
    while position < file.count {
      position += reader.push(Array(file[position...].prefix(1000)).span.bytes)
      while let page = reader.next() { pages.append(page) }
    }
    #expect(pages.map(\.sequence) == (0..<8).map { UInt32($0) })
    #expect(pages.map(\.granulePosition) == (0..<8).map { Int64($0) << 33 })
    #expect(pages.map(\.isFirst) == [true] + Array(repeating: false, count: 7))
    #expect(pages.map(\.isLast) == Array(repeating: false, count: 7) + [true])
    #expect(pages.allSatisfy { $0.serial == 0xDEAD_BEEF && $0.skipped == 0 && !$0.isContinuation })
  }
}
