/// Reads a graph's text into a syntax tree. It goes on after a mistake with the next item, so that all independent mistakes are
/// found in one run.
package struct Parser {
  /// What was already reported; the item is given up.
  struct Broken: Error {}

  /// Lists in lists, and parentheses in predicates: more than anyone writes, far less than a stack holds.
  static let maximumDepth = 32
  /// Comparisons in one predicate.
  static let maximumComparisons = 256
  /// Bytes in a graph.
  static let maximumLength = 1 << 20
  /// Errors after which the rest of the text is not looked at.
  static let maximumErrors = 20

  let source: GraphSource
  var lexer: Lexer
  var diagnostics: [Diagnostic] = []
  var nesting = 0
  var comparisons = 0
  var blockDepth = 0
  /// Whether the text is known to end before a block that was opened is closed: then none is looked for again, or every `{`
  /// would cost another walk to the end.
  var hasUnclosedBlock = false
  /// Whether the line before ended with a `|`: what follows was meant to continue it.
  private var isAfterOpenEnd = false

  package init(_ source: GraphSource) {
    self.source = source
    lexer = Lexer(source.bytes, from: source.files[source.files.count - 1].start)
  }

  /// The whole text of the last file.
  package static func parse(_ source: GraphSource) -> (tree: SyntaxTree, diagnostics: [Diagnostic]) {
    var parser = Parser(source)
    var items: [ItemSyntax] = []
    guard source.bytes.count <= maximumLength else {
      parser.report(.tooLarge, "a graph must not be longer than 1 MB", at: SourceSpan(0, 0))
      return (SyntaxTree(items: []), parser.diagnostics)
    }
    while parser.diagnostics.count < maximumErrors, parser.lexer.nextItem() {
      if let item = parser.item() { items.append(item) }
    }
    return (SyntaxTree(items: items), parser.diagnostics)
  }

  // MARK: Items

  private mutating func item() -> ItemSyntax? {
    let start = lexer.position
    let continues = isAfterOpenEnd
    isAfterOpenEnd = false
    guard let first = headWord() else {
      let statement = statement(name: nil, from: start)
      return .statement(statement)
    }
    guard lexer.skipBlanks(), lexer.peek() == .equals, lexer.peek(1) != .equals else {
      switch first.text {
      case "param": return parameter(from: start)
      case "use": return use(first)
      case "test": return test(first)
      default: break
      }
      var statement = statement(name: nil, first: first, from: start)
      if continues, case .stage(let stage)? = statement.head {
        statement.head = nil
        statement.stages.insert(stage, at: 0)
        statement.isBroken = true
      }
      return .statement(statement)
    }
    lexer.advance()
    let isName = check(name: first, what: "a stream")
    var statement = statement(name: first, from: start)
    statement.isBroken = statement.isBroken || !isName
    return .statement(statement)
  }

  private mutating func parameter(from start: Int) -> ItemSyntax? {
    guard lexer.skipBlanks(), let name = headWord() else {
      report(
        .missingValue, "`param` needs a name", at: SourceSpan(start, start + 5),
        help: "write `param input`, or `param input = talk.opus` to give it a default")
      skipItem()
      return nil
    }
    guard check(name: name, what: "a parameter") else {
      skipItem()
      let span = SourceSpan(start, name.span.upper)
      return .parameter(ParameterSyntax(name: name, value: nil, isBroken: true, span: span))
    }
    guard lexer.skipBlanks() else {
      let span = SourceSpan(start, name.span.upper)
      return .parameter(ParameterSyntax(name: name, value: nil, isBroken: false, span: span))
    }
    do throws(Broken) {
      guard lexer.peek() == .equals else {
        try fail(
          .unexpectedText, "a parameter's value is written behind `=`", at: here(),
          help: "write `param \(name.text) = \(source.text(of: here()))`")
      }
      lexer.advance()
      guard lexer.skipBlanks(), !lexer.startsPipe else {
        try fail(
          .missingValue, "the value of `\(name.text)` is missing",
          at: SourceSpan(lexer.position, lexer.position),
          help: "without a default write `param \(name.text)` alone")
      }
      let value = try value()
      if lexer.skipBlanks() {
        try fail(
          .unexpectedText, "a parameter has one value", at: here(), help: "quote a text that has blanks in it"
        )
      }
      let span = SourceSpan(start, value.span.upper)
      return .parameter(ParameterSyntax(name: name, value: value, isBroken: false, span: span))
    } catch {
      skipItem()
      let span = SourceSpan(start, name.span.upper)
      return .parameter(ParameterSyntax(name: name, value: nil, isBroken: true, span: span))
    }
  }

  private mutating func statement(name: WordSyntax?, first: WordSyntax? = nil, from start: Int)
    -> StatementSyntax
  {
    var statement = StatementSyntax(
      name: name, head: nil, stages: [], isBroken: false, span: SourceSpan(start, start))
    do throws(Broken) {
      statement.head = try head(first)
      while lexer.skipBlanks() {
        guard lexer.startsPipe else {
          try failBetweenStages(behind: statement.stages.last)
        }
        let pipe = lexer.position
        lexer.advance()
        statement.stages.append(try stage(behind: pipe))
      }
    } catch {
      statement.isBroken = true
      let mistake = lexer.position
      skipItem()
      statement.lostNames = boundNames(in: SourceSpan(min(mistake, lexer.position), lexer.position))
    }
    let last = statement.stages.last?.span ?? statement.head?.span
    statement.span = SourceSpan(start, max(start, last?.upper ?? start))
    return statement
  }

  private mutating func head(_ first: WordSyntax?) throws(Broken) -> HeadSyntax {
    guard lexer.skipBlanks() || first != nil else {
      try fail(
        .missingStage, "a stage or a name is missing", at: SourceSpan(lexer.position, lexer.position),
        help: "an item ends with its line; indent the next line to continue it")
    }
    if first == nil && lexer.startsPipe {
      let pipe = lexer.position
      try fail(
        .missingStage, "a stage or a name is missing before `|`", at: SourceSpan(pipe, pipe + 1),
        help: "a chain begins with a source or with the name of a stream")
    }
    if first == nil, lexer.peek() == .apostrophe { try failAtApostrophe() }
    if first == nil && lexer.peek() == .quote {
      let text = try string()
      try fail(
        .missingStage, "a text cannot begin a chain", at: text.span,
        help: "did you mean `file \(source.text(of: text.span))`?",
        replacement: .init(text.span, "file " + source.text(of: text.span)))
    }
    guard let word = first ?? headWord() else {
      try fail(.unexpectedText, "a stage or a name is wanted here", at: here())
    }
    var words = [word]
    while lexer.skipBlanks(), lexer.peek() == .comma {
      let comma = lexer.position
      lexer.advance()
      guard lexer.skipBlanks(), !lexer.startsPipe, let next = headWord() else {
        try fail(.missingStage, "a name is missing behind `,`", at: SourceSpan(comma, comma + 1))
      }
      words.append(next)
    }
    guard words.count == 1 else {
      if lexer.skipBlanks(), !lexer.startsPipe {
        try fail(
          .unexpectedText, "`,` joins streams by their names", at: here(),
          help: "give a stage with options a name first: `me = mic | flux as=me`")
      }
      return .union(words)
    }
    return .stage(try stage(word))
  }

  // MARK: Stages

  mutating func stage(behind pipe: Int) throws(Broken) -> StageSyntax {
    guard lexer.skipBlanks(), !lexer.startsPipe else {
      let isDoubled = lexer.position == pipe + 1 && lexer.peek() == .pipe
      isAfterOpenEnd = !lexer.startsPipe
      try fail(
        .missingStage, "a stage is missing behind `|`", at: SourceSpan(pipe, pipe + 1),
        help: isDoubled
          ? "predicates use the word `or`"
          : lexer.startsPipe ? nil : "to continue on the next line, indent it, or begin it with `|`")
    }
    if lexer.peek() == .quote {
      let text = try string()
      try fail(
        .missingStage, "a stage is wanted here, not a text", at: text.span,
        help: "begin with the stage that takes it: `file \(source.text(of: text.span))`")
    }
    guard let word = headWord() else {
      try fail(.missingStage, "a stage is wanted here", at: here())
    }
    return try stage(word)
  }

  mutating func stage(_ word: WordSyntax) throws(Broken) -> StageSyntax {
    var stage = StageSyntax(word: word, arguments: [], predicate: nil, span: word.span)
    if word.text == "route" {
      let route = try route(word)
      stage.route = route
      stage.span.upper = route.block.upper
      return stage
    }
    if word.text == "else" {
      try fail(
        .reservedWord, "`else` is the last arm of a `route`", at: word.span,
        help: "write `… | route { event == EndOfTurn => stdout; else => null }`")
    }
    if word.text == "where" {
      guard lexer.skipBlanks(), !lexer.startsPipe else {
        try fail(
          .badPredicate, "`where` needs a condition", at: word.span,
          help: "for example `where event == EndOfTurn`")
      }
      comparisons = 0
      var span = SourceSpan(lexer.position, lexer.position)
      stage.predicate = try predicate()
      span.upper = lexer.lastEnd
      stage.predicateSpan = span
      stage.span.upper = span.upper
      return stage
    }
    while lexer.skipBlanks(), !lexer.startsPipe {
      if blockDepth > 0, lexer.starts(with: "=>") || lexer.starts(with: "==") {
        try fail(
          .unexpectedText, "this goes on with the line above, because it is indented deeper", at: here(),
          secondary: [.init(word.span, "the line above")],
          help: "begin every arm in the same column, with a condition: `event == EndOfTurn => stdout`")
      }
      let argument = try argument()
      stage.arguments.append(argument)
      stage.span.upper = argument.span.upper
    }
    return stage
  }

  private mutating func argument() throws(Broken) -> ArgumentSyntax {
    let start = lexer.position
    guard let end = lexer.endOfKey() else {
      if lexer.peek() == .equals, lexer.endOfAtom() == start + 1 {
        try fail(
          .spacedOption, "an option is written without blanks around `=`", at: SourceSpan(start, start + 1),
          help: "leave the blanks out, as in `name=value`", replacement: withoutBlanks(around: start))
      }
      return .value(try value())
    }
    let key = WordSyntax(text: lexer.text(start, end - 1), span: SourceSpan(start, end - 1))
    lexer.advance(end - start)
    guard !lexer.isBlankOrEnd(lexer.position), !lexer.startsPipe else {
      try fail(
        .missingValue, "the value of `\(key.text)` is missing", at: SourceSpan(start, end),
        help: "the value follows `=` without a blank")
    }
    return .option(key, try value())
  }

  // MARK: Words

  mutating func headWord() -> WordSyntax? {
    let start = lexer.position
    let end = lexer.endOfHead()
    guard end > start, lexer.peek() != .quote, lexer.peek() != .apostrophe, !lexer.startsPipe else {
      return nil
    }
    lexer.advance(end - start)
    return WordSyntax(text: lexer.text(start, end), span: SourceSpan(start, end))
  }
}
