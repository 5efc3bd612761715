extension Parser {
  /// A value: a text, a list, a call, `$name` or an atom.
  mutating func value() throws(Broken) -> ValueSyntax {
    switch lexer.peek() {
    case .quote?: return .string(try string())
    case .apostrophe?: try failAtApostrophe()
    case .openBracket?: return try list()
    case .dollar?: return .parameter(try parameterReference())
    default: break
    }
    if lexer.starts(with: "secret(") { return try secret() }
    for name in ["env", "pcm"] where lexer.starts(with: name + "(") { return try call(name) }
    let start = lexer.position
    let end = lexer.endOfAtom()
    guard end > start else {
      try fail(.missingValue, "a value is missing", at: SourceSpan(start, min(start + 1, source.bytes.count)))
    }
    let word = WordSyntax(text: lexer.text(start, end), span: SourceSpan(start, end))
    try check(atom: word)
    lexer.advance(end - start)
    return .atom(word)
  }

  /// `"…"` with the escapes `\" \\ \n \{`; the last stays as it is, for templates to see.
  mutating func string() throws(Broken) -> WordSyntax {
    let start = lexer.position
    var bytes: [UInt8] = []
    lexer.advance()
    while let byte = lexer.peek(), byte != .quote {
      if byte == .newline { break }
      guard byte == .backslash else {
        if byte < 0x20 && byte != .tab && byte != .carriageReturn {
          let span = SourceSpan(lexer.position, lexer.position + 1)
          try fail(.oddCharacter, "a text cannot hold a control character", at: span)
        }
        bytes.append(byte)
        lexer.advance()
        continue
      }
      switch lexer.peek(1) {
      case .quote?: bytes.append(.quote)
      case .backslash?: bytes.append(.backslash)
      case UInt8(ascii: "n")?: bytes.append(.newline)
      case .openBrace?: bytes += [.backslash, .openBrace]
      default:
        let backslash = lexer.position
        let next = lexer.peek(1).map { $0 < 0x80 && $0 > 0x20 ? String(UnicodeScalar($0)) : "" } ?? ""
        report(
          .badEscape, "texts know no `\\\(next)`", at: SourceSpan(backslash, backslash + 1 + next.utf8.count),
          help: "there are `\\\"`, `\\\\`, `\\n` and `\\{`; a backslash is written `\\\\`",
          replacement: .init(SourceSpan(backslash, backslash + 1), "\\\\"))
        bytes.append(.backslash)
        lexer.advance()
        continue
      }
      lexer.advance(2)
    }
    guard lexer.peek() == .quote else {
      let end = endOfOpenText(from: start)
      try fail(
        .stringNotClosed, "this text is never closed", at: SourceSpan(start, start + 1),
        help: "close it on its line, with `\"`; `\\n` is a line break in it",
        replacement: .init(SourceSpan(end, end), "\""))
    }
    lexer.advance()
    let span = SourceSpan(start, lexer.position)
    try checkEnd(of: "a text")
    return WordSyntax(text: String(decoding: bytes, as: UTF8.self), span: span)
  }

  private mutating func parameterReference() throws(Broken) -> WordSyntax {
    let start = lexer.position
    let end = lexer.endOfAtom()
    let name = lexer.text(start + 1, end)
    let bytes = Array(name.utf8)
    guard !bytes.isEmpty, bytes.allSatisfy(\.isNameByte), !bytes[0].isDigit else {
      let isLonger = bytes.first?.isNameByte ?? false
      try fail(
        .badName, "`$` is followed by the name of a parameter", at: SourceSpan(start, max(end, start + 1)),
        help: isLonger ? "`$name` is a whole value; within a template a parameter is written `{$name}`" : nil)
    }
    lexer.advance(end - start)
    return WordSyntax(text: name, span: SourceSpan(start, end))
  }

  private mutating func list() throws(Broken) -> ValueSyntax {
    let start = lexer.position
    lexer.advance()
    let elements = try elements(openedAt: start, closedBy: .closeBracket, "]")
    let span = SourceSpan(start, lexer.position)
    try checkEnd(of: "a list")
    return .list(elements, span)
  }

  private mutating func call(_ name: String) throws(Broken) -> ValueSyntax {
    let start = lexer.position
    let length = name.utf8.count
    let word = WordSyntax(text: name, span: SourceSpan(start, start + length))
    lexer.advance(length + 1)
    let elements = try elements(openedAt: start + length, closedBy: .closeParenthesis, ")")
    let span = SourceSpan(start, lexer.position)
    try checkEnd(of: "`\(name)(…)`")
    return .call(word, elements, span)
  }

  /// `secret(file:PATH)` or `secret(exec:["PROGRAM", …])`: a call whose first element is the word before the colon.
  private mutating func secret() throws(Broken) -> ValueSyntax {
    let start = lexer.position
    let word = WordSyntax(text: "secret", span: SourceSpan(start, start + 6))
    lexer.advance(7)
    let open = start + 6
    let elements = try insideBrackets(openedAt: open, ")") { (parser) throws(Broken) in
      try parser.skipBlanks(openedAt: open, ")")
      let place = parser.lexer.position
      for kind in ["file", "exec"] where parser.lexer.starts(with: kind + ":") {
        parser.lexer.advance(5)
        try parser.skipBlanks(openedAt: open, ")")
        let value = try parser.value()
        try parser.skipBlanks(openedAt: open, ")")
        guard parser.lexer.peek() == .closeParenthesis else {
          try parser.fail(.unexpectedText, "`)` is wanted here", at: parser.here())
        }
        return [.atom(WordSyntax(text: kind, span: SourceSpan(place, place + 4))), value]
      }
      let end = max(place + 1, parser.lexer.endOfAtom())
      parser.lexer.advance(end - place)
      try parser.fail(
        .wrongType, "`secret` names a file or a program that gives it", at: SourceSpan(place, end),
        help: "write `secret(file:key.txt)` or `secret(exec:[\"pass\", \"show\", \"deepgram\"])`")
    }
    let span = SourceSpan(start, lexer.position)
    try checkEnd(of: "`secret(…)`")
    return .call(word, elements, span)
  }

  /// Values with commas between, up to and with the closing bracket. A comma may follow the last.
  mutating func elements(
    openedAt start: Int, closedBy close: UInt8, _ closeText: String
  ) throws(Broken) -> [ValueSyntax] {
    try insideBrackets(openedAt: start, closeText) { (parser) throws(Broken) in
      var elements: [ValueSyntax] = []
      while true {
        try parser.skipBlanks(openedAt: start, closeText)
        if parser.lexer.peek() == close { return elements }
        if parser.lexer.startsPipe, !parser.isInLine(close) {
          parser.reportOpen(start, closeText)
          parser.lexer.depth = 0
          throw Broken()
        }
        elements.append(try parser.value())
        try parser.skipBlanks(openedAt: start, closeText)
        if parser.lexer.peek() == .comma {
          parser.lexer.advance()
        } else if parser.lexer.peek() != close, !parser.lexer.startsPipe || parser.isInLine(close) {
          try parser.fail(.unexpectedText, "`,` or `\(closeText)` is wanted here", at: parser.here())
        }
      }
    }
  }

  /// Reads what stands in brackets, and the closing one, where `body` stops. A mistake in a line that is not indented shows that
  /// closing was forgotten: then that is what is said, and the line is read again as an item.
  mutating func insideBrackets<Result>(
    openedAt start: Int, _ closeText: String, _ body: (inout Parser) throws(Broken) -> Result
  ) throws(Broken) -> Result {
    let opener = SourceSpan(start, start + 1)
    guard nesting < Self.maximumDepth else {
      try fail(.tooDeep, "brackets are nested too deeply", at: opener)
    }
    nesting += 1
    lexer.depth += 1
    defer { nesting -= 1 }
    let reported = diagnostics.count
    do throws(Broken) {
      let result = try body(&self)
      lexer.advance()
      lexer.depth -= 1
      return result
    } catch {
      let isOnLaterLine = source.lineIndex(of: lexer.position) > source.lineIndex(of: start)
      if lexer.depth > 0, isOnLaterLine, lexer.isInItemLikeLine {
        diagnostics.removeSubrange(reported...)
        reportOpen(start, closeText)
        lexer.leaveLine()
      }
      throw error
    }
  }

  /// Skips blanks within brackets.
  mutating func skipBlanks(openedAt start: Int, _ closeText: String) throws(Broken) {
    if lexer.skipBlanks() { return }
    reportOpen(start, closeText)
    lexer.depth = 0
    throw Broken()
  }

  /// Whether a byte is in what is left of the line.
  private func isInLine(_ byte: UInt8) -> Bool {
    source.bytes[lexer.position...].prefix { $0 != .newline }.contains(byte)
  }

  mutating func reportOpen(_ start: Int, _ closeText: String) {
    let opener = SourceSpan(start, start + 1)
    report(
      .bracketNotClosed, "this `\(source.text(of: opener))` is never closed", at: opener,
      help: "close it with `\(closeText)`", replacement: closing(opener, with: closeText))
  }

  /// The edit that closes a bracket behind what was read last in its line, without a comma.
  private func closing(_ opener: SourceSpan, with text: String) -> Diagnostic.Replacement? {
    let line = source.line(source.lineIndex(of: opener.lower))
    var end = lexer.lastEnd
    if end > line.upperBound || end <= opener.lower {
      // It was read on into the next item.
      end = line.upperBound
    }
    while end > opener.upper, source.bytes[end - 1].isBlank { end -= 1 }
    let comma = end > opener.upper && source.bytes[end - 1] == .comma ? end - 1 : end
    return .init(SourceSpan(comma, end), text)
  }

  /// Where a text without an end should probably end: before the next stage, or with its line.
  private func endOfOpenText(from start: Int) -> Int {
    let line = source.line(source.lineIndex(of: start))
    var index = start + 1
    while index < line.upperBound {
      if source.bytes[index] == .pipe, source.bytes[index - 1].isBlank { break }
      index += 1
    }
    while index > start + 1, source.bytes[index - 1].isBlank { index -= 1 }
    return index
  }

  /// What follows a text, list or call must be separated from it.
  private mutating func checkEnd(of what: String) throws(Broken) {
    guard let next = lexer.peek() else { return }
    let separators: [UInt8] =
      lexer.depth > 0 ? [.comma, .closeBracket, .closeParenthesis] : [.semicolon]
    if lexer.isBlankOrEnd(lexer.position) || lexer.startsPipe || separators.contains(next) { return }
    try fail(.unexpectedText, "a blank is missing behind \(what)", at: here())
  }

  /// Characters that look like others but are not what they seem, as word processors and web pages insert them.
  private mutating func check(atom: WordSyntax) throws(Broken) {
    var offset = atom.span.lower
    for scalar in atom.text.unicodeScalars {
      let span = SourceSpan(offset, offset + UTF8.width(scalar))
      offset = span.upper
      switch scalar {
      case "\u{201C}", "\u{201D}", "\u{201E}", "\u{2018}", "\u{2019}", "\u{00AB}", "\u{00BB}":
        // What is quoted may have blanks in it, and then this is only its beginning.
        let closing = ["\u{201D}", "\u{201C}", "\u{2019}", "\u{00BB}", "\u{00AB}", "\""]
        let whole = requoted(from: span.lower, opening: span.length, closing: closing)
        try fail(
          .oddCharacter, "texts are quoted with `\"`, not with `\(Character(scalar))`", at: span,
          help: whole.map { "write `\($0.text)`" }, replacement: whole ?? .init(span, "\""))
      case "\u{00A0}", "\u{2007}", "\u{202F}", "\u{3000}", "\u{200B}", "\u{FEFF}":
        try fail(
          .oddCharacter, "this is a special blank (U+\(hexadecimal(scalar.value))), not an ordinary one",
          at: span,
          help: "replace it by an ordinary blank", replacement: .init(span, " "))
      case _ where scalar.value < 0x20 || scalar.value == 0x7F:
        try fail(
          .oddCharacter, "a graph cannot hold the control character U+\(hexadecimal(scalar.value))", at: span)
      default: break
      }
    }
  }

  private func hexadecimal(_ value: UInt32) -> String {
    let digits = String(value, radix: 16, uppercase: true)
    return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
  }
}
