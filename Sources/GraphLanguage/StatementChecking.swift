internal import FluxGraph

// Names and the order of stages: what can stand where in a chain.
extension Analysis {
  /// Walks over the graph from top to bottom, binding names and making nodes.
  mutating func read(_ tree: SyntaxTree) {
    collectDefinitions(tree)
    for item in tree.items {
      switch item {
      case .parameter(let parameter): bind(parameter)
      case .statement(let statement): read(statement)
      }
    }
    checkSettings()
    checkUnused()
    if !hasStatement, diagnostics.isEmpty {
      diagnostics.append(
        Diagnostic(
          .emptyGraph, "the graph has no stages", at: nil,
          help: "for example `file talk.opus | flux | stdout`"))
    }
  }

  private mutating func collectDefinitions(_ tree: SyntaxTree) {
    for item in tree.items {
      switch item {
      case .parameter(let parameter):
        if parameterDefinitions[parameter.name.text] == nil {
          parameterDefinitions[parameter.name.text] = parameter.name.span
        }
      case .statement(let statement):
        if let name = statement.name, definitions[name.text] == nil { definitions[name.text] = name.span }
      }
    }
  }

  private mutating func read(_ statement: StatementSyntax) {
    hasStatement = true
    // What a chain is fed by; nil after a mistake.
    var streams: [Endpoint]? = nil
    var isComplete = !statement.isBroken
    var stages = statement.stages[...]
    var isReferenceOnly = false
    switch statement.head {
    case .union(let words)?:
      streams = union(words)
      isReferenceOnly = true
    case .stage(let stage)?:
      if let (stem, port) = reference(in: stage) {
        isReferenceOnly = true
        if let first = stage.arguments.first {
          report(
            .unexpectedText, "`\(stem.text)` is a stream and takes no options", at: first.span,
            secondary: [.init(names[stem.text]?.definition ?? stem.span, "bound here")],
            help: "join it to a stage with `|`")
          names[stem.text]?.isUsed = true
          isComplete = false
        } else {
          streams = resolve(stem, port)
        }
      } else {
        stages = [stage] + stages
      }
    case nil: isComplete = false
    }

    var previous: StageSyntax?
    for (index, stage) in stages.enumerated() {
      let isHead = index == 0 && !isReferenceOnly && statement.head != nil
      streams = read(stage, isHead: isHead, fedBy: streams, previous: previous)
      previous = stage
    }
    finish(statement, streams: streams, isComplete: isComplete, last: previous)
  }

  /// Makes a node of a stage and returns what comes out of it; nil after a mistake.
  private mutating func read(
    _ stage: StageSyntax, isHead: Bool, fedBy streams: [Endpoint]?, previous: StageSyntax?
  ) -> [Endpoint]? {
    guard let specification = catalogue[stage.word.text] else {
      reportUnknownStage(stage, isHead: isHead)
      return nil
    }
    let (settings, made) = configure(stage, specification)
    let isSource = specification.kind == .source
    var isPoisoned = made == nil
    if isHead && !isSource {
      reportNotASource(stage, specification)
      isPoisoned = true
    } else if !isHead && isSource {
      report(
        .sourceInTheMiddle, "`\(stage.word.text)` is a source: it can only begin a chain",
        at: stage.word.span,
        secondary: previous.map { [.init($0.word.span, "comes before it")] } ?? [],
        help: "begin a chain of its own with it")
      isPoisoned = true
    } else if !isHead && streams == nil {
      isPoisoned = true
    }
    if let streams, let first = streams.first, !isHead, !checkGives(first, to: stage) { isPoisoned = true }
    let node = DraftNode(
      specification: specification, settings: settings, stage: made ?? specification.make(),
      span: stage.span, word: stage.word.span, inputs: isSource ? [] : streams ?? [], isPoisoned: isPoisoned)
    nodes.append(node)
    if specification.kind == .sink { hasSink = true }
    return [Endpoint(node: nodes.count - 1, port: nil, span: stage.word.span)]
  }

  /// Whether anything comes out of the main output of what stands before a `|`.
  private mutating func checkGives(_ endpoint: Endpoint, to stage: StageSyntax) -> Bool {
    let node = nodes[endpoint.node]
    guard endpoint.port == nil, node.specification.kind == .sink else { return true }
    guard !node.isPoisoned else { return false }
    let isReference = endpoint.span != node.word
    let title = isReference ? source.text(of: endpoint.span) : node.specification.name
    let ports = node.specification.ports.map(\.name)
    if isReference {
      report(
        .noOutput, "`\(title)` stands for the sink `\(node.specification.name)`, and nothing comes out of it",
        at: endpoint.span, secondary: [.init(node.word, "a sink")],
        help: ports.first.map { "its port is used as `\(title).\($0)`" })
    } else {
      report(
        .sinkInTheMiddle, "`\(title)` is a sink: the chain ends with it", at: endpoint.span,
        secondary: [.init(stage.word.span, "nothing can follow")],
        help:
          "name what comes before it and use the name twice: `heard = … | flux`, `heard | \(title)`, `heard | \(stage.word.text)`"
      )
    }
    return false
  }

  private mutating func finish(
    _ statement: StatementSyntax, streams: [Endpoint]?, isComplete: Bool, last: StageSyntax?
  ) {
    let isPoisoned = !isComplete || streams == nil
    guard let name = statement.name else {
      if !isPoisoned, let streams { checkEnds(statement, streams, last) }
      return
    }
    if let earlier = names[name.text] {
      report(
        .duplicateName, "the name `\(name.text)` is used twice", at: name.span,
        secondary: [.init(earlier.definition, "first bound here")], help: "give one of them another name")
      return
    }
    if catalogue[name.text] != nil {
      report(
        .nameHidesStage, "the name `\(name.text)` hides the stage of that name", at: name.span,
        help: "call it `my_\(name.text)`", replacement: .init(name.span, "my_\(name.text)"))
    }
    names[name.text] = BoundName(definition: name.span, streams: streams ?? [], isPoisoned: isPoisoned)
    if let last = streams?.last, last.port == nil, statement.head != nil,
      !statement.stages.isEmpty || last.span == nodes[last.node].word
    {
      nodes[last.node].name = name.text
    }
  }

  private mutating func checkEnds(_ statement: StatementSyntax, _ streams: [Endpoint], _ last: StageSyntax?) {
    guard let endpoint = streams.first else { return }
    let node = nodes[endpoint.node]
    if endpoint.port == nil, node.specification.kind == .sink || node.isPoisoned { return }
    let span = last?.word.span ?? endpoint.span
    report(
      .noSink, "this chain has no sink: what `\(source.text(of: span))` gives goes nowhere", at: span,
      help:
        "end it with a sink such as `\(sinkExample)`, or give it a name: `heard = \(source.text(of: statement.span).prefix(40))`"
    )
  }

  private var sinkExample: String {
    catalogue["stdout"] != nil
      ? "| stdout" : "| \(catalogue.all.first { $0.kind == .sink }?.name ?? "stdout")"
  }

  // MARK: References

  /// The name and port of a head that is a bound name; nil when it is a stage.
  private func reference(in stage: StageSyntax) -> (WordSyntax, WordSyntax?)? {
    let parts = split(stage.word)
    return names[parts.0.text] != nil ? parts : nil
  }

  private func split(_ word: WordSyntax) -> (WordSyntax, WordSyntax?) {
    guard let dot = word.text.utf8.firstIndex(of: UInt8(ascii: ".")) else { return (word, nil) }
    let length = word.text.utf8.distance(from: word.text.startIndex, to: dot)
    let stem = WordSyntax(
      text: String(word.text[..<dot]), span: SourceSpan(word.span.lower, word.span.lower + length))
    let port = WordSyntax(
      text: String(word.text[word.text.utf8.index(after: dot)...]),
      span: SourceSpan(word.span.lower + length + 1, word.span.upper))
    return (stem, port)
  }

  private mutating func resolve(_ stem: WordSyntax, _ port: WordSyntax?) -> [Endpoint]? {
    guard let bound = names[stem.text] else { return nil }
    names[stem.text]?.isUsed = true
    guard !bound.isPoisoned else { return nil }
    let span = SourceSpan(stem.span.lower, port?.span.upper ?? stem.span.upper)
    guard let port else { return bound.streams.map { Endpoint(node: $0.node, port: $0.port, span: span) } }
    guard bound.streams.count == 1, let stream = bound.streams.first, stream.port == nil else {
      report(
        .unknownPort, "`\(stem.text)` has no ports", at: port.span,
        secondary: [.init(bound.definition, "bound here")])
      return nil
    }
    let specification = nodes[stream.node].specification
    let ports = specification.ports.map(\.name)
    guard ports.contains(port.text) else {
      let near = Suggestions.nearest(to: port.text, in: ports)
      let known =
        ports.isEmpty
        ? "`\(specification.name)` has no ports"
        : Suggestions.listing(ports).map { "ports of `\(specification.name)`: \($0)" }
      report(
        .unknownPort, "`\(stem.text)` has no port `\(port.text)`", at: port.span,
        label: near.map { "did you mean `\($0)`?" } ?? "", notes: known.map { [$0] } ?? [],
        replacement: near.map { .init(port.span, $0) })
      return nil
    }
    return [Endpoint(node: stream.node, port: port.text, span: span)]
  }

  /// The streams of `a, b`.
  private mutating func union(_ words: [WordSyntax]) -> [Endpoint]? {
    var streams: [Endpoint] = []
    var seen: [String: SourceSpan] = [:]
    var isComplete = true
    for word in words {
      let (stem, port) = split(word)
      guard names[stem.text] != nil else {
        isComplete = false
        if catalogue[word.text] != nil, definitions[word.text] == nil {
          report(
            .unknownName, "`,` joins streams by their names, and `\(word.text)` is a stage", at: word.span,
            help: "name it first: `my_\(word.text) = \(word.text)`")
        } else {
          reportUnknownName(word)
        }
        continue
      }
      if let earlier = seen[word.text] {
        report(
          .duplicateStream, "`\(word.text)` is joined with itself", at: word.span,
          secondary: [.init(earlier, "first here")])
        isComplete = false
      }
      seen[word.text] = word.span
      guard let found = resolve(stem, port) else {
        isComplete = false
        continue
      }
      for endpoint in found where endpoint.port == nil && nodes[endpoint.node].specification.kind == .sink {
        isComplete = false
        if !nodes[endpoint.node].isPoisoned {
          report(
            .noOutput, "`\(word.text)` stands for a sink, and nothing comes out of it", at: word.span,
            secondary: [.init(nodes[endpoint.node].word, "a sink")])
        }
      }
      streams += found
    }
    return isComplete ? streams : nil
  }

  // MARK: Mistakes

  private mutating func reportUnknownName(_ word: WordSyntax) {
    let stem = split(word).0
    if let later = definitions[stem.text] {
      report(
        .useBeforeDefinition, "`\(stem.text)` is used before it is defined", at: stem.span,
        secondary: [.init(later, "defined here")],
        help: "move the definition up: names are known from there on")
      return
    }
    let near = Suggestions.nearest(to: stem.text, in: names.keys.sorted())
    report(
      .unknownName, "no stream is called `\(stem.text)`", at: stem.span,
      label: near.map { "did you mean `\($0)`?" } ?? "", replacement: near.map { .init(stem.span, $0) })
  }

  private mutating func reportUnknownStage(_ stage: StageSyntax, isHead: Bool) {
    let word = stage.word
    if isHead, definitions[split(word).0.text] != nil {
      reportUnknownName(word)
      return
    }
    if !isHead, names[split(word).0.text] != nil {
      report(
        .unknownStage, "`\(word.text)` is a stream, and a stage is wanted here", at: word.span,
        secondary: names[split(word).0.text].map { [.init($0.definition, "bound here")] } ?? [],
        help: "a name begins a chain: `\(word.text) | …`")
      return
    }
    let what = isHead ? "stage or stream" : "stage"
    if isHead, let opener = opener(for: word.text) {
      report(
        .unknownStage, "no stage or stream is called `\(word.text)`", at: word.span,
        label: "did you mean `\(opener) \(word.text)`?",
        replacement: .init(word.span, "\(opener) \(word.text)"))
      return
    }
    let known = catalogue.all.map(\.name)
    let near = Suggestions.nearest(to: word.text, in: known + (isHead ? names.keys.sorted() : []))
    var notes: [String] = []
    if let list = Suggestions.listing(known) {
      notes.append("stages: \(list)")
    } else if near == nil {
      notes.append("\(known.count) stages are known; list them with `fluxgraph inspect`")
    }
    report(
      .unknownStage, "no \(what) is called `\(word.text)`", at: word.span,
      label: near.map { "did you mean `\($0)`?" } ?? "", notes: notes,
      replacement: near.map { .init(word.span, $0) })
  }

  /// The stage that opens what looks like a file or an address.
  private func opener(for word: String) -> String? {
    if word.contains("://") {
      let isWeb = word.hasPrefix("http://") || word.hasPrefix("https://")
      return isWeb && catalogue["http"] != nil ? "http" : nil
    }
    guard catalogue["file"] != nil else { return nil }
    if word.contains("/") { return "file" }
    guard let dot = word.lastIndex(of: "."), dot != word.startIndex else { return nil }
    let ending = word[word.index(after: dot)...]
    return (1...5).contains(ending.count) && ending.allSatisfy { $0.isLetter || $0.isNumber } ? "file" : nil
  }

  private mutating func reportNotASource(_ stage: StageSyntax, _ specification: StageSpecification) {
    let wants = requirement(of: specification.make()).noun
    let sources = catalogue.all.filter { $0.kind == .source }.map(\.name)
    report(
      .notASource, "`\(stage.word.text)` takes \(wants), and nothing comes before it", at: stage.word.span,
      notes: Suggestions.listing(sources).map { ["sources: \($0)"] } ?? [],
      help: "begin with a source, or with the name of a stream")
  }

  private mutating func checkUnused() {
    for (name, bound) in names.sorted(by: { $0.value.definition.lower < $1.value.definition.lower })
    where !bound.isUsed && !bound.isPoisoned {
      if bound.streams.contains(where: { nodes[$0.node].specification.kind == .sink }) { continue }
      report(
        .unusedName, "the stream `\(name)` is never used", at: bound.definition,
        help: "use it: `\(name) \(sinkExample)`")
    }
    for (name, parameter) in parameters.sorted(by: { $0.value.definition.lower < $1.value.definition.lower })
    where !parameter.isUsed && !hasErrors {
      report(
        .unusedParameter, "the parameter `\(name)` is never used", at: parameter.definition,
        help: "a parameter is used as `$\(name)`")
    }
  }
}
