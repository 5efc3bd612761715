internal import FluxGraph

// Names and the order of stages: what can stand where in a chain.
extension Draft {
  /// Walks over the graph from top to bottom, binding names and making nodes.
  mutating func read(_ tree: SyntaxTree) {
    collectDefinitions(tree)
    var hasStatement = false
    for (index, item) in tree.items.enumerated() {
      // What comes after so many mistakes would not be shown.
      guard case .statement(let statement) = item, findings.errorCount < 4 * Checker.maximumErrors else {
        continue
      }
      hasStatement = true
      bindings.item = index
      read(statement)
    }
    bindings.item = tree.items.count
    noteTestUses(tree)
    checkExclusiveInputs()
    if !hasErrors { checkForSink() }
    if !hasErrors { checkUnused() }
    if !hasErrors { checkUnsentEvents() }
    if !hasStatement, findings.diagnostics.isEmpty {
      add(
        Diagnostic(
          .emptyGraph, "the graph has no stages", at: nil,
          help: "for example `file talk.opus | flux | stdout`"))
    }
  }

  private mutating func collectDefinitions(_ tree: SyntaxTree) {
    for item in tree.items {
      guard case .statement(let statement) = item else { continue }
      for name in [statement.name].compactMap(\.self) + statement.lostNames
      where definitions[name.text] == nil {
        definitions[name.text] = name.span
      }
      for stage in statement.stages { collectDefinitions(stage) }
    }
  }

  private mutating func collectDefinitions(_ stage: StageSyntax) {
    for arm in stage.route?.arms ?? [] {
      if let name = boundName(of: arm), definitions[name.text] == nil { definitions[name.text] = name.span }
      for stage in arm.stages { collectDefinitions(stage) }
    }
  }

  private mutating func read(_ statement: StatementSyntax) {
    defer {
      for name in statement.lostNames where names[name.text] == nil && catalogue[name.text] == nil {
        _ = bind(name, to: nil, isPoisoned: true)
      }
    }
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

    let startsHere = !isReferenceOnly && statement.head != nil
    guard let end = read(stages, startsHere: startsHere, fedBy: streams, name: statement.name) else { return }
    finish(statement, streams: end.streams, isComplete: isComplete, last: end.last)
  }

  /// Makes nodes of a chain behind a stream and checks that it ends in a sink.
  mutating func readChain(_ stages: [StageSyntax], fedBy streams: [Endpoint]?, behind route: StageSyntax) {
    guard let end = read(stages[...], startsHere: false, fedBy: streams, behind: route),
      let streams = end.streams
    else { return }
    checkEnds(streams, end.last)
  }

  /// Makes nodes of stages in a row.
  /// - Parameters:
  ///   - startsHere: whether nothing comes before the first.
  ///   - name: what the row is called.
  /// - Returns: what comes out of the last; nil where that is a route.
  private mutating func read(
    _ stages: ArraySlice<StageSyntax>, startsHere: Bool, fedBy streams: [Endpoint]?,
    name: WordSyntax? = nil, behind previous: StageSyntax? = nil
  ) -> (streams: [Endpoint]?, last: StageSyntax?)? {
    var (streams, previous) = (streams, previous)
    for index in stages.indices {
      let stage = stages[index]
      let isHead = startsHere && index == stages.startIndex
      if let route = stage.route {
        let following = stages[index...].dropFirst().first
        read(route, stage, isHead: isHead, fedBy: streams, name: name, following: following)
        return nil
      }
      streams = read(stage, isHead: isHead, fedBy: streams, previous: previous)
      previous = stage
    }
    return (streams, previous)
  }

  /// Makes a node of a stage and returns what comes out of it; nil after a mistake.
  private mutating func read(
    _ stage: StageSyntax, isHead: Bool, fedBy streams: [Endpoint]?, previous: StageSyntax?
  ) -> [Endpoint]? {
    guard let specification = catalogue[stage.word.text] else {
      reportUnknownStage(stage, isHead: isHead)
      return nil
    }
    let (settings, text, made) = configure(stage, specification)
    let isSource = specification.group == .source
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
      specification: specification, settings: settings, text: text, stage: made ?? specification.make(),
      span: stage.span, word: stage.word.span, inputs: isSource ? [] : streams ?? [], isPoisoned: isPoisoned)
    nodes.append(node)
    for (span, name) in stage.predicate.map(awaited) ?? [] {
      awaitedEvents.append((span, name, nodes.count - 1))
    }
    return [Endpoint(node: nodes.count - 1, port: nil, span: stage.word.span)]
  }

  /// Whether anything comes out of the main output of what stands before a `|`.
  mutating func checkGives(_ endpoint: Endpoint, to stage: StageSyntax) -> Bool {
    let node = nodes[endpoint.node]
    guard endpoint.port == nil, node.specification.group == .sink else { return true }
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
      if !isPoisoned, let streams { checkEnds(streams, last) }
      return
    }
    guard bind(name, to: streams, isPoisoned: isPoisoned) else { return }
    if let last = streams?.last, last.port == nil, statement.head != nil,
      !statement.stages.isEmpty || last.span == nodes[last.node].word
    {
      nodes[last.node].name = name.text
    }
  }

  /// Gives streams a name; false when another has it.
  mutating func bind(_ name: WordSyntax, to streams: [Endpoint]?, isPoisoned: Bool) -> Bool {
    if let earlier = names[name.text] {
      report(
        .duplicateName, "the name `\(name.text)` is used twice", at: name.span,
        secondary: [.init(earlier.definition, "first bound here")], help: "give one of them another name")
      return false
    }
    if catalogue[name.text] != nil {
      report(
        .nameHidesStage, "the name `\(name.text)` hides the stage of that name", at: name.span,
        help: "call it `my_\(name.text)`", replacement: .init(name.span, "my_\(name.text)"))
    }
    nameOrder.append(name.text)
    names[name.text] = BoundName(definition: name.span, streams: streams ?? [], isPoisoned: isPoisoned)
    return true
  }

  private mutating func checkEnds(_ streams: [Endpoint], _ last: StageSyntax?) {
    guard let endpoint = streams.first else { return }
    let node = nodes[endpoint.node]
    if endpoint.port == nil, node.specification.group == .sink || node.isPoisoned { return }
    let span = last?.word.span ?? endpoint.span
    report(
      .noSink, "this chain has no sink: what `\(source.text(of: span))` gives goes nowhere", at: span,
      help: "end it with a sink such as `\(sinkExample)`, or give it a name, `heard = …`, and use that")
  }

  private var sinkExample: String {
    catalogue["stdout"] != nil
      ? "| stdout" : "| \(catalogue.names(of: .sink).min() ?? "stdout")"
  }

  /// Marks the names tests look at as used: a stream may be named for its test alone.
  mutating func noteTestUses(_ tree: SyntaxTree) {
    for case .test(let test) in tree.items {
      for step in test.steps {
        let name = split(step.name).0.text
        names[name]?.isUsed = true
        for endpoint in names[name]?.streams ?? [] { testedStreams.insert(endpoint.unplaced) }
      }
    }
  }

  // MARK: Mistakes

  private func reportNotASource(_ stage: StageSyntax, _ specification: StageSpecification) {
    let wants = requirement(of: specification.make()).noun
    let sources = catalogue.names(of: .source).sorted()
    report(
      .notASource, "`\(stage.word.text)` takes \(wants), and nothing comes before it", at: stage.word.span,
      notes: Suggestions.listing(sources).map { ["sources: \($0)"] } ?? [],
      help: "begin with a source, or with the name of a stream")
  }

  /// Whether a place is in the graph itself: what another graph has is there for many.
  private func isOwn(_ span: SourceSpan) -> Bool { source.file(of: span.lower).start == 0 }

  /// Of two stages that read what can be read only once, each would get some of it.
  private mutating func checkExclusiveInputs() {
    var readers: [String: DraftNode] = [:]
    for node in nodes where !node.isPoisoned {
      guard let input = node.stage.form.byteSource?.exclusiveInput else { continue }
      guard let first = readers[input] else {
        readers[input] = node
        continue
      }
      report(
        .inputReadTwice, "\(input) can be read by one stage only", at: node.word,
        secondary: [.init(first.word, "reads it already")],
        help:
          "give it a name and use the name twice: `sound = \(source.text(of: first.span))`, `sound | …`, `sound | …`"
      )
    }
  }

  /// Names without a use are only warned of, but a graph in which nothing arrives anywhere does nothing.
  private mutating func checkForSink() {
    if options.allowsMissingSinks { return }
    guard !nodes.isEmpty, !nodes.contains(where: { $0.specification.group == .sink }) else { return }
    report(
      .noSink, "the graph has no sink: nothing would come out of it", at: nodes[nodes.count - 1].word,
      help: "end a chain with a sink such as `\(sinkExample)`")
  }

  private mutating func checkUnused() {
    for name in nameOrder {
      guard let bound = names[name], !bound.isUsed, isOwn(bound.definition),
        !bound.streams.contains(where: { nodes[$0.node].specification.group == .sink })
      else { continue }
      let isArm = armNames.contains(name)
      let sinks = catalogue.names(of: .sink).sorted()
      let near = isArm ? Suggestions.nearest(to: name, in: sinks) : nil
      report(
        .unusedName, "the stream `\(name)` is never used", at: bound.definition,
        label: near.map { "did you mean the sink `\($0)`?" } ?? "",
        help: "use it: `\(name) \(sinkExample)`", replacement: near.map { .init(bound.definition, $0) })
    }
    for name in bindings.order {
      guard let parameter = bindings.parameters[name], !parameter.isUsed, isOwn(parameter.definition) else {
        continue
      }
      report(
        .unusedParameter, "the parameter `\(name)` is never used", at: parameter.definition,
        help: "a parameter is used as `$\(name)`")
    }
  }
}
