internal import Platform

extension String {
  /// The text on one line, as speech and messages are shown: a blank for each control character, and nothing for characters that
  /// show nothing and may turn around or hide what is beside them. None of it can begin a line of its own, move the terminal's
  /// cursor or be taken for something else.
  public var onOneLine: String { spokenOnOneLine }

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
