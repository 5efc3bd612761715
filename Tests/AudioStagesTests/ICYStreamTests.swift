import TestSupport
import Testing

@testable import AudioStages

@Suite struct ICYStreamTests {
  /// What a stream gives that comes in pieces of `cut()` bytes.
  private func read(_ bytes: [UInt8], interval: Int, cut: () -> Int) -> (sound: [UInt8], titles: [String]) {
    var stream = ICYStream(interval: interval)
    var (sound, titles): ([UInt8], [String]) = ([], [])
    var rest = bytes[...]
    while !rest.isEmpty {
      let piece = Array(rest.prefix(cut()))
      rest = rest.dropFirst(piece.count)
      let title = piece.withUnsafeBytes { stream.take($0) { sound += $0 } }
      if let title { titles.append(title) }
    }
    return (sound, titles)
  }

  @Test("whatever the bytes, sound is told from text by their lengths alone, and titles are fit to be shown")
  func mutations() {
    var random = SeededGenerator(seed: 5)
    let text = Array("StreamTitle='It\u{1B}[31m''s \u{FF}on';StreamUrl='';StreamTitle='".utf8)
    for round in 0..<2000 {
      let interval = Int.random(in: 1...200, using: &random)
      var (bytes, sound): ([UInt8], [UInt8]) = ([], [])
      for _ in 0..<Int.random(in: 1...8, using: &random) {
        let piece = (0..<interval).map { _ in UInt8.random(in: 0...255, using: &random) }
        let blocks = Int.random(in: 0...6, using: &random)
        var field = (0..<(16 * blocks)).map { $0 < text.count ? text[$0] : 0 }
        for _ in 0..<(round % 4) where !field.isEmpty {
          field[Int.random(in: 0..<field.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
        }
        bytes += piece + [UInt8(blocks)] + field
        sound += piece
      }
      // It may break off anywhere: what comes after the sound then is no more than what was cut off.
      let whole = read(bytes, interval: interval) { bytes.count }
      #expect(whole.sound == sound)
      let largest = Int.random(in: 1...300, using: &random)
      let pieces = read(bytes, interval: interval) { Int.random(in: 1...largest, using: &random) }
      #expect(pieces.sound == sound)
      #expect(Set(whole.titles).isSubset(of: pieces.titles))
      let kept = Int.random(in: 0...bytes.count, using: &random)
      let cut = read(Array(bytes.prefix(kept)), interval: interval) { 7 }
      #expect(sound.starts(with: cut.sound))
      for title in pieces.titles {
        #expect(title.count <= 200 && !title.isEmpty && title.unicodeScalars.allSatisfy { $0.value >= 0x20 })
      }
    }
  }
}
