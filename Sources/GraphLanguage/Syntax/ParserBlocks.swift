internal import FluxGraph

// What has more than one line by nature: `use` aside, the items and stages with a block in braces.
extension Parser {
  /// Arms of a route, and steps of a test.
  static let maximumBlockItems = 64

  // MARK: use

  mutating func use(_ word: WordSyntax) -> ItemSyntax? {
    do throws(Broken) {
      guard lexer.skipBlanks(), !lexer.startsPipe else {
        try fail(
          .missingValue, "`use` needs the path of a graph", at: word.span,
          help: "write `use \"other.graph\"`")
      }
      let path: WordSyntax
      switch try value() {
      case .atom(let word), .string(let word): path = word
      case let other:
        try fail(
          .unexpectedText, "`use` takes a path", at: other.span, help: "write `use \"other.graph\"`")
      }
      if lexer.skipBlanks() {
        try fail(.unexpectedText, "`use` takes one path", at: here(), help: "write another `use` for it")
      }
      return .use(UseSyntax(path: path, span: SourceSpan(word.span.lower, path.span.upper)))
    } catch {
      skipItem()
      return nil
    }
  }

  // MARK: route

  mutating func route(_ word: WordSyntax) throws(Broken) -> RouteSyntax {
    var isAll = false
    if lexer.skipBlanks(), lexer.peek() != .openBrace {
      let next = lexer.peek(3) ?? .newline
      isAll = lexer.starts(with: "all") && (next.isBlank || next == .newline || next == .openBrace)
      if isAll { lexer.advance(3) }
    }
    guard lexer.skipBlanks(), lexer.peek() == .openBrace else {
      let start = lexer.position
      try fail(
        .missingStage, "`route` needs a block of arms", at: word.span,
        secondary: lexer.peek() == nil || lexer.isBlankOrEnd(start) || isAll
          ? [] : [.init(here(), "found this")],
        help: "write `route { event == EndOfTurn => stdout; else => null }`")
    }
    var arms: [ArmSyntax] = []
    var isBroken = false
    let block = try block(isBroken: &isBroken) { (parser) throws(Broken) in
      let start = parser.lexer.position
      do throws(Broken) {
        try parser.nextArm(&arms)
      } catch {
        arms += parser.brokenArms(from: start)
        throw error
      }
    }
    guard !arms.isEmpty || isBroken else {
      try fail(
        .missingStage, "this `route` has no arms", at: block,
        help: "write `route { event == EndOfTurn => stdout; else => null }`")
    }
    return RouteSyntax(isAll: isAll, arms: arms, block: block, isBroken: isBroken)
  }

  private mutating func nextArm(_ arms: inout [ArmSyntax]) throws(Broken) {
    if let last = arms.last(where: { !$0.isBroken }), last.predicate == nil {
      try fail(
        .unexpectedText, "nothing can follow `else`: it takes what no other arm took", at: here(),
        secondary: [.init(last.condition, "the last arm")], help: "move this arm before `else`")
    }
    arms.append(try arm())
  }

  /// The names that arms that cannot be read would have bound, so that their uses are no mistakes.
  private func brokenArms(from start: Int) -> [ArmSyntax] {
    var ahead = self
    ahead.skipItem()
    return boundNames(in: SourceSpan(start, max(start, ahead.lexer.position))).map { word in
      ArmSyntax(
        predicate: nil, condition: word.span,
        stages: [StageSyntax(word: word, arguments: [], span: word.span)],
        isBroken: true, span: word.span)
    }
  }

  private mutating func arm() throws(Broken) -> ArmSyntax {
    let start = lexer.position
    var predicate: PredicateSyntax?
    if lexer.text(start, lexer.endOfOperand()) == "else" {
      lexer.advance(4)
    } else {
      comparisons = 0
      predicate = try self.predicate()
    }
    let condition = SourceSpan(start, lexer.lastEnd)
    guard lexer.skipBlanks() else {
      try fail(
        .unexpectedText, "`=>` is wanted behind a condition", at: condition,
        help: "write `\(source.text(of: condition)) => stdout`",
        replacement: .init(SourceSpan(condition.upper, condition.upper), " => stdout"))
    }
    guard lexer.starts(with: "=>") else {
      try fail(
        .unexpectedText, "`and`, `or` or `=>` is wanted here", at: here(),
        secondary: [.init(condition, "the condition")])
    }
    let arrow = SourceSpan(lexer.position, lexer.position + 2)
    lexer.advance(2)
    guard lexer.skipBlanks(), !lexer.startsPipe, let first = headWord() else {
      try fail(
        .missingStage, "a sink or a name is missing behind `=>`", at: arrow,
        help: "write `=> stdout`, or `=> NAME` and use the name afterwards",
        replacement: .init(arrow, "=> stdout"))
    }
    var stages = [try stage(first)]
    while lexer.skipBlanks() {
      guard lexer.startsPipe else { try failBetweenStages(behind: stages.last) }
      let pipe = lexer.position
      lexer.advance()
      stages.append(try stage(behind: pipe))
    }
    return ArmSyntax(
      predicate: predicate, condition: condition, stages: stages, span: SourceSpan(start, lexer.lastEnd))
  }

  // MARK: test

  mutating func test(_ word: WordSyntax) -> ItemSyntax? {
    var test = TestSyntax(
      title: WordSyntax(text: "", span: word.span), steps: [], isBroken: false, span: word.span)
    do throws(Broken) {
      guard lexer.skipBlanks(), lexer.peek() == .quote else {
        try fail(
          .missingValue, "a test needs a title, quoted", at: word.span,
          help: "write `test \"only finished turns reach the log\" { … }`")
      }
      test.title = try string()
      guard lexer.skipBlanks(), lexer.peek() == .openBrace else {
        try fail(
          .unexpectedText, "a test needs a block", at: test.title.span,
          help: "write `{ feed heard from turns.jsonl; expect log count == 2 }`")
      }
      var steps: [TestStepSyntax] = []
      let span = try block(isBroken: &test.isBroken) { (parser) throws(Broken) in
        steps.append(try parser.step())
      }
      test.steps = steps
      test.span.upper = span.upper
      if lexer.skipBlanks() { try fail(.unexpectedText, "a test ends with its `}`", at: here()) }
    } catch {
      test.isBroken = true
      skipItem()
    }
    return .test(test)
  }

  private mutating func step() throws(Broken) -> TestStepSyntax {
    let start = lexer.position
    let end = lexer.endOfAtom()
    let word = WordSyntax(text: lexer.text(start, end), span: SourceSpan(start, end))
    guard word.text == "feed" || word.text == "expect" else {
      let near = Suggestions.nearest(to: word.text, in: ["feed", "expect"])
      try fail(
        .badTest, "a test has lines that begin with `feed` and with `expect`", at: word.span,
        label: near.map { "did you mean `\($0)`?" } ?? "",
        help: near == nil ? Self.testHelp : nil, replacement: near.map { .init(word.span, $0) })
    }
    lexer.advance(end - start)
    guard lexer.skipBlanks(), !lexer.startsPipe else {
      try fail(.badTest, "`\(word.text)` needs the name of a stream", at: word.span, help: Self.testHelp)
    }
    let name = stepName()
    let kind = word.text == "feed" ? try feed(name) : try expectation(name)
    if lexer.skipBlanks() {
      try fail(
        .unexpectedText, "this line of a test ends before this", at: here(),
        help: "each line of a test begins in the same column; one indented deeper continues the line before")
    }
    return TestStepSyntax(kind: kind, name: name, span: SourceSpan(start, lexer.lastEnd))
  }

  /// A name with its port, up to a `[`.
  private mutating func stepName() -> WordSyntax {
    let start = lexer.position
    var end = start
    while end < source.bytes.count, source.bytes[end].isNameByte || source.bytes[end] == UInt8(ascii: ".") {
      end += 1
    }
    lexer.advance(end - start)
    return WordSyntax(text: lexer.text(start, end), span: SourceSpan(start, end))
  }

  private mutating func feed(_ name: WordSyntax) throws(Broken) -> TestStepSyntax.Kind {
    guard lexer.skipBlanks(), lexer.text(lexer.position, lexer.endOfAtom()) == "from" else {
      try fail(
        .badTest, "`from` and a file are missing", at: name.span,
        help: "write `feed \(name.text) from turns.jsonl`")
    }
    let from = SourceSpan(lexer.position, lexer.position + 4)
    lexer.advance(4)
    guard lexer.skipBlanks(), !lexer.startsPipe else {
      try fail(.badTest, "a file is missing", at: from, help: "write `feed \(name.text) from turns.jsonl`")
    }
    return .feed(try value())
  }

  private mutating func expectation(_ name: WordSyntax) throws(Broken) -> TestStepSyntax.Kind {
    guard lexer.peek() == .openBracket else {
      guard lexer.skipBlanks(), lexer.text(lexer.position, lexer.endOfOperand()) == "count" else {
        try fail(
          .badTest, "what is expected of `\(name.text)` is missing", at: name.span, help: Self.testHelp)
      }
      let word = WordSyntax(text: "count", span: SourceSpan(lexer.position, lexer.position + 5))
      lexer.advance(5)
      let sign = try comparisonSign(behind: .atom(word), lexer.skipBlanks())
      return .count(sign, try comparand(sign))
    }
    let open = lexer.position
    lexer.advance()
    let digits = lexer.position
    while let byte = lexer.peek(), byte.isDigit { lexer.advance() }
    let index = Int(lexer.text(digits, lexer.position))
    guard let index, index < 1_000_000, lexer.peek() == .closeBracket, lexer.peek(1) == UInt8(ascii: ".")
    else {
      try fail(
        .badTest, "an event is named by its number, and a field of it by its name",
        at: SourceSpan(open, max(open + 1, lexer.position)), help: "write `\(name.text)[0].transcript`")
    }
    lexer.advance(2)
    let left = try operand("a field")
    guard case .atom(let field) = left else {
      try fail(.badTest, "a field is wanted here", at: left.span, help: Self.testHelp)
    }
    let sign = try comparisonSign(behind: left, lexer.skipBlanks())
    return .field(index: index, field, sign, try comparand(sign))
  }

  private mutating func comparand(_ sign: OperatorSyntax) throws(Broken) -> ValueSyntax {
    guard lexer.skipBlanks(), !lexer.startsPipe else {
      try fail(.badTest, "`\(sign.comparison.rawValue)` has nothing to compare with", at: sign.span)
    }
    return try operand("a value")
  }

  private static let testHelp =
    "write `feed heard from turns.jsonl`, `expect log count == 2`, or `expect log[0].transcript == \"…\"`"

  // MARK: Blocks

  /// Reads what stands in braces, item by item, and returns the block's place. A mistake costs the item it is in; one in a line
  /// that is not indented shows that closing was forgotten, and the line is read again as an item of the graph.
  private mutating func block(
    isBroken: inout Bool, _ item: (inout Parser) throws(Broken) -> Void
  ) throws(Broken) -> SourceSpan {
    let open = lexer.position
    let opener = SourceSpan(open, open + 1)
    guard blockDepth < Self.maximumDepth else {
      try fail(.tooDeep, "blocks are nested too deeply", at: opener)
    }
    blockDepth += 1
    defer { blockDepth -= 1 }
    let outer = lexer.openBlock()
    var count = 0
    while lexer.nextItem(), diagnostics.count < Self.maximumErrors {
      count += 1
      let reported = diagnostics.count
      do throws(Broken) {
        guard count <= Self.maximumBlockItems else {
          try fail(.tooLarge, "a block must not have more than \(Self.maximumBlockItems) lines", at: here())
        }
        try item(&self)
      } catch {
        isBroken = true
        let isOnLaterLine = source.lineIndex(of: lexer.position) > source.lineIndex(of: open)
        if isOnLaterLine, lexer.indentation <= outer, !isClosedAhead() {
          diagnostics.removeSubrange(reported...)
          break
        }
        skipItem()
      }
    }
    guard lexer.peek() == .closeBrace else {
      if diagnostics.count >= Self.maximumErrors { throw Broken() }
      if lexer.peek() != nil { lexer.leaveLine() }
      var end = min(lexer.position, source.bytes.count)
      while end > open + 1, source.bytes[end - 1].isBlank || source.bytes[end - 1] == .newline { end -= 1 }
      report(
        .bracketNotClosed, "this `{` is never closed", at: opener, help: "close it with `}`, on its own line",
        replacement: .init(SourceSpan(end, end), "\n}"))
      lexer.closeBlock(outer)
      isBroken = true
      return SourceSpan(open, lexer.position)
    }
    lexer.closeBlock(outer)
    return SourceSpan(open, lexer.lastEnd)
  }

  /// Whether the block that is open is closed somewhere behind.
  private mutating func isClosedAhead() -> Bool {
    guard !hasUnclosedBlock else { return false }
    var ahead = self
    ahead.skipItem()
    while ahead.lexer.nextItem() { ahead.skipItem() }
    let isClosed = ahead.lexer.peek() == .closeBrace
    hasUnclosedBlock = !isClosed
    return isClosed
  }
}
