internal import FluxGraph

// What names stand for: streams bound before, their ports, and what may have been meant by others.
extension Draft {
  /// The name and port of a head that is a bound name; nil when it is a stage.
  func reference(in stage: StageSyntax) -> (WordSyntax, WordSyntax?)? {
    let parts = split(stage.word)
    return names[parts.0.text] != nil ? parts : nil
  }

  func split(_ word: WordSyntax) -> (WordSyntax, WordSyntax?) {
    guard let dot = word.text.utf8.firstIndex(of: UInt8(ascii: ".")) else { return (word, nil) }
    let length = word.text.utf8.distance(from: word.text.startIndex, to: dot)
    let stem = WordSyntax(
      text: String(word.text[..<dot]), span: SourceSpan(word.span.lower, word.span.lower + length))
    let port = WordSyntax(
      text: String(word.text[word.text.utf8.index(after: dot)...]),
      span: SourceSpan(word.span.lower + length + 1, word.span.upper))
    return (stem, port)
  }

  mutating func resolve(_ stem: WordSyntax, _ port: WordSyntax?) -> [Endpoint]? {
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
        label: near.map { "did you mean `\($0)`?" } ?? "",
        secondary: [.init(nodes[stream.node].word, "stands for this")], notes: known.map { [$0] } ?? [],
        replacement: near.map { .init(port.span, $0) })
      return nil
    }
    return [Endpoint(node: stream.node, port: port.text, span: span)]
  }

  /// The streams of `a, b`.
  mutating func union(_ words: [WordSyntax]) -> [Endpoint]? {
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
      for endpoint in found where endpoint.port == nil && nodes[endpoint.node].specification.group == .sink {
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

  func reportUnknownName(_ word: WordSyntax) {
    let stem = split(word).0
    if let later = definitions[stem.text] {
      report(
        .useBeforeDefinition, "`\(stem.text)` is used before it is defined", at: stem.span,
        secondary: [.init(later, "defined here")],
        help: "move the definition up: names are known from there on")
      return
    }
    let near = Suggestions.nearest(to: stem.text, in: nameOrder)
    report(
      .unknownName, "no stream is called `\(stem.text)`", at: stem.span,
      label: near.map { "did you mean `\($0)`?" } ?? "", replacement: near.map { .init(stem.span, $0) })
  }

  mutating func reportUnknownStage(_ stage: StageSyntax, isHead: Bool) {
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
    if isHead, stage.arguments.isEmpty, !unknownHeads.insert(word.text).inserted { return }
    let what = isHead ? "stage or stream" : "stage"
    let (stem, port) = split(word)
    if isHead, let port, let near = Suggestions.nearest(to: stem.text, in: nameOrder),
      names[near]?.streams.contains(where: { stream in
        nodes[stream.node].specification.ports.contains { $0.name == port.text }
      }) ?? false
    {
      report(
        .unknownName, "no stream is called `\(stem.text)`", at: stem.span, label: "did you mean `\(near)`?",
        replacement: .init(stem.span, near))
      return
    }
    if isHead, let opener = opener(for: word.text) {
      report(
        .unknownStage, "no stage or stream is called `\(word.text)`", at: word.span,
        label: "did you mean `\(opener) \(word.text)`?",
        replacement: .init(word.span, "\(opener) \(word.text)"))
      return
    }
    let known = catalogue.names
    let near = Suggestions.nearest(to: word.text, in: known + (isHead ? nameOrder : []))
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
}
