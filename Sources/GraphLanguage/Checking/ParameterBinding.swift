internal import FluxGraph

// Parameters, and values as they are after parameters and the environment have been filled in.
extension Bindings {
  mutating func bind(_ parameter: ParameterSyntax) {
    let name = parameter.name
    if let earlier = bound(name.text) {
      report(
        .duplicateName, "the parameter `\(name.text)` is defined twice", at: name.span,
        secondary: [.init(earlier.definition, "first defined here")])
      return
    }
    var bound = BoundParameter(definition: name.span, value: nil, origin: .outside, item: item)
    if let text = options.parameters[name.text] {
      bound.value = Self.outsideValue(text)
      options.secrets.add(addressesIn: text)
    } else if let value = parameter.value {
      bound.value = resolve(value, as: nil)
      if !isFromOutside(value) { bound.origin = .literal(value) }
      bound.variable = variable(of: value)
      if let resolved = bound.value { _ = takeNote(of: resolved, value, as: nil) }
      bound.text = shown(value)
    } else if !parameter.isBroken {
      report(
        .missingParameter, "the parameter `\(name.text)` has no value", at: name.span,
        help:
          "give it one on the command line, `--set \(name.text)=…`, or a default here: `param \(name.text) = …`"
      )
    }
    parameters[name.text] = bound
    order.append(name.text)
  }

  /// Values given for parameters the graph does not have.
  mutating func checkSettings() {
    let known = definitions.keys.sorted()
    for name in options.parameters.keys.sorted() where definitions[name] == nil {
      let near = Suggestions.nearest(to: name, in: known)
      let list =
        known.isEmpty ? "the graph has no parameters" : Suggestions.listing(known).map { "parameters: \($0)" }
      add(
        Diagnostic(
          .unknownParameter, "`--set \(name)=…`: the graph has no parameter `\(name)`", at: nil,
          notes: list.map { [$0] } ?? [], help: near.map { "did you mean `--set \($0)=…`?" }))
    }
  }

  /// A value from the command line: a list, call or quoted text when it is one from end to end, a word otherwise.
  static func outsideValue(_ text: String) -> GraphValue {
    let source = GraphSource(name: "--set", text: text, directory: "")
    var parser = Parser(source)
    guard [.quote, .openBracket].contains(source.bytes.first) || text.hasPrefix("pcm("),
      let value = try? parser.value(), value.span.upper == source.bytes.count, parser.diagnostics.isEmpty
    else { return .word(text) }
    return plain(value) ?? .word(text)
  }

  /// A value that depends on nothing else; nil when it does.
  private static func plain(_ value: ValueSyntax) -> GraphValue? {
    switch value {
    case .atom(let word): return .word(word.text)
    case .string(let word): return .string(word.text)
    case .parameter: return nil
    case .list(let elements, _):
      let values = elements.compactMap(plain)
      return values.count == elements.count ? .list(values) : nil
    case .call(let word, let elements, _):
      let values = elements.compactMap(plain)
      return word.text == "pcm" && values.count == elements.count ? .call("pcm", values) : nil
    }
  }

  /// Whether no part of a value is written in the graph itself.
  private func isFromOutside(_ value: ValueSyntax) -> Bool {
    switch value {
    case .atom, .string: return false
    case .parameter(let word):
      if case .outside? = bound(word.text)?.origin { return true } else { return false }
    case .list(let elements, _): return elements.allSatisfy(isFromOutside)
    case .call(let word, let elements, _):
      return word.text == "secret" || (word.text == "env" && elements.count == 1)
    }
  }

  /// The value for an option of a type; nil for the value of a parameter, whose use decides. Returns nil after a mistake.
  mutating func resolve(_ value: ValueSyntax, as type: OptionType?) -> GraphValue? {
    switch value {
    case .atom(let word): return literal(.word(word.text), value.span, as: type)
    case .string(let word): return literal(.string(word.text), value.span, as: type)
    case .parameter(let word): return parameter(word, as: type)
    case .list(let elements, _):
      var elementType = type
      if case .list(let inner)? = type { elementType = inner }
      let values = elements.map { resolve($0, as: elementType) }
      return values.contains { $0 == nil } ? nil : .list(values.compactMap { $0 })
    case .call(let word, let arguments, let span):
      switch word.text {
      case "env": return environment(arguments, span, as: type)
      case "pcm":
        let values = arguments.map { resolve($0, as: nil) }
        return values.contains { $0 == nil } ? nil : .call("pcm", values.compactMap { $0 })
      default: return secret(arguments, span)
      }
    }
  }

  private mutating func literal(_ value: GraphValue, _ span: SourceSpan, as type: OptionType?) -> GraphValue?
  {
    guard type == .secret else { return value }
    findings.masked.append(span)
    report(
      .secretInGraph, "a secret must not be written into the graph", at: span, label: "hidden here",
      help: "put it into the environment or into a `.env` file, and name the variable: `env(NAME)`")
    return nil
  }

  private mutating func parameter(_ word: WordSyntax, as type: OptionType?) -> GraphValue? {
    guard let bound = bound(word.text) else {
      reportUnknownParameter(word)
      return nil
    }
    parameters[word.text]?.isUsed = true
    guard let value = bound.value else { return nil }
    guard type == .secret || type == .list(.secret) else { return value }
    if case .literal(let syntax) = bound.origin {
      findings.masked.append(syntax.span)
      report(
        .secretInGraph, "a secret must not be written into the graph", at: syntax.span, label: "hidden here",
        secondary: [.init(word.span, "used as a secret here")],
        help: "put it into the environment or into a `.env` file: `param \(word.text) = env(NAME)`")
      return nil
    }
    return Self.secret(value)
  }

  private static func secret(_ value: GraphValue) -> GraphValue {
    if case .list(let values) = value { return .list(values.map(secret)) }
    return value.text.map { .secret(Secret($0)) } ?? value
  }

  func reportUnknownParameter(_ word: WordSyntax) {
    if let later = definitions[word.text] {
      report(
        .useBeforeDefinition, "`$\(word.text)` is used before it is defined", at: word.span,
        secondary: [.init(later, "defined here")], help: "move the definition up")
      return
    }
    let near = Suggestions.nearest(to: word.text, in: order)
    report(
      .unknownParameter, "the graph has no parameter `\(word.text)`", at: word.span,
      label: near.map { "did you mean `$\($0)`?" } ?? "",
      help: near == nil ? "define it at the top: `param \(word.text) = …`" : nil,
      replacement: near.map { .init(word.span, "$\($0)") })
  }

  /// Where a secret is to be had; nothing is read or run.
  private mutating func secret(_ arguments: [ValueSyntax], _ span: SourceSpan) -> GraphValue? {
    guard arguments.count == 2, case .atom(let kind) = arguments[0],
      let value = resolve(arguments[1], as: nil)
    else { return nil }
    if kind.text == "file" {
      if let path = value.text, !path.isEmpty {
        let directory = source.file(of: span.lower).directory
        let isHome = path.hasPrefix("~/")
        return .secretReference(.file(isHome ? path : Path(path).resolved(in: directory, home: nil)))
      }
      report(
        .wrongType, "`secret(file:…)` takes a path", at: arguments[1].span,
        help: "write `secret(file:key.txt)`")
      return nil
    }
    if case .list(let values) = value, !values.isEmpty {
      let words = values.compactMap(\.text)
      if words.count == values.count { return .secretReference(.program(words)) }
    }
    report(
      .wrongType, "`secret(exec:…)` takes a program and its arguments, as a list", at: arguments[1].span,
      help: "write `secret(exec:[\"pass\", \"show\", \"deepgram\"])`")
    return nil
  }

  /// Whether a text can be the name of a variable, and not a key written where the name belongs: keys have characters no name has,
  /// or are long and without the underscores of long names.
  private static func canBeVariable(_ text: String) -> Bool {
    guard text.utf8.allSatisfy(\.isNameByte), text.utf8.first.map({ !(0x30...0x39).contains($0) }) ?? false
    else {
      return false
    }
    return text.utf8.count < 24 || text.contains("_") || !text.utf8.contains { (0x30...0x39).contains($0) }
  }

  private mutating func environment(
    _ arguments: [ValueSyntax], _ span: SourceSpan, as type: OptionType?
  ) -> GraphValue? {
    guard case .atom(let name)? = arguments.first, arguments.count <= 2 else {
      report(
        .wrongType, "`env` takes the name of a variable and, if you like, a default", at: span,
        help: "write `env(NAME)` or `env(NAME, default)`")
      return nil
    }
    if let text = options.environment(name.text) {
      return type == .secret ? .secret(Secret(text)) : .word(text)
    }
    guard Self.canBeVariable(name.text) else {
      findings.masked.append(name.span)
      report(
        .secretInGraph, "`env` takes the name of a variable, and this looks like the value of one",
        at: name.span,
        label: "hidden here",
        help: "put it into the environment or into a `.env` file, and name the variable: `env(NAME)`")
      return nil
    }
    if arguments.count == 2 { return resolve(arguments[1], as: type) }
    if type == .secret, options.allowsMissingSecrets { return .secret(Secret(name.text)) }
    report(
      .missingVariable, "the environment variable `\(name.text)` is not set", at: span,
      help: type == .secret
        ? "set it before running: `export \(name.text)=…`, or write it into a `.env` file beside the graph"
        : "set it, or give a default: `env(\(name.text), …)`")
    return nil
  }

  /// The text a value is; nil for one that is none, or is not known.
  func text(of value: ValueSyntax) -> String? {
    switch value {
    case .atom(let word), .string(let word): word.text
    case .parameter(let word): bound(word.text)?.value?.text
    default: nil
    }
  }
}
