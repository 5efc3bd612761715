/// A command written in one line, cut into its program and arguments as a shell would cut it: at blanks, except within
/// single or double quotes. Nothing else is special.
package struct CommandLineText: Sendable, Equatable {
  package let words: [String]

  /// nil if there is no word, or a quote is not closed.
  package init?(_ text: String) {
    var words: [String] = []
    var word: String?
    var quote: Character?
    for character in text {
      switch (quote, character) {
      case (character, _): quote = nil
      case (nil, "\""), (nil, "'"):
        quote = character
        word = word ?? ""
      case (nil, _) where character.isWhitespace:
        if let word { words.append(word) }
        word = nil
      default: word = (word ?? "") + String(character)
      }
    }
    if let word { words.append(word) }
    guard quote == nil, let program = words.first, !program.isEmpty else { return nil }
    self.words = words
  }
}
