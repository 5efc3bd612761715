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
