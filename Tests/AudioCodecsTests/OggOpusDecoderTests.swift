import AudioCodecs
import COpus
import Foundation
import TestSupport
import Testing

@Suite(.enabled(if: Peers.haveFFmpeg)) struct OggOpusDecoderTests {
  /// The packets of a file as ffmpeg's demuxer cuts them.
  static func packets(_ file: [UInt8]) throws -> [[UInt8]] {
    try TemporaryFolder.withFile(file) { path in
      let sizes = try Peers.run(
        "ffprobe", ["-v", "error", "-show_entries", "packet=size", "-of", "csv=p=0", path])
      var rest = try Peers.ffmpeg("-i \(path) -map 0:a -c copy -f data pipe:1")[...]
      return String(decoding: sizes, as: UTF8.self).split(separator: "\n").compactMap { line in
        Int(line.prefix { $0.isNumber }).map { size in
          defer { rest = rest.dropFirst(size) }
          return Array(rest.prefix(size))
        }
      }
    }
  }

  /// All the samples libopus makes of packets, pre-skip and all.
  static func libopus(_ packets: [[UInt8]], rate: Int, channels: Int, gain: Int = 0) throws -> [Int16] {
    var status: Int32 = 0
    let decoder = try #require(opus_decoder_create(Int32(rate), Int32(channels), &status))
    defer { opus_decoder_destroy(decoder) }
    #expect(COpus_decoder_set_gain(decoder, Int32(gain)) == 0)
    var samples: [Int16] = []
    var buffer = [Int16](repeating: 0, count: 5760 * 2)
    for packet in packets {
      let frames = opus_decode(decoder, packet, Int32(packet.count), &buffer, 5760, 0)
      #expect(frames > 0)
      samples += buffer[..<(Int(frames) * channels)]
    }
    return samples
  }

  @Test(
    "at 48 kHz every sample equals that of ffmpeg with libopus, in 16 bits and in float",
    arguments: [
      "-b:a 64k -page_duration 200000", "-b:a 16k -application voip -ac 1", "-b:a 96k -frame_duration 2.5",
      "-frame_duration 5 -application lowdelay",
      "-b:a 24k -frame_duration 60 -application voip -page_duration 1000000",
      "-vbr off -b:a 510k -frame_duration 60", "-frame_duration 10 -page_duration 1",
    ])
  func ffmpeg(options: String) throws {
    let file = try OpusFiles.encode(options)
    let channels = options.contains("-ac 1") ? 1 : 2
    let integers = try Peers.ffmpeg(
      "-c:a libopus -f ogg -i pipe:0 -f s16le -c:a pcm_s16le pipe:1", input: file)
    let ours = try decode(file, channels: channels)
    #expect(ours.samples == samples(integers, as: Int16.self))
    #expect(ours.samples.count == OpusFiles.source.count / 2 * channels)
    #expect(ours.damage == OggOpusReader.Damage())
    #expect(ours.concealedFrames == 0)
    let floats = try Peers.ffmpeg(
      "-request_sample_fmt flt -c:a libopus -f ogg -i pipe:0 -f f32le -c:a pcm_f32le pipe:1", input: file)
    #expect(try decode(file, as: Float.self, channels: channels).samples == samples(floats, as: Float.self))
  }

  @Test(
    "at any rate and channel count every sample equals that of libopus, and the length is exact",
    arguments: [8000, 12000, 16000, 24000, 48000], [1, 2])
  func libopus(rate: Int, channels: Int) throws {
    for file in [try OpusFiles.stereo.get(), try OpusFiles.mono.get()] {
      let whole = try Self.libopus(Self.packets(file), rate: rate, channels: channels)
      let ours = try decode(file, rate: rate, channels: channels)
      let skip = 312 * rate / 48000 * channels
      #expect(ours.samples == Array(whole[skip...].prefix(ours.samples.count)))
      let exact = Double(OpusFiles.source.count / 2) * Double(rate) / 48000
      #expect(abs(Double(ours.samples.count / channels) - exact) <= 1)
    }
  }

  @Test("the header's gain is applied")
  func gain() throws {
    var pages = TestPage.pages(of: try OpusFiles.stereo.get())
    pages[0].bytes.replaceSubrange(44..<46, with: bytes([Int16(-6 * 256)]))
    pages[0].updateChecksum()
    let whole = try Self.libopus(Self.packets(pages.file), rate: 16000, channels: 1, gain: -6 * 256)
    let ours = try decode(pages.file, rate: 16000, channels: 1)
    #expect(ours.samples == Array(whole[104...].prefix(ours.samples.count)))
    let loud = try decode(OpusFiles.stereo.get(), rate: 16000, channels: 1)
    func power(_ samples: [Int16]) -> Double { samples.reduce(0) { $0 + Double($1) * Double($1) } }
    #expect(abs(10 * log10(power(ours.samples) / power(loud.samples)) + 6) < 0.01)
  }

  @Test("the samples are the same however the file is cut and however small the buffers are")
  func cuts() throws {
    let file = try OpusFiles.short.get()
    let whole = try decode(file, rate: 16000, channels: 1)
    #expect(try decode(file, rate: 16000, channels: 1, cut: { 1 }) == whole)
    var random = SeededGenerator(seed: 12)
    for largest in [2, 100, 3000] {
      let cut = try decode(
        file, rate: 16000, channels: 1, cut: { Int.random(in: 1...largest, using: &random) },
        room: { Int.random(in: 1...largest, using: &random) })
      #expect(cut == whole)
    }
    for place in 1..<file.count {
      var first = true
      let cut = try decode(
        file, rate: 16000, channels: 1,
        cut: {
          defer { first = false }
          return first ? place : 1 << 16
        })
      #expect(cut == whole)
    }
  }

  @Test("files one after the other give their samples one after the other, also of the same file twice")
  func chained() throws {
    let (a, b) = (try OpusFiles.short.get(), try OpusFiles.mono.get())
    let (first, second) = (try decode(a), try decode(b))
    let chained = try decode(a + b + a)
    #expect(chained.samples == first.samples + second.samples + first.samples)
    #expect(chained.links == 3)
    #expect(chained.damage == OggOpusReader.Damage())
    let twice = try decode(a + a)
    #expect(twice.samples == first.samples + first.samples)
  }

  @Test("a stream without a mark of its end gives what it has, and the next goes on after it")
  func unended() throws {
    let a = TestPage.pages(of: try OpusFiles.stereo.get())
    let b = try OpusFiles.short.get()
    let cut = Array(a.dropLast(3))
    let chained = try decode(cut.file + b)
    #expect(chained.damage == OggOpusReader.Damage())
    #expect(chained.samples == (try decode(cut.file).samples) + (try decode(b).samples))
    #expect(chained.concealedFrames == 0)
  }

  @Test("a lost page is concealed: the length stays, what was before stays, what comes after finds back")
  func lostPage() throws {
    let pages = TestPage.pages(of: try OpusFiles.stereo.get())
    let whole = try decode(pages.file, rate: 16000, channels: 1)
    #expect(pages.count > 8)
    // Not the one before the last: how much of the last belongs to the signal cannot be told then.
    for lost in 3..<(pages.count - 2) {
      var cut = pages
      cut.remove(at: lost)
      let ours = try decode(cut.file, rate: 16000, channels: 1)
      #expect(ours.samples.count == whole.samples.count)
      let begin = Int(pages[lost - 1].granule) / 3 - 104
      let end = Int(pages[lost].granule) / 3 - 104
      #expect(ours.samples[..<begin] == whole.samples[..<begin])
      #expect(ours.concealedFrames == end - begin)
      #expect(ours.damage.lostPages == 1)
      // Not silence: the decoder goes on with what it heard.
      #expect(ours.samples[begin..<(begin + 160)].contains { abs($0) > 1000 })
      guard end + 1600 < whole.samples.count else { continue }
      let (theirs, after) = (whole.samples[(end + 1600)...], ours.samples[(end + 1600)...])
      let (signal, error) = zip(theirs, after).reduce((0.0, 0.0)) {
        ($0.0 + pow(Double($1.0), 2), $0.1 + pow(Double($1.0) - Double($1.1), 2))
      }
      #expect(error < signal / 100)
    }
  }

  @Test("a page with a damaged byte is a lost page")
  func damagedPage() throws {
    let pages = TestPage.pages(of: try OpusFiles.stereo.get())
    var lost = pages
    lost.remove(at: 5)
    let expected = try decode(lost.file)
    for offset in [0, 5, 20, 26, 30, 200] {
      var damaged = pages
      damaged[5].bytes[offset] ^= 0x10
      let ours = try decode(damaged.file)
      #expect(ours.samples == expected.samples)
      #expect(ours.damage.skippedBytes == pages[5].bytes.count)
    }
  }

  @Test("garbage before, between and after pages is passed over")
  func garbage() throws {
    let pages = TestPage.pages(of: try OpusFiles.short.get())
    let whole = try decode(pages.file)
    var random = SeededGenerator(seed: 13)
    var file: [UInt8] = []
    for page in pages {
      file += (0..<300).map { _ in UInt8.random(in: 0...255, using: &random) }
      // What looks like the largest page there is.
      file += Array("OggS\0".utf8) + [UInt8](repeating: 0, count: 21) + [UInt8](repeating: 255, count: 256)
      file += page.bytes
    }
    let ours = try decode(file + Array("OggS".utf8))
    #expect(ours.samples == whole.samples)
    #expect(ours.damage.skippedBytes == file.count - pages.file.count + 4)
  }

  @Test("a damaged packet in an intact page is concealed, and the length stays")
  func damagedPacket() throws {
    let whole = try decode(OpusFiles.stereo.get())
    var random = SeededGenerator(seed: 14)
    for _ in 0..<30 {
      var pages = TestPage.pages(of: try OpusFiles.stereo.get())
      let index = Int.random(in: 2..<pages.count, using: &random)
      // A configuration of several frames whose count makes no sense: nothing can be told from it, not even
      // its length.
      pages[index].bytes[pages[index].bodyOffset] = 0xFF
      pages[index].bytes[pages[index].bodyOffset + 1] = 0
      pages[index].updateChecksum()
      let ours = try decode(pages.file)
      #expect(ours.samples.count == whole.samples.count)
      #expect(ours.damagedPackets == 1)
    }
  }

  @Test("a file cut short gives its whole pages and says that it was")
  func truncated() throws {
    let pages = TestPage.pages(of: try OpusFiles.stereo.get())
    let file = pages.file
    let whole = try decode(file)
    var random = SeededGenerator(seed: 15)
    for _ in 0..<40 {
      let length = Int.random(
        in: (pages[0].bytes.count + pages[1].bytes.count)..<(file.count - 1), using: &random)
      var end = 0
      var granule: Int64 = 0
      for page in pages {
        end += page.bytes.count
        if end <= length { granule = page.granule }
      }
      let cut = Array(file[..<length])
      // The position of the comment header is 0: its page alone is no audio yet.
      let ours = try decode(cut)
      #expect(ours.samples.count == max(0, Int(granule) - 312) * 2)
      #expect(ours.samples[...] == whole.samples[..<ours.samples.count])
      #expect(ours.damage.isTruncated)
    }
    for length in 1..<100 {
      #expect(throws: OggOpusError.self) { try decode(Array(file[..<length])) }
    }
  }

  @Test("granule positions far off are not filled, nor do they end the stream")
  func jumps() throws {
    let whole = try decode(OpusFiles.stereo.get())
    for granule in [Int64.max, Int64.max / 2 - 1, Int64.min, -1, 1 << 40, 0] {
      var pages = TestPage.pages(of: try OpusFiles.stereo.get())
      pages[4].setGranule(granule)
      let ours = try decode(pages.file)
      #expect(ours.samples.count >= whole.samples.count - 2 * 9600)
      #expect(ours.samples.count <= whole.samples.count)
    }
    // A minute missing without a page missing: the sender was silent and said so by its clock.
    var pages = TestPage.pages(of: try OpusFiles.stereo.get())
    for index in 5..<pages.count { pages[index].setGranule(pages[index].granule + 60 * 48000) }
    let ours = try decode(pages.file, rate: 8000, channels: 1)
    #expect(ours.concealedFrames == 60 * 8000)
    let exact = (OpusFiles.source.count / 2 + 60 * 48000) / 6
    #expect(abs(ours.samples.count - exact) <= 1)
  }

  @Test("a stream joined while it runs begins at once")
  func joined() throws {
    let pages = TestPage.pages(of: try OpusFiles.stereo.get())
    let ours = try decode(Array(pages[..<2] + pages[6...]).file)
    #expect(ours.concealedFrames == 0)
    #expect(ours.samples.count == (Int(pages[pages.count - 1].granule - pages[5].granule) - 312) * 2)
  }

  @Test("comments larger than a page are passed over")
  func comments() throws {
    let comment = String(repeating: "x", count: 120_000)
    let input = bytes(OpusFiles.source)
    let file = try Peers.run(
      "ffmpeg",
      "-v error -nostdin -f s16le -ar 48000 -ac 2 -i pipe:0 -c:a libopus -b:a 64k -page_duration 200000"
        .split(separator: " ").map(String.init) + ["-metadata", "comment=\(comment)", "-f", "ogg", "pipe:1"],
      input: input)
    #expect(file.count > 120_000)
    #expect(try decode(file).samples == decode(OpusFiles.stereo.get()).samples)
    #expect(try decode(file, cut: { 1000 }).samples == decode(OpusFiles.stereo.get()).samples)
  }

  @Test("packets that span pages are put together", arguments: [256, 700])
  func spanning(kilobits: Int) throws {
    // 120 ms at the highest rate: 7 KB a packet; pages cut by hand every few segments.
    let file = try OpusFiles.encode("-vbr off -b:a \(min(kilobits, 510))k -frame_duration 120")
    let whole = try decode(file)
    let pages = TestPage.pages(of: file)
    var cut = Array(pages[..<2])
    var sequence: UInt32 = 2
    for page in pages[2...] {
      let lengths = Array(page.bytes[27..<page.bodyOffset])
      var offset = page.bodyOffset
      var continues = false
      for begin in stride(from: 0, to: lengths.count, by: 7) {
        let part = Array(lengths[begin..<min(begin + 7, lengths.count)])
        let size = part.reduce(0) { $0 + Int($1) }
        let isLast = begin + 7 >= lengths.count
        // Packets end where the position of the page is known only at its last; before that the one of none.
        let known = isLast ? page.granule : -1
        var bytes = Array("OggS\0".utf8) + [(continues ? 1 : 0) | (isLast ? page.bytes[5] & 4 : 0)]
        bytes += TestSupport.bytes([known]) + page.bytes[14..<18] + TestSupport.bytes([sequence])
        bytes += [0, 0, 0, 0, UInt8(part.count)] + part + page.bytes[offset..<(offset + size)]
        var made = TestPage(bytes: bytes)
        made.updateChecksum()
        cut.append(made)
        offset += size
        sequence += 1
        continues = part.last == 255
      }
    }
    #expect(cut.count > pages.count)
    let ours = try decode(cut.file)
    #expect(ours.samples == whole.samples)
    #expect(try decode(cut.file, cut: { 13 }).samples == whole.samples)
  }

  @Test("of several streams side by side the first Opus one is decoded")
  func multiplexed() throws {
    let file = try Peers.ffmpeg(
      "-f s16le -ar 48000 -ac 2 -i pipe:0 -map 0 -map 0 -map 0 -c:a flac -c:a:1 libopus -b:a:1 64k "
        + "-c:a:2 libopus -b:a:2 24k -f ogg pipe:1", input: bytes(OpusFiles.source))
    let alone = try Peers.ffmpeg(
      "-c:a libopus -f ogg -i pipe:0 -map 0:1 -f s16le -c:a pcm_s16le pipe:1", input: file)
    let ours = try decode(file)
    #expect(ours.samples == samples(alone, as: Int16.self))
    #expect(ours.links == 1)
  }

  @Test("what is not Opus is refused with a sentence that names it")
  func refused() throws {
    func reason(_ file: [UInt8]) -> String {
      do {
        _ = try decode(file)
        return "decoded"
      } catch {
        return "\(error)"
      }
    }
    func encode(_ options: String) throws -> [UInt8] {
      try Peers.ffmpeg(
        "-f s16le -ar 48000 -ac 2 -i pipe:0 \(options) -f ogg pipe:1", input: bytes(OpusFiles.source))
    }
    #expect(reason(try encode("-c:a libvorbis")) == "The Ogg file holds Vorbis, not Opus.")
    #expect(reason(try encode("-c:a flac")) == "The Ogg file holds FLAC, not Opus.")
    #expect(reason(try encode("-c:a libspeex -ar 16000 -ac 1")) == "The Ogg file holds Speex, not Opus.")
    let noPage =
      "No whole Ogg page was found at the beginning: it is cut short or damaged, or it is no Ogg file."
    #expect(reason([]) == noPage)
    #expect(reason([UInt8](repeating: 7, count: 100_000)) == noPage)
    let six = try Peers.ffmpeg(
      "-f s16le -ar 48000 -ac 6 -i pipe:0 -c:a libopus -f ogg pipe:1", input: bytes(OpusFiles.source))
    #expect(reason(six).hasPrefix("The Opus stream has 6 channels"))

    func patched(_ patch: (inout [UInt8]) -> Void) throws -> String {
      var pages = TestPage.pages(of: try OpusFiles.short.get())
      patch(&pages[0].bytes)
      pages[0].updateChecksum()
      return reason(pages.file)
    }
    #expect(try patched { $0[36] = 0x10 } == "The Opus stream has version 16, which is not supported.")
    #expect(try patched { $0[36] = 0x0F } == "decoded")
    #expect(try patched { $0[37] = 0 } == "The identification header of the Opus stream is damaged.")
    #expect(try patched { $0[46] = 255 }.hasPrefix("The Opus stream has channel mapping family 255"))
    #expect(try patched { $0[46] = 1 } == "The identification header of the Opus stream is damaged.")
    func family1(_ table: [UInt8]) throws -> String {
      try patched { bytes in
        bytes[46] = 1
        bytes[27] = 23
        bytes += table
      }
    }
    #expect(try family1([1, 1, 0, 1]) == "decoded")
    #expect(try family1([1, 1, 1, 0]) == "decoded")
    #expect(try family1([1, 1, 0, 2]) == "The identification header of the Opus stream is damaged.")
    #expect(try family1([1, 2, 0, 1]) == "The identification header of the Opus stream is damaged.")
  }

  @Test("mutated files are decoded or refused, and give no more than their packets can hold")
  func mutations() throws {
    let seeds = [
      try OpusFiles.short.get(), try OpusFiles.encode("-b:a 12k -ac 1 -frame_duration 60", seconds: 0.4),
    ]
    var random = SeededGenerator(seed: 16)
    var decoded = 0
    for round in 0..<2500 {
      var pages = TestPage.pages(of: seeds[round % 2])
      let withChecksum = round % 3 != 0
      for _ in 0..<Int.random(in: 1...3, using: &random) {
        let index = Int.random(in: 0..<pages.count, using: &random)
        guard pages[index].bytes.count > 30 else { continue }
        switch Int.random(in: 0..<6, using: &random) {
        case 0: pages[index].bytes[Int.random(in: 0..<pages[index].bytes.count, using: &random)] ^= 0x81
        case 1:
          pages[index].bytes[Int.random(in: 0..<30, using: &random)] = UInt8.random(
            in: 0...255, using: &random)
        case 2: pages[index].bytes[pages[index].bodyOffset] = UInt8.random(in: 0...255, using: &random)
        case 3: pages.remove(at: index)
        case 4: pages.insert(pages[index], at: Int.random(in: 0...pages.count, using: &random))
        default: pages[index].bytes.removeLast(Int.random(in: 1...20, using: &random))
        }
        if pages.isEmpty { break }
        let changed = min(index, pages.count - 1)
        if withChecksum, pages[changed].bytes.count >= 27 { pages[changed].updateChecksum() }
      }
      let largest = Int.random(in: 1...3000, using: &random)
      let limit = 3_000_000
      let result = try? decode(
        pages.file, as: Int16.self, rate: 8000, channels: 1, limit: limit,
        cut: { Int.random(in: 1...largest, using: &random) })
      if let result {
        decoded += 1
        // Gaps of ten minutes at most, each of which takes a page that says so.
        #expect(result.samples.count <= limit + 5760)
      }
    }
    #expect(decoded > 1000)
  }
}
