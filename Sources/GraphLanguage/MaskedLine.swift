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
    let hidden = (masked + Self.likelySecrets(source.bytes, bytes)).filter {
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
      } else if character.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F }) {
        text = "\u{FFFD}"
        columns = 1
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

/// The columns a terminal gives a character: two for East Asian wide ones and emoji, none for marks that stand on others.
func displayWidth(_ character: Character) -> Int {
  let scalars = character.unicodeScalars
  guard let first = scalars.first else { return 0 }
  if scalars.contains(where: { $0.value == 0xFE0F }) { return 2 }
  if first.properties.generalCategory == .nonspacingMark || first.properties.generalCategory == .format {
    return 0
  }
  return wideRanges.contains { $0.contains(first.value) } ? 2 : 1
}

/// The larger blocks of East Asian Width W and F, and of emoji presentation (Unicode Standard Annex 11).
private let wideRanges: [ClosedRange<UInt32>] = [
  0x1100...0x115F, 0x231A...0x231B, 0x23E9...0x23EC, 0x23F0...0x23F0, 0x23F3...0x23F3, 0x25FD...0x25FE,
  0x2614...0x2615, 0x2648...0x2653, 0x267F...0x267F, 0x2693...0x2693, 0x26A1...0x26A1, 0x26AA...0x26AB,
  0x26BD...0x26BE, 0x26C4...0x26C5, 0x26CE...0x26CE, 0x26D4...0x26D4, 0x26EA...0x26EA, 0x26F2...0x26F5,
  0x26FA...0x26FD, 0x2705...0x2705, 0x270A...0x270B, 0x2728...0x2728, 0x274C...0x274E, 0x2753...0x2757,
  0x2795...0x2797, 0x27B0...0x27BF, 0x2B1B...0x2B1C, 0x2B50...0x2B55, 0x2E80...0x303E, 0x3041...0x33FF,
  0x3400...0x4DBF, 0x4E00...0x9FFF, 0xA000...0xA4CF, 0xA960...0xA97F, 0xAC00...0xD7A3, 0xF900...0xFAFF,
  0xFE10...0xFE19, 0xFE30...0xFE6F, 0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x16FE0...0x18CFF, 0x1B000...0x1B2FF,
  0x1F004...0x1F004, 0x1F0CF...0x1F0CF, 0x1F18E...0x1F19A, 0x1F1E6...0x1F202, 0x1F210...0x1F265,
  0x1F300...0x1F320, 0x1F32D...0x1F64F, 0x1F680...0x1F6FF, 0x1F7E0...0x1F7F0, 0x1F90C...0x1F9FF,
  0x1FA70...0x1FAFF, 0x20000...0x3FFFD,
]
