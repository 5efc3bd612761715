import FluxGraph

/// What a recogniser's program has printed: JSON, one value a line, as a value fed with bytes in any cuts.
///
/// A line is a word, `{"word":"hello","start":0.5,"end":0.9,"confidence":0.8}`, a list of words, or an object with
/// `words` (a list) or `until` or both. `until` says how many seconds the program has dealt with: no word before it
/// will follow. Other objects mean nothing. Times are seconds of audio since the program's first sample.
package struct CommandTranscript: Sendable {
  /// Bytes of a line, and words not yet taken.
  package static let mostLine = 1 << 20
  package static let mostWords = 10_000

  /// Words printed and not yet forgotten.
  package private(set) var words: [RecognisedWord] = []
  /// How far the program says it is; nil as long as it has not said.
  package private(set) var until: Double?
  private var line: [UInt8] = []
  private var isSkipping = false

  package init() {}

  /// - Returns: what was wrong with a line, one plain sentence; the line is left out.
  package mutating func receive(_ bytes: some Sequence<UInt8>) -> String? {
    var problem: String?
    for byte in bytes {
      if byte == UInt8(ascii: "\n") {
        if !isSkipping, let found = take(line) { problem = found }
        line.removeAll(keepingCapacity: true)
        isSkipping = false
      } else if line.count < Self.mostLine {
        line.append(byte)
      } else if !isSkipping {
        isSkipping = true
        problem = "a line is longer than \(Self.mostLine) bytes"
      }
    }
    return problem
  }

  /// Forgets words that begin before a time.
  package mutating func forget(before time: Double) {
    words.removeAll { $0.start < time }
  }

  private mutating func take(_ line: [UInt8]) -> String? {
    guard !line.allSatisfy({ $0 == 0x20 || $0 == 0x0D || $0 == 0x09 }) else { return nil }
    guard let value = try? JSONValue.parse(line) else { return "a line is not JSON" }
    if let list = value.arrayValue ?? value["words"]?.arrayValue {
      for entry in list { if let problem = add(entry) { return problem } }
    } else if value["word"] != nil, let problem = add(value) {
      return problem
    }
    if let time = value["until"]?.doubleValue, time.isFinite { until = max(until ?? 0, time) }
    return nil
  }

  private mutating func add(_ entry: JSONValue) -> String? {
    guard words.count < Self.mostWords else {
      return "there are more than \(Self.mostWords) words in one piece"
    }
    guard let written = entry["word"]?.stringValue, let start = entry["start"]?.doubleValue,
      let end = entry["end"]?.doubleValue, start >= 0, end >= start, end <= Double(ScriptedWords.mostSeconds)
    else { return "a word needs \"word\" and 0 <= \"start\" <= \"end\", in seconds" }
    let confidence = entry["confidence"].map(\.doubleValue) ?? 1
    guard let confidence, 0...1 ~= confidence else { return "a confidence is no number from 0 to 1" }
    // Some recognisers print the blank before a word, or several words at once.
    for text in written.split(whereSeparator: \.isWhitespace) {
      words.append(RecognisedWord(text: String(text), start: start, end: end, confidence: confidence))
    }
    return nil
  }
}
