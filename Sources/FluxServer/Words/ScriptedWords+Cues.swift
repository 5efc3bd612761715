extension ScriptedWords {
  /// Reads a WebVTT or SubRip file. A cue says when its words are spoken together; each word gets a share of that
  /// time as long as the word is.
  ///
  /// Only times and text count: identifiers, cue settings, notes, styles and markup in angle brackets or braces are left out.
  package init(cues bytes: [UInt8]) throws(ScriptError) {
    var words: [RecognisedWord] = []
    var cue: Range<Double>?
    var text = ""
    var number = -1
    func finish() {
      if let cue { words += Self.spread(Self.withoutMarkup(text), over: cue) }
      cue = nil
      text = ""
    }
    for line in Self.lines(bytes) {
      if line.contains("-->") {
        finish()
        number += 1
        cue = try Self.times(line, at: number)
      } else if line.allSatisfy(\.isWhitespace) {
        finish()
      } else if cue != nil {
        text += " " + line
      }
    }
    finish()
    guard number >= 0 else { throw ScriptError(entry: nil, problem: "has no line with \"-->\"") }
    self.init(words)
  }

  private static func lines(_ bytes: [UInt8]) -> [Substring] {
    let text = String(decoding: bytes, as: UTF8.self)
    // "\r\n" is one character in Swift.
    return text.split(omittingEmptySubsequences: false) { $0 == "\n" || $0 == "\r\n" || $0 == "\r" }
  }

  /// `00:00:01.000 --> 00:00:02.500 align:start`; SubRip has a comma, WebVTT may leave the hours out.
  private static func times(_ line: Substring, at number: Int) throws(ScriptError) -> Range<Double> {
    let fields = line.split { $0.isWhitespace }
    guard let arrow = fields.firstIndex(of: "-->"), arrow > 0, arrow + 1 < fields.count,
      let start = seconds(fields[arrow - 1]), let end = seconds(fields[arrow + 1]), start < end
    else {
      throw ScriptError(
        entry: number, problem: "needs times such as 00:00:01.000 --> 00:00:02.500, the second one later")
    }
    return start..<end
  }

  private static func seconds(_ text: Substring) -> Double? {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard 2...3 ~= parts.count, let last = parts.last else { return nil }
    let whole = last.prefix { $0 != "." && $0 != "," }
    let fraction = last.dropFirst(whole.count + 1)
    guard fraction.count <= 9 else { return nil }
    var sum = 0
    for part in parts.dropLast() + [whole] {
      guard 1...4 ~= part.utf8.count, part.utf8.allSatisfy({ 0x30...0x39 ~= $0 }), let value = Int(part)
      else {
        return nil
      }
      sum = sum * 60 + value
    }
    guard sum < mostSeconds else { return nil }
    guard !fraction.isEmpty else { return Double(sum) }
    guard fraction.utf8.allSatisfy({ 0x30...0x39 ~= $0 }), let part = Double("0.\(fraction)") else {
      return nil
    }
    return Double(sum) + part
  }

  private static func withoutMarkup(_ text: String) -> String {
    var plain = ""
    var closing: Character?
    for character in text {
      if let end = closing {
        if character == end { closing = nil }
      } else if character == "<" {
        closing = ">"
      } else if character == "{" {
        closing = "}"
      } else {
        plain.append(character)
      }
    }
    for (entity, character) in [("&lt;", "<"), ("&gt;", ">"), ("&nbsp;", " "), ("&amp;", "&")] {
      plain.replace(entity, with: character)
    }
    return plain
  }

  private static func spread(_ text: String, over cue: Range<Double>) -> [RecognisedWord] {
    let words = text.split(whereSeparator: \.isWhitespace)
    // The blank belongs to the word before it, so that a word of one letter is not too short.
    let total = Double(words.reduce(0) { $0 + $1.count + 1 })
    let length = cue.upperBound - cue.lowerBound
    var passed = 0.0
    return words.map { word in
      let start = cue.lowerBound + length * passed / total
      passed += Double(word.count + 1)
      let end = cue.lowerBound + length * passed / total
      return RecognisedWord(text: String(word), start: start, end: end, confidence: 1)
    }
  }
}
