/// A graph's text and where it comes from: one file, and behind it those it takes names over from, in one run of bytes, so that
/// a place is a place whatever file it is in.
package struct GraphSource: Sendable {
  /// A file's part of the text.
  struct File: Sendable {
    var name: String
    var directory: String
    /// Where its text begins, in bytes of the whole.
    var start: Int
    /// The index of its first line.
    var firstLine: Int
  }

  /// What messages call the graph itself: the file's path as it was given, or `-e`.
  package var name: String { files[0].name }
  package private(set) var text: String
  /// The directory relative paths are relative to.
  package var directory: String { files[0].directory }
  private(set) var bytes: [UInt8]
  private(set) var files: [File]
  /// Where each line begins, in bytes.
  private var lineStarts: [Int]
  /// Whether a character is a byte everywhere.
  private var isASCII: Bool
  /// In longer lines with other characters, columns are bytes: places must not take longer to find the longer the text is.
  private static let longestCounted = 1_000

  package init(name: String, text: String, directory: String) {
    self.text = text
    files = [File(name: name, directory: directory, start: 0, firstLine: 0)]
    let bytes = Array(text.utf8)
    lineStarts = [0] + bytes.indices.filter { bytes[$0] == .newline }.map { $0 + 1 }
    isASCII = bytes.allSatisfy { $0 < 0x80 }
    self.bytes = bytes
  }

  /// Puts another file behind the text, on a line of its own.
  mutating func append(_ other: GraphSource) {
    text += "\n" + other.text
    bytes.append(.newline)
    let start = bytes.count
    files.append(
      File(name: other.name, directory: other.directory, start: start, firstLine: lineStarts.count))
    bytes += other.bytes
    lineStarts += other.lineStarts.map { $0 + start }
    isASCII = isASCII && other.isASCII
  }

  /// The file a place is in.
  func file(of offset: Int) -> File { files.last { $0.start <= offset } ?? files[0] }

  /// A place in bytes of the file it is in.
  func local(_ offset: Int) -> Int { offset - file(of: offset).start }

  /// Whether a line belongs to a file.
  func isLine(_ index: Int, in file: File) -> Bool { self.file(of: lineStarts[index]).start == file.start }

  /// The number of a line in its file, from 1.
  func lineNumber(_ index: Int) -> Int { index - file(of: lineStarts[index]).firstLine + 1 }

  /// Line and column, both counted from 1; the column in characters.
  package func position(of offset: Int) -> (line: Int, column: Int) {
    let offset = min(max(0, offset), bytes.count)
    let line = lineIndex(of: offset)
    let before = lineStarts[line]..<offset
    let isCounted = !isASCII && before.count <= Self.longestCounted
    let count = isCounted ? String(decoding: bytes[before], as: UTF8.self).count : before.count
    // A byte order mark is no column.
    let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
    let hasMark = before.count >= 3 && bytes[before].starts(with: mark) && lineNumber(line) == 1
    return (lineNumber(line), count + 1 - (hasMark ? (isCounted ? 1 : 3) : 0))
  }

  /// `desk.graph:3:19`.
  package func location(of span: SourceSpan) -> String {
    let (line, column) = position(of: span.lower)
    return "\(file(of: span.lower).name):\(line):\(column)"
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
