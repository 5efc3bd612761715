import AudioCodecs
import AudioStages
import FluxGraph
import Foundation
import StageTesting
import TestSupport
import Testing

/// A file in memory that counts what is asked of it.
private final class MemoryFile: SeekableBytes {
  let contents: [UInt8]
  private(set) var position = 0
  private(set) var readings = 0

  init(_ contents: [UInt8]) { self.contents = contents }

  var length: Int { contents.count }

  func bytes(at offset: Int, count: Int) throws -> [UInt8] {
    readings += 1
    #expect(offset >= 0 && count >= 0)
    return Array(contents.dropFirst(offset).prefix(count))
  }

  func goOn(at offset: Int) throws {
    #expect((0...contents.count).contains(offset))
    position = offset
  }
}

@Suite struct SeekMutationTests {
  @Test(
    "in a damaged file a place is found or not, with few readings, and what is decoded from there is bounded")
  func mutations() throws {
    let root = URL(filePath: #filePath).appending(path: "../../..").standardized
    let opus = [UInt8](try Data(contentsOf: root.appending(path: "graphs/audio/dialogue.opus")))
    let samples = (0..<60_000).map { Int16(truncatingIfNeeded: $0 &* 13) }
    let header = WAVHeader(rate: 16_000, channels: 1, samples: .s16, dataLength: 120_000)
    let wav = header.bytes + samples.withUnsafeBytes { Array($0) }
    var random = SeededGenerator(seed: 40)
    var found = 0
    for round in 0..<300 {
      let isWAV = round % 2 == 0
      var bytes = isWAV ? wav : opus
      // Damage in the first bytes is damage of headers, and of what the search begins with.
      for _ in 0..<Int.random(in: 0...4, using: &random) {
        let reach = Bool.random(using: &random) ? 200 : bytes.count
        let place = Int.random(in: 0..<reach, using: &random)
        switch Int.random(in: 0..<4, using: &random) {
        case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
        case 1: bytes[place] ^= 1 << UInt8.random(in: 0...7, using: &random)
        case 2: bytes.removeSubrange(place..<min(bytes.count, place + Int.random(in: 1...40, using: &random)))
        default: bytes.removeLast(Int.random(in: 0...(bytes.count / 2), using: &random))
        }
        if bytes.count < 400 { break }
      }
      let file = MemoryFile(bytes)
      let start = Double.random(in: 0...40, using: &random)
      var decode = Decode()
      try decode.prepare(
        wanted: AudioRequirement(sample: .s16le, rate: 16_000, channels: 1), TestWorld().context())
      let isFound = (try? decode.seek(to: .seconds(start), in: file)) ?? false
      #expect(file.readings < 200)
      guard isFound else { continue }
      found += 1
      var rest = bytes[file.position...]
      var room = ByteBuffer(capacity: 1 << 16)
      var audio = AudioBuffer(format: AudioFormat(.s16le, rate: 16_000, channels: 1), capacity: 4096)
      var frames = 0
      do {
        while true {
          rest = rest.dropFirst(room.append(Array(rest.prefix(room.free))))
          let progress = try decode.decode(&room, isLast: rest.isEmpty, into: &audio)
          frames += audio.frameCount
          audio.removeAll()
          if progress == .finished || (progress == .needsBytes && rest.isEmpty && room.isEmpty) { break }
        }
      } catch is StageError {}
      // No packet is longer than 120 ms; gaps are filled for as long as granule positions can say.
      #expect(frames <= (isWAV ? bytes.count / 2 : 16_000 * 700))
    }
    #expect(found > 100)
  }
}
