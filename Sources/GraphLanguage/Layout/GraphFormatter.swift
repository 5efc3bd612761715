internal import FluxGraph

/// Lays a graph out in the canonical way: one item a line, stages joined with ` | `, pipes of continued lines under one another,
/// comments where they were. What is formatted once stays as it is.
package struct GraphFormatter {
  /// Longer chains are broken before their pipes.
  static let maximumWidth = 100
  /// Pipes are aligned under the first one unless it stands further right.
  static let furthestPipe = 40

  let source: GraphSource

  /// The text in canonical layout; nil when it cannot be read, with what is wrong.
  package static func format(_ source: GraphSource) -> (text: String?, diagnostics: [Diagnostic]) {
    let (tree, diagnostics) = Parser.parse(source)
    guard diagnostics.isEmpty else { return (nil, diagnostics) }
    let formatter = GraphFormatter(source: source)
    let items = tree.items.map { (span: $0.span, text: formatter.text(of: $0)) }
    let lines = formatter.lines(items, in: SourceSpan(0, source.bytes.count), indent: 0)
    return (lines.isEmpty ? "" : lines.joined(separator: "\n") + "\n", [])
  }

  // MARK: Items and what is between them

  /// Items with the comments and empty lines around them, as lines; also the inside of a block.
  func lines(_ items: [(span: SourceSpan, text: String)], in span: SourceSpan, indent: Int) -> [String] {
    var lines: [String] = []
    var place = span.lower
    let margin = blanks(indent)
    func add(_ gap: [GapPiece], isLast: Bool) {
      for piece in gap {
        switch piece {
        case .trailing(let comment):
          if lines.isEmpty {
            lines.append(margin + comment)
          } else {
            lines[lines.count - 1] += "  " + comment
          }
        case .comment(let comment): lines.append(margin + comment)
        case .emptyLine: if !lines.isEmpty { lines.append("") }
        }
      }
      while isLast, lines.last == "" { lines.removeLast() }
    }
    for item in items {
      add(gap(place, item.span.lower), isLast: false)
      lines.append(margin + item.text)
      place = item.span.upper
    }
    add(gap(place, span.upper), isLast: true)
    return lines
  }

  private func text(of item: ItemSyntax) -> String {
    let text =
      switch item {
      case .parameter(let parameter):
        "param \(parameter.name.text)" + (parameter.value.map { " = " + self.text(of: $0) } ?? "")
      case .use(let use): "use " + source.text(of: use.path.span)
      case .statement(let statement): self.text(of: statement)
      case .test(let test): self.text(of: test)
      }
    // A comment in a place that is not foreseen is worth more than the layout.
    let original = source.text(of: item.span)
    return Self.commentCount(original) == Self.commentCount(text) ? text : verbatim(item.span)
  }

  private func text(of statement: StatementSyntax) -> String {
    if hasInnerComments(statement) { return verbatim(statement.span) }
    let prefix = statement.name.map { $0.text + " = " } ?? ""
    switch statement.head {
    case .union(let words)?:
      let head = words.map(\.text).joined(separator: ", ")
      return chain(
        prefix + head, endingAt: words[words.count - 1].span.upper, statement.stages, indent: 0)
    case .stage(let stage)?:
      return chain(
        prefix + text(of: stage, indent: 0), endingAt: stage.span.upper, statement.stages, indent: 0)
    case nil: return verbatim(statement.span)
    }
  }

  /// Whether a comment stands within an arm of a route, where every line's place has a meaning.
  private func hasInnerComments(_ statement: StatementSyntax) -> Bool {
    let routes = statement.stages.compactMap(\.route)
    return routes.contains { route in
      route.arms.contains { Self.commentCount(source.text(of: $0.span)) > 0 }
    }
  }

  private func text(of test: TestSyntax) -> String {
    let steps = test.steps.map { (span: $0.span, text: text(of: $0)) }
    let open = test.steps.first?.span.lower ?? test.span.upper
    let start = blockStart(before: open, from: test.title.span.upper)
    let lines = lines(steps, in: SourceSpan(start, test.span.upper - 1), indent: 2)
    return (["test \(source.text(of: test.title.span)) {"] + lines + ["}"]).joined(separator: "\n")
  }

  private func text(of step: TestStepSyntax) -> String {
    switch step.kind {
    case .feed(let file): "feed \(step.name.text) from \(text(of: file))"
    case .count(let sign, let value):
      "expect \(step.name.text) count \(sign.comparison.rawValue) \(text(of: value))"
    case .field(let index, let field, let sign, let value):
      "expect \(step.name.text)[\(index)].\(field.text) \(sign.comparison.rawValue) \(text(of: value))"
    }
  }

  // MARK: Chains

  /// A chain behind its `head`, with the line breaks it has before pipes.
  private func chain(_ head: String, endingAt headEnd: Int, _ stages: [StageSyntax], indent: Int) -> String {
    var parts: [(text: String, isBroken: Bool, comments: [GapPiece])] = []
    var place = headEnd
    let firstColumn = head.count + 1
    let margin = firstColumn > Self.furthestPipe ? indent + 2 : indent + firstColumn
    for stage in stages {
      let pieces = gap(place, stage.span.lower).filter { $0 != .emptyLine }
      let isBroken = source.bytes[place..<stage.span.lower].contains(.newline)
      parts.append((text(of: stage, indent: indent), isBroken, pieces))
      place = stage.span.upper
    }
    let width = indent + parts.reduce(head.count) { $0 + 3 + $1.text.count }
    let mustBreak = width > Self.maximumWidth && !parts.contains { $0.isBroken || $0.text.contains("\n") }
    if mustBreak {
      for index in parts.indices where index > 0 || parts.count == 1 { parts[index].isBroken = true }
    }
    let column = parts.first?.isBroken == true ? indent + 2 : margin
    var text = head
    for part in parts {
      var isBroken = part.isBroken
      for piece in part.comments {
        isBroken = true
        switch piece {
        case .trailing(let comment): text += "  " + comment
        case .comment(let comment): text += "\n" + blanks(column) + comment
        case .emptyLine: break
        }
      }
      text += isBroken ? "\n" + blanks(column) + "| " + part.text : " | " + part.text
    }
    return text
  }

  private func text(of stage: StageSyntax, indent: Int) -> String {
    if let route = stage.route { return text(of: route, stage, indent: indent) }
    if Self.commentCount(source.text(of: stage.span)) > 0 { return verbatim(stage.span) }
    if let span = stage.predicateSpan { return "where " + condition(span) }
    return ([stage.word.text] + stage.arguments.map(text)).joined(separator: " ")
  }

  private func text(of route: RouteSyntax, _ stage: StageSyntax, indent: Int) -> String {
    let conditions = route.arms.map { $0.predicate == nil ? "else" : condition($0.condition) }
    let longest = conditions.map(\.count).max() ?? 0
    let inner = indent + 2
    let arms = zip(route.arms, conditions).map { arm, condition in
      let padding = longest <= 60 ? blanks(longest - condition.count) : ""
      let first = arm.stages[0]
      let head = condition + padding + " => " + text(of: first, indent: inner)
      return (
        span: arm.span,
        text: chain(head, endingAt: first.span.upper, Array(arm.stages.dropFirst()), indent: inner)
      )
    }
    let lines = lines(arms, in: SourceSpan(route.block.lower + 1, route.block.upper - 1), indent: inner)
    let opening = "route \(route.isAll ? "all " : ""){"
    return ([opening] + lines + [blanks(indent) + "}"]).joined(separator: "\n")
  }

  private func text(of argument: ArgumentSyntax) -> String {
    switch argument {
    case .value(let value): text(of: value)
    case .option(let key, let value): key.text + "=" + text(of: value)
    }
  }

  private func text(of value: ValueSyntax) -> String {
    switch value {
    case .atom(let word), .string(let word), .parameter(let word): return source.text(of: word.span)
    case .list(let elements, _): return "[" + elements.map(text).joined(separator: ", ") + "]"
    case .call(let word, let elements, _):
      let separator = word.text == "secret" ? ":" : ", "
      return word.text + "(" + elements.map(text).joined(separator: separator) + ")"
    }
  }

  /// A condition with one blank around its operators. Parentheses stay: they were written for somebody.
  private func condition(_ span: SourceSpan) -> String {
    var lexer = Lexer(Array(source.bytes[..<span.upper]), from: 0)
    lexer.advance(span.lower)
    lexer.depth = 1
    var text = ""
    var isTight = true
    while lexer.skipBlanks(), lexer.position < span.upper, let byte = lexer.peek() {
      let start = lexer.position
      let end: Int
      switch byte {
      case .quote: end = endOfText(from: start, in: span)
      case .openParenthesis, .closeParenthesis, .openBracket, .closeBracket, .comma: end = start + 1
      case .equals, .less, .greater, .tilde, .exclamation:
        end = start + (start + 1 < span.upper && [.equals, .tilde].contains(source.bytes[start + 1]) ? 2 : 1)
      default: end = max(start + 1, lexer.endOfOperand())
      }
      let isClosing = [.closeParenthesis, .closeBracket, .comma].contains(byte)
      text += (isTight || isClosing ? "" : " ") + source.text(of: SourceSpan(start, end))
      isTight = byte == .openParenthesis || byte == .openBracket
      lexer.advance(end - start)
    }
    return text
  }

  private func endOfText(from start: Int, in span: SourceSpan) -> Int {
    var end = start + 1
    while end < span.upper, source.bytes[end] != .quote { end += source.bytes[end] == .backslash ? 2 : 1 }
    return min(end + 1, span.upper)
  }

  // MARK: Comments

  /// What can stand between two things.
  enum GapPiece: Hashable {
    /// A comment in the line of what comes before.
    case trailing(String)
    case comment(String)
    case emptyLine
  }

  private func gap(_ lower: Int, _ upper: Int) -> [GapPiece] {
    var pieces: [GapPiece] = []
    var newlines = 0
    var index = lower
    while index < upper {
      let byte = source.bytes[index]
      if byte == .newline {
        newlines += 1
        if newlines == 2, pieces.last != .emptyLine { pieces.append(.emptyLine) }
      } else if byte == .hash {
        var end = index
        while end < upper, source.bytes[end] != .newline { end += 1 }
        let comment = trimmed(source.text(of: SourceSpan(index, end)))
        pieces.append(newlines == 0 && pieces.isEmpty && lower > 0 ? .trailing(comment) : .comment(comment))
        newlines = 0
        index = end
        continue
      }
      index += 1
    }
    return pieces
  }

  /// Where a block's inside begins: behind the last `{` before its first line.
  private func blockStart(before first: Int, from: Int) -> Int {
    (from..<first).first { source.bytes[$0] == .openBrace }.map { $0 + 1 } ?? first
  }

  /// Comments in a piece of a graph: a `#` outside texts, at the start of a line or after a blank.
  private static func commentCount(_ text: String) -> Int {
    var count = 0
    var isInText = false
    var isInComment = false
    var before = UInt8.newline
    var isEscaped = false
    for byte in text.utf8 {
      if byte == .newline {
        isInComment = false
        isInText = false
      } else if !isInComment {
        if byte == .quote, !isEscaped { isInText.toggle() }
        if byte == .hash, !isInText, before.precedesComment {
          isInComment = true
          count += 1
        }
      }
      isEscaped = isInText && byte == .backslash && !isEscaped
      before = byte
    }
    return count
  }

  /// A piece as it is written, without blanks at the ends of lines.
  private func verbatim(_ span: SourceSpan) -> String {
    let text = source.text(of: span)
    return text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
      .map { trimmed(String($0)) }.joined(separator: "\n")
  }

  private func trimmed(_ text: String) -> String {
    var text = Substring(text)
    while let last = text.last, last.isWhitespace { text.removeLast() }
    return String(text)
  }

  private func blanks(_ count: Int) -> String { String(repeating: " ", count: max(0, count)) }
}
