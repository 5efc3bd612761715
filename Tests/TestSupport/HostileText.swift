/// Text that tries to do more on a terminal than be read.
package enum HostileText {
  /// Characters a terminal obeys, and those that show nothing but change what is seen beside them. By Unicode's properties, and so
  /// not as the program has it. Joiners and variation selectors belong to languages and emoji.
  package static func isOffence(_ scalar: Unicode.Scalar) -> Bool {
    let kept: [ClosedRange<UInt32>] = [
      0x34F...0x34F, 0x180B...0x180D, 0x180F...0x180F, 0x200C...0x200D, 0xFE00...0xFE0F, 0xE0100...0xE01EF,
    ]
    if kept.contains(where: { $0.contains(scalar.value) }) { return false }
    let isInvisible =
      scalar.properties.isDefaultIgnorableCodePoint || (0xFFF9...0xFFFB).contains(scalar.value)
    return isInvisible
      || [.control, .lineSeparator, .paragraphSeparator].contains(scalar.properties.generalCategory)
  }

  /// What must not be in a text that goes to a terminal.
  package static func offences(in text: String, besides allowed: String = "\n") -> [String] {
    text.unicodeScalars.filter { isOffence($0) && !allowed.unicodeScalars.contains($0) }.map {
      "U+" + String($0.value, radix: 16, uppercase: true)
    }
  }

  /// One of each kind of offence, in the middle of words.
  package static let sample =
    "a\u{1B}]0;pwned\u{7}b\u{9B}2Jc\u{7F}d\u{202E}e\u{2066}f\u{200F}g\u{2028}h\u{FEFF}i\u{E0041}j\u{85}k\u{61C}l\u{200B}m\rn"

  /// Text that has to stay as it is.
  package static let languages = "می‌خواهم שלום क्‍ष 👩‍👩‍👧 ☂️ 葛\u{E0100} naïve"

  /// A text of up to `length` pieces, of which many are offences.
  package static func random(_ length: Int = 24, using generator: inout SeededGenerator) -> String {
    let dangerous: [ClosedRange<UInt32>] = [
      0...0x1F, 0x7F...0x9F, 0xAD...0xAD, 0x200B...0x200F, 0x2028...0x202E, 0x2060...0x206F, 0x61C...0x61C,
      0xFEFF...0xFEFF, 0xFFF0...0xFFFB, 0xE0000...0xE007F, 0x3164...0x3164, 0x115F...0x1160,
    ]
    var text = String.UnicodeScalarView()
    for _ in 0..<Int.random(in: 0...length, using: &generator) {
      let range =
        Bool.random(using: &generator) ? dangerous.randomElement(using: &generator)! : 0x20...0x10FFFF
      let ascii: ClosedRange<UInt32> = 0x20...0x7E
      let chosen = Int.random(in: 0..<4, using: &generator) == 0 ? ascii : range
      if let scalar = Unicode.Scalar(UInt32.random(in: chosen, using: &generator)) { text.append(scalar) }
    }
    return String(text)
  }
}
