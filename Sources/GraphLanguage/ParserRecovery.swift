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
    guard blockDepth < Self.maximumDepth else {
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
      lexer = start
      lexer.advance()
    }
  }

  /// What stands here, up to the next blank.
  func here() -> SourceSpan {
    let end = lexer.endOfAtom()
    return SourceSpan(lexer.position, max(end, min(lexer.position + 1, source.bytes.count)))
  }
}
