internal import FluxGraph
internal import Platform

/// A line of a graph as it is shown: tabs as blanks, control characters and secrets made harmless, columns counted as terminals do.
struct MaskedLine {
  /// What is shown for each character, where it begins in the text, and in which column.
  private struct Cell {
    var offset: Int
    var column: Int
    var text: String
    var width: Int
  }

  private var cells: [Cell] = []
  /// Columns of what is held.
  private(set) var width = 0
  private let end: Int

  /// Bytes that are shown on either side of a place at most; the renderer shows fewer columns.
  private static let reach = 1_000

  init(source: GraphSource, bytes: Range<Int>, around place: SourceSpan, masked: [SourceSpan]) {
    var start = max(bytes.lowerBound, min(place.lower, bytes.upperBound) - Self.reach)
    while start > bytes.lowerBound, source.bytes[start] & 0xC0 == 0x80 { start -= 1 }
    var end = min(bytes.upperBound, max(place.lower, bytes.lowerBound) + Self.reach)
    while end < bytes.upperBound, source.bytes[end] & 0xC0 == 0x80 { end += 1 }
    self.end = end
    let line = source.text(of: SourceSpan(start, end))
    let likely =
      Self.likelySecrets(source.bytes, bytes) + Self.likelyPasswords(source.bytes, bytes)
      + Self.likelyCredentials(source.bytes, bytes)
    let hidden = (masked + likely).filter {
      $0.lower < end && $0.upper > start
    }
    var offset = start
    var hiddenRun = 0
    for character in line {
      let next = offset + character.utf8.count
      var text = String(character)
      var columns = displayWidth(character)
      let isHidden = hidden.contains { $0.lower <= offset && offset < $0.upper }
      hiddenRun = isHidden ? hiddenRun + 1 : 0
      if isHidden {
        // Not even the length is shown.
        columns = hiddenRun <= 3 ? 1 : 0
        text = columns == 1 ? "•" : ""
      } else if character == "\t" {
        columns = Lexer.tabWidth - width % Lexer.tabWidth
        text = String(repeating: " ", count: columns)
      } else if character.unicodeScalars.contains(where: \.isUnfitForTerminals) {
        text = String(
          String.UnicodeScalarView(character.unicodeScalars.map { $0.isUnfitForTerminals ? "\u{FFFD}" : $0 }))
        columns = displayColumns(text)
      }
      cells.append(Cell(offset: offset, column: width, text: text, width: columns))
      width += columns
      offset = next
    }
  }

  /// The columns a span covers in this line, from 0.
  func columns(of span: SourceSpan) -> (start: Int, end: Int) {
    (column(at: span.lower), column(at: max(span.lower, min(span.upper, end))))
  }

  /// The part of the line in these columns.
  func shown(_ window: Range<Int>) -> String {
    let start = window.lowerBound > 0 ? "…" : ""
    let inside = cells.filter { window.contains($0.column) }.map(\.text).joined()
    return start + inside + (window.upperBound < width ? "…" : "")
  }

  private func column(at offset: Int) -> Int {
    var low = 0
    var high = cells.count
    while low < high {
      let middle = (low + high) / 2
      if cells[middle].offset < offset { low = middle + 1 } else { high = middle }
    }
    return low < cells.count ? cells[low].column : width
  }

  /// What stands before the `@` in addresses: users and passwords.
  private static func likelyPasswords(_ bytes: [UInt8], _ line: Range<Int>) -> [SourceSpan] {
    let scheme = Array("://".utf8)
    var found: [SourceSpan] = []
    for index in line where bytes[index..<line.upperBound].starts(with: scheme) {
      let rest = bytes[(index + scheme.count)..<line.upperBound]
      let authority = rest.prefix { !$0.isBlank && $0 != .quote && $0 != .pipe && $0 != UInt8(ascii: "/") }
      guard let at = authority.lastIndex(of: UInt8(ascii: "@")) else { continue }
      found.append(SourceSpan(authority.startIndex, at))
    }
    return found
  }

  /// What stands behind the colon of a quoted header that says who one is.
  private static func likelyCredentials(_ bytes: [UInt8], _ line: Range<Int>) -> [SourceSpan] {
    let names = ["authorization", "cookie", "key", "token", "secret", "password"]
    var found: [SourceSpan] = []
    for colon in line where bytes[colon] == UInt8(ascii: ":") {
      let name = bytes[line.lowerBound..<colon].reversed().prefix { $0.isNameByte || $0 == .hyphen }
      let before = colon - name.count - 1
      guard before >= line.lowerBound, bytes[before] == .quote,
        names.contains(where: String(decoding: name.reversed(), as: UTF8.self).lowercased().hasSuffix)
      else { continue }
      let value = bytes[(colon + 1)..<line.upperBound].prefix { $0 != .quote }
      found.append(SourceSpan(value.startIndex, value.endIndex))
    }
    return found
  }

  /// Values of options and parameters whose names say that they are secret, whether the text around them could be read or not.
  private static func likelySecrets(_ bytes: [UInt8], _ line: Range<Int>) -> [SourceSpan] {
    var found: [SourceSpan] = []
    var index = line.lowerBound
    var searched = index
    while index < line.upperBound {
      defer { index += 1 }
      guard bytes[index] == .equals else { continue }
      var keyEnd = index
      while keyEnd > searched, bytes[keyEnd - 1].isBlank { keyEnd -= 1 }
      var keyStart = keyEnd
      while keyStart > searched, bytes[keyStart - 1].isNameByte || bytes[keyStart - 1] == .hyphen {
        keyStart -= 1
      }
      searched = index + 1
      var start = index + 1
      while start < line.upperBound, bytes[start].isBlank { start += 1 }
      let key = String(decoding: bytes[keyStart..<keyEnd], as: UTF8.self).lowercased()
      guard ["key", "secret", "token", "password"].contains(where: key.hasSuffix), start < line.upperBound,
        bytes[start] != .dollar, bytes[start] != .equals, bytes[start] != .openBracket,
        !["env(", "secret("].contains(where: { bytes[start..<line.upperBound].starts(with: $0.utf8) })
      else { continue }
      let isQuoted = bytes[start] == .quote
      var end = start + 1
      while end < line.upperBound,
        isQuoted ? bytes[end] != .quote : !bytes[end].isBlank && bytes[end] != .pipe
      {
        end += 1
      }
      end = min(end + (isQuoted ? 1 : 0), line.upperBound)
      found.append(SourceSpan(start, end))
      searched = end
      index = end
    }
    return found
  }
}
