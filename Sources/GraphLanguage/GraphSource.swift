/// A graph's text and where it comes from.
package struct GraphSource: Sendable {
  /// What messages call it: the file's path as it was given, or `-e`.
  package let name: String
  package let text: String
  /// The directory relative paths are relative to.
  package let directory: String
  let bytes: [UInt8]
  /// Where each line begins, in bytes.
  private let lineStarts: [Int]
  /// Whether a character is a byte everywhere.
  private let isASCII: Bool
  /// In longer lines with other characters, columns are bytes: places must not take longer to find the longer the text is.
  private static let longestCounted = 1_000

  package init(name: String, text: String, directory: String) {
    self.name = name
    self.text = text
    self.directory = directory
    let bytes = Array(text.utf8)
    lineStarts = [0] + bytes.indices.filter { bytes[$0] == .newline }.map { $0 + 1 }
    isASCII = bytes.allSatisfy { $0 < 0x80 }
    self.bytes = bytes
  }

  /// Line and column, both counted from 1; the column in characters.
  package func position(of offset: Int) -> (line: Int, column: Int) {
    let offset = min(max(0, offset), bytes.count)
    let line = lineIndex(of: offset)
    let before = lineStarts[line]..<offset
    let isCounted = !isASCII && before.count <= Self.longestCounted
    let count = isCounted ? String(decoding: bytes[before], as: UTF8.self).count : before.count
    return (line + 1, count + 1)
  }

  /// `desk.graph:3:19`.
  package func location(of span: SourceSpan) -> String {
    let (line, column) = position(of: span.lower)
    return "\(name):\(line):\(column)"
  }

  /// The bytes of a span as text.
  package func text(of span: SourceSpan) -> String {
    let lower = min(max(0, span.lower), bytes.count)
    return String(decoding: bytes[lower..<min(max(lower, span.upper), bytes.count)], as: UTF8.self)
  }

  /// The index of the line an offset lies in, from 0.
  func lineIndex(of offset: Int) -> Int {
    var low = 0
    var high = lineStarts.count
    while high - low > 1 {
      let middle = (low + high) / 2
      if lineStarts[middle] <= offset { low = middle } else { high = middle }
    }
    return low
  }

  /// The bytes of a line without its end.
  func line(_ index: Int) -> Range<Int> {
    let start = lineStarts[index]
    var end = index + 1 < lineStarts.count ? lineStarts[index + 1] - 1 : bytes.count
    while end > start, bytes[end - 1] == UInt8(ascii: "\r") { end -= 1 }
    return start..<end
  }
}
