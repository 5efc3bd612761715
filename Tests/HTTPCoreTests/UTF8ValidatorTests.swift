import TestSupport
import Testing

@testable import HTTPCore

@Suite("UTF-8 in pieces")
struct UTF8ValidatorTests {
  static func isValid(_ pieces: [ArraySlice<UInt8>]) -> Bool {
    var validator = UTF8Validator()
    for piece in pieces where !piece.withUnsafeBytes({ validator.accept($0) }) { return false }
    return validator.isComplete
  }

  @Test("sequences of two, three and four bytes around all borders are judged as String judges them")
  func borders() {
    let leads: [UInt8] = [0x7F, 0x80, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xED, 0xEF, 0xF0, 0xF1, 0xF4, 0xF5]
    let seconds: [UInt8] = [0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0]
    let thirds: [UInt8] = [0x7F, 0x80, 0xBF, 0xC0]
    func check(_ bytes: [UInt8]) {
      let expected = String(validating: bytes, as: UTF8.self) != nil
      if Self.isValid([bytes[...]]) != expected
        || Self.isValid(bytes.indices.map { bytes[$0...$0] }) != expected
      {
        Issue.record("\(hexadecimal(bytes))")
      }
    }
    for first in leads {
      for second in seconds {
        check([first, second])
        for third in thirds {
          check([first, second, third])
          check([first, second, third, 0x80])
          check([first, second, third, 0xBF])
          check([first, second, third, 0x41])
        }
      }
    }
  }

  @Test("random damage in long texts is found wherever it lies")
  func damage() {
    var generator = SeededGenerator(seed: 3629)
    let text = Array("Zwölf Boxkämpfer 🥊 jagen Viktor quer über den großen Sylter Deich — 日本語".utf8)
    for _ in 0..<2000 {
      var bytes = text
      bytes[Int.random(in: 0..<bytes.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
      let cut = Int.random(in: 0...bytes.count, using: &generator)
      #expect(
        Self.isValid([bytes[..<cut], bytes[cut...]]) == (String(validating: bytes, as: UTF8.self) != nil))
    }
  }
}
