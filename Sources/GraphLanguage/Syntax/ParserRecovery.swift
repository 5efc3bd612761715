// Saying what is wrong, and finding the place to go on from.
extension Parser {
  mutating func report(
    _ code: DiagnosticCode, _ message: String, at span: SourceSpan, label: String = "",
    secondary: [Diagnostic.Label] = [], help: String? = nil, replacement: Diagnostic.Replacement? = nil
  ) {
    diagnostics.append(
      Diagnostic(
        code, message, at: .init(span, label), secondary: secondary, help: help, replacement: replacement))
  }

  mutating func fail(
    _ code: DiagnosticCode, _ message: String, at span: SourceSpan, label: String = "",
    secondary: [Diagnostic.Label] = [], help: String? = nil, replacement: Diagnostic.Replacement? = nil
  ) throws(Broken) -> Never {
    report(
      code, message, at: span, label: label, secondary: secondary, help: help, replacement: replacement)
    throw Broken()
  }

  /// Whether a word can be the name of a stream or a parameter.
  mutating func check(name: WordSyntax, what: String) -> Bool {
    if Reserved.words.contains(name.text) {
      report(
        .reservedWord, "`\(name.text)` is a word of the language and cannot name \(what)", at: name.span,
        help: "call it `my_\(name.text)`", replacement: .init(name.span, "my_\(name.text)"))
      return false
    }
    let bytes = Array(name.text.utf8)
    guard !bytes.isEmpty, bytes.allSatisfy(\.isNameByte), !bytes[0].isDigit else {
      var proposal = String(decoding: bytes.map { $0.isNameByte ? $0 : .underscore }, as: UTF8.self)
      if bytes.isEmpty || bytes[0].isDigit { proposal = "_" + proposal }
      report(
        .badName, "a name has letters, digits and `_`, and does not begin with a digit", at: name.span,
        help: bytes.allSatisfy { $0 < 0x80 } && !bytes.isEmpty ? "call it `\(proposal)`" : nil)
      return false
    }
    return true
  }

  /// Moves to the end of the item.
  mutating func skipItem() {
    lexer.depth = 0
    while lexer.skipBlanks() {
      if lexer.peek() == .quote {
        lexer.advance()
        while let byte = lexer.peek(), byte != .quote, byte != .newline {
          lexer.advance(byte == .backslash && lexer.peek(1) != .newline ? 2 : 1)
        }
        if lexer.peek() == .quote { lexer.advance() }
      } else if lexer.peek() == .openBrace, lexer.isBlankOrEnd(lexer.position + 1) {
        skipBlock()
      } else {
        lexer.advance(max(1, lexer.endOfAtom() - lexer.position))
      }
    }
  }

  /// Moves past a block, whatever is in it; not at all when it is never closed.
  mutating func skipBlock() {
    let start = lexer
    guard blockDepth < Self.maximumDepth, !hasUnclosedBlock else {
      lexer.advance()
      return
    }
    blockDepth += 1
    defer { blockDepth -= 1 }
    let indentation = lexer.openBlock()
    while lexer.nextItem() { skipItem() }
    if lexer.peek() == .closeBrace {
      lexer.closeBlock(indentation)
    } else {
      // Everything behind would be lost.
      hasUnclosedBlock = true
      lexer = start
      lexer.advance()
    }
  }

  /// What stands here, up to the next blank.
  func here() -> SourceSpan {
    let end = lexer.endOfAtom()
    return SourceSpan(lexer.position, max(end, min(lexer.position + 1, source.bytes.count)))
  }

  /// Names behind `=>` at the ends of arms: what a route that cannot be read would have bound, so that its uses are no mistakes.
  func boundNames(in span: SourceSpan) -> [WordSyntax] {
    var names: [WordSyntax] = []
    var index = span.lower
    while index + 1 < span.upper {
      defer { index += 1 }
      guard source.bytes[index] == .equals, source.bytes[index + 1] == .greater else { continue }
      var lower = index + 2
      while lower < span.upper, source.bytes[lower].isBlank { lower += 1 }
      var upper = lower
      while upper < span.upper, source.bytes[upper].isNameByte { upper += 1 }
      index = max(index, upper - 1)
      var end = upper
      while end < source.bytes.count, source.bytes[end].isBlank { end += 1 }
      let isAlone =
        end >= source.bytes.count || [.newline, .semicolon, .closeBrace, .hash].contains(source.bytes[end])
      guard upper > lower, isAlone else { continue }
      let span = SourceSpan(lower, upper)
      names.append(WordSyntax(text: source.text(of: span), span: span))
    }
    return names
  }

  /// Says what is wrong where a `|` should be.
  func messageBetweenStages(behind stage: StageSyntax?) -> (DiagnosticCode, String) {
    stage?.predicate == nil
      ? (.unexpectedText, "stages are joined with `|`")
      : (.badPredicate, "`and`, `or` or `|` is wanted here: the condition is complete")
  }

  mutating func failBetweenStages(behind stage: StageSyntax?) throws(Broken) -> Never {
    let (code, message) = messageBetweenStages(behind: stage)
    try fail(code, message, at: here())
  }

  /// The edit that takes away the blanks around the `=` of an option.
  func withoutBlanks(around equals: Int) -> Diagnostic.Replacement? {
    var lower = equals
    while lower > 0, source.bytes[lower - 1].isBlank { lower -= 1 }
    var upper = equals + 1
    while upper < source.bytes.count, source.bytes[upper].isBlank { upper += 1 }
    guard lower > 0, source.bytes[lower - 1].isNameByte, upper < source.bytes.count,
      source.bytes[upper] != .newline, source.bytes[upper] != .pipe
    else { return nil }
    return .init(SourceSpan(lower, upper), "=")
  }

  /// The whole of a text in quotes that are none here, with the right ones instead; nil when it does not end on its line.
  func requoted(from start: Int, opening length: Int, closing: [String]) -> Diagnostic.Replacement? {
    var index = start + length
    while index < source.bytes.count, source.bytes[index] != .newline, index - start < 4_096 {
      for mark in closing where source.bytes[index...].starts(with: mark.utf8) {
        let inner = source.text(of: SourceSpan(start + length, index))
        let text = inner.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
        return .init(SourceSpan(start, index + mark.utf8.count), "\"\(text)\"")
      }
      index += 1
    }
    return nil
  }

  /// Says that apostrophes quote nothing, as they do in a shell.
  mutating func failAtApostrophe() throws(Broken) -> Never {
    let start = lexer.position
    let replacement = requoted(from: start, opening: 1, closing: ["'"])
    try fail(
      .oddCharacter, "texts are quoted with `\"`, not with `'`",
      at: SourceSpan(start, replacement?.span.upper ?? start + 1),
      help: replacement.map { "write `\($0.text)`" } ?? "write `\"…\"`", replacement: replacement)
  }
}
