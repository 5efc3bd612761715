extension String {
  /// The text with a blank for each control character. Words of a service or a file are shown this way: none of them may begin
  /// a line of its own or move the terminal's cursor.
  public var onOneLine: String {
    let isControl = { (scalar: Unicode.Scalar) in scalar.properties.generalCategory == .control }
    guard unicodeScalars.contains(where: isControl) else { return self }
    var line = String.UnicodeScalarView()
    for scalar in unicodeScalars { line.append(isControl(scalar) ? " " : scalar) }
    return String(line)
  }

  /// The text as a message may have it: no more than so many characters, with an ellipsis where it was longer. For words of a
  /// service, a file or a program, which may be of any length.
  package func excerpt(_ limit: Int = 200) -> String {
    guard let end = index(startIndex, offsetBy: limit, limitedBy: endIndex), end < endIndex else {
      return self
    }
    return self[..<end] + "…"
  }
}

extension FieldValue {
  /// The value with its texts on one line.
  public var onOneLine: FieldValue {
    switch self {
    case .text(let text): .text(text.onOneLine)
    case .list(let items): .list(items.map(\.onOneLine))
    case .number, .boolean: self
    }
  }
}
