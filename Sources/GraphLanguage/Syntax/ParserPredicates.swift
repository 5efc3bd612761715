internal import FluxGraph

extension Parser {
  /// `not` binds tighter than `and`, `and` tighter than `or`.
  mutating func predicate() throws(Broken) -> PredicateSyntax {
    var left = try conjunction()
    while try takeWord("or") { left = .or(left, try conjunction()) }
    return left
  }

  private mutating func conjunction() throws(Broken) -> PredicateSyntax {
    var left = try negation()
    while try takeWord("and") { left = .and(left, try negation()) }
    return left
  }

  private mutating func negation() throws(Broken) -> PredicateSyntax {
    guard try takeWord("not") else { return try primary() }
    try deepen()
    defer { nesting -= 1 }
    return .not(try negation())
  }

  private mutating func primary() throws(Broken) -> PredicateSyntax {
    guard lexer.skipBlanks(), !lexer.startsPipe else {
      try fail(
        .badPredicate, "a condition is missing", at: SourceSpan(lexer.position, lexer.position),
        help: "for example `event == EndOfTurn`")
    }
    guard lexer.peek() == .openParenthesis else { return try comparison() }
    let start = lexer.position
    lexer.advance()
    return try insideBrackets(openedAt: start, ")") { (parser) throws(Broken) in
      let inner = try parser.predicate()
      try parser.skipBlanks(openedAt: start, ")")
      guard parser.lexer.peek() == .closeParenthesis else {
        try parser.fail(
          .badPredicate, "`and`, `or` or `)` is wanted here", at: parser.here(),
          secondary: [.init(SourceSpan(start, start + 1), "opened here")])
      }
      return inner
    }
  }

  private mutating func comparison() throws(Broken) -> PredicateSyntax {
    comparisons += 1
    guard comparisons <= Self.maximumComparisons else {
      try fail(
        .tooLarge, "a condition must not have more than \(Self.maximumComparisons) comparisons", at: here())
    }
    let left = try operand("a field")
    let more = lexer.skipBlanks()
    let start = lexer.position
    if more, lexer.text(start, lexer.endOfOperand()) == "in" {
      lexer.advance(2)
      guard lexer.skipBlanks(), !lexer.startsPipe else {
        try fail(.badPredicate, "a list is missing behind `in`", at: SourceSpan(start, start + 2))
      }
      guard lexer.peek() == .openBracket else {
        guard case .atom(let field) = try operand("a list or a field") else {
          try fail(
            .badPredicate, "`in` is followed by a list or a field", at: here(),
            help: "write `event in [StartOfTurn, EndOfTurn]`, or `\"en\" in languages`")
        }
        return .element(left, field)
      }
      let open = lexer.position
      lexer.advance()
      let elements = try elements(openedAt: open, closedBy: .closeBracket, "]")
      return .oneOf(try field(left), elements, SourceSpan(open, lexer.position))
    }
    let sign = try comparisonSign(behind: left, more)
    let field = try field(left)
    guard lexer.skipBlanks(), !lexer.startsPipe else {
      try fail(.badPredicate, "`\(sign.comparison.rawValue)` has nothing to compare with", at: sign.span)
    }
    return .compare(field, sign, try operand("a value"))
  }

  mutating func comparisonSign(behind left: ValueSyntax, _ more: Bool) throws(Broken)
    -> OperatorSyntax
  {
    let start = lexer.position
    let signs: [Predicate.Comparison] = [
      .equal, .unequal, .lessOrEqual, .greaterOrEqual, .containsNot, .less, .greater, .contains,
    ]
    if more, let sign = signs.first(where: { lexer.starts(with: $0.rawValue) }) {
      let length = sign.rawValue.utf8.count
      lexer.advance(length)
      if sign != .contains, lexer.peek() == .equals || lexer.peek() == .tilde {
        try fail(
          .badPredicate, "this is no comparison", at: SourceSpan(start, start + length + 1), help: Self.signs)
      }
      return OperatorSyntax(comparison: sign, span: SourceSpan(start, start + length))
    }
    if more, lexer.peek() == .equals, lexer.peek(1) != .greater {
      let span = SourceSpan(start, start + 1)
      try fail(
        .badPredicate, "equality is written `==`", at: span, help: "write `==`",
        replacement: .init(span, "=="))
    }
    let text = source.text(of: left.span)
    let isFlag = EventField.all.contains { $0.name == text && $0.kind == .boolean }
    try fail(
      .badPredicate, "a comparison is missing behind `\(text)`", at: left.span,
      help: isFlag ? "write `\(text) == true`" : Self.signs,
      replacement: isFlag ? .init(left.span, "\(text) == true") : nil)
  }

  private static let signs = "there are `==`, `!=`, `<`, `<=`, `>`, `>=`, `~`, `!~` and `in`"

  /// What stands left of a comparison must be a field.
  private mutating func field(_ operand: ValueSyntax) throws(Broken) -> WordSyntax {
    guard case .atom(let word) = operand else {
      try fail(
        .badPredicate, "the field stands on the left of a comparison", at: operand.span,
        help: "the field comes first, as in `transcript == \(source.text(of: operand.span))`")
    }
    return word
  }

  mutating func operand(_ what: String) throws(Broken) -> ValueSyntax {
    switch lexer.peek() {
    case .quote?: return .string(try string())
    case .apostrophe?: try failAtApostrophe()
    case .dollar?:
      let start = lexer.position
      let end = lexer.endOfOperand()
      let name = lexer.text(start + 1, end)
      lexer.advance(end - start)
      return .parameter(WordSyntax(text: name, span: SourceSpan(start, end)))
    default: break
    }
    let start = lexer.position
    let end = lexer.endOfOperand()
    guard end > start else { try fail(.badPredicate, "\(what) is wanted here", at: here()) }
    let text = lexer.text(start, end)
    let span = SourceSpan(start, end)
    if text.hasPrefix("&") {
      try fail(
        .badPredicate, "conditions are joined with the word `and`", at: span, help: "write `and`",
        replacement: .init(span, "and"))
    }
    lexer.advance(end - start)
    return .atom(WordSyntax(text: text, span: span))
  }

  /// Takes a word of the language if it is the next; says so when it is written in another way.
  private mutating func takeWord(_ word: String) throws(Broken) -> Bool {
    guard lexer.skipBlanks(), !lexer.startsPipe else {
      if lexer.startsPipe, lexer.peek(1) == .pipe {
        let span = SourceSpan(lexer.position, lexer.position + 2)
        try fail(
          .badPredicate, "conditions are joined with the word `or`", at: span, help: "write `or`",
          replacement: .init(span, "or"))
      }
      return false
    }
    let start = lexer.position
    let end = lexer.endOfOperand()
    let text = lexer.text(start, end)
    if text == word {
      lexer.advance(end - start)
      return true
    }
    let meant = text.hasPrefix("&") ? "and" : text.lowercased()
    if meant == word, word != "not" {
      let span = SourceSpan(start, end)
      try fail(
        .badPredicate, "conditions are joined with the word `\(word)`", at: span, help: "write `\(word)`",
        replacement: .init(span, word))
    }
    return false
  }

  private mutating func deepen() throws(Broken) {
    guard nesting < Self.maximumDepth else {
      try fail(.tooDeep, "the condition is nested too deeply", at: here())
    }
    nesting += 1
  }
}
