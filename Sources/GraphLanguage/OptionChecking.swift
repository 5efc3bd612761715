internal import FluxGraph

// What is written behind a stage's word.
extension Analysis {
  /// A stage's options in the making.
  private struct Configuration {
    var specification: StageSpecification
    var stage: any Stage
    var settings: [StageSetting] = []
    /// The stage's word and what is set, as people may see it.
    var texts: [String]
    /// Where each option given is written.
    var given: [String: SourceSpan] = [:]
    /// Whether a value or option is there that belongs to none: it may have been meant for one that is missing.
    var hasSurplus = false
    /// Options whose values could not be read.
    var unread: Set<String> = []
    var hasFailed = false

    mutating func fail(_ option: OptionSpecification) {
      hasFailed = true
      unread.insert(option.name)
    }
  }

  /// Checks a stage's options and sets them. The stage is nil after a mistake.
  mutating func configure(
    _ syntax: StageSyntax, _ specification: StageSpecification
  ) -> (settings: [StageSetting], text: String, stage: (any Stage)?) {
    var configuration = Configuration(
      specification: specification, stage: specification.make(), texts: [specification.name])
    var positional = specification.options.filter(\.isPositional)[...]
    var firstOption: SourceSpan?
    for argument in syntax.arguments {
      switch argument {
      case .option(let key, let value):
        firstOption = firstOption ?? argument.span
        guard let option = specification.option(named: key.text) else {
          reportUnknownOption(key, value, &configuration)
          continue
        }
        assign(option, value, argument.span, &configuration)
      case .value(let value):
        if case .atom(let word) = value, let flag = flag(word.text, of: specification) {
          firstOption = firstOption ?? argument.span
          set(flag, .flag, value, argument.span, &configuration)
        } else if let option = positional.first, !isLikelyFlag(value, option, specification) {
          positional.removeFirst()
          if let firstOption {
            report(
              .valueAfterOption, "values come before options", at: value.span,
              secondary: [.init(firstOption, "options begin here")],
              help: "move it to the front, or write `\(option.name)=\(source.text(of: value.span))`")
            configuration.fail(option)
          } else {
            assign(option, value, argument.span, &configuration)
          }
        } else {
          reportSurplus(value, &configuration)
        }
      }
    }
    if let predicate = syntax.predicate { assign(predicate, syntax, &configuration) }
    checkRequired(syntax, &configuration)
    validate(syntax, &configuration)
    let text = configuration.texts.joined(separator: " ")
    return (configuration.settings, text, configuration.hasFailed ? nil : configuration.stage)
  }

  private func flag(_ name: String, of specification: StageSpecification) -> OptionSpecification? {
    specification.option(named: name).flatMap { $0.type == .flag ? $0 : nil }
  }

  /// A text template is quoted, so that a word in its place is more likely a flag with a slip of the pen.
  private func isLikelyFlag(
    _ value: ValueSyntax, _ option: OptionSpecification, _ specification: StageSpecification
  ) -> Bool {
    guard option.type == .template, case .atom(let word) = value else { return false }
    return Suggestions.nearest(to: word.text, in: specification.options.map(\.name)) != nil
  }

  private mutating func assign(
    _ option: OptionSpecification, _ value: ValueSyntax, _ span: SourceSpan,
    _ configuration: inout Configuration
  ) {
    if let mistake = configuration.specification.mistakes.first(where: {
      $0.matches(option.name, text(of: value))
    }) {
      report(.knownMistake, mistake.message, at: value.span, help: mistake.help)
      configuration.fail(option)
      return
    }
    guard var resolved = resolve(value, as: option.type) else {
      configuration.fail(option)
      return
    }
    if option.type == .template || option.type == .pathTemplate {
      guard let template = template(resolved, value, option) else {
        configuration.fail(option)
        return
      }
      resolved = template
    } else if option.type == .path {
      guard let path = path(resolved, value) else {
        configuration.fail(option)
        return
      }
      resolved = path
    }
    set(option, resolved, value, span, &configuration)
  }

  private mutating func set(
    _ option: OptionSpecification, _ value: GraphValue, _ syntax: ValueSyntax, _ span: SourceSpan,
    _ configuration: inout Configuration
  ) {
    if let earlier = configuration.given[option.name] {
      var help: String?
      if case .list = option.type { help = "write all values into one list: `\(option.name)=[…, …]`" }
      report(
        .duplicateOption, "`\(option.name)` is given twice", at: span,
        secondary: [.init(earlier, "first given here")], help: help)
      configuration.fail(option)
      return
    }
    configuration.given[option.name] = span
    do throws(OptionError) {
      let isSecret = option.type == .secret || option.type == .list(.secret)
      try configuration.specification.set(
        option.name, of: &configuration.stage, to: isSecret ? value.withStandIns : value)
      configuration.settings.append(StageSetting(option.name, value))
      switch value {
      case .flag: configuration.texts.append(option.name)
      case .predicate(let predicate): configuration.texts.append(predicate.description)
      default: configuration.texts.append(shown(option, syntax))
      }
    } catch {
      report(error, option, syntax, span)
      configuration.fail(option)
      return
    }
    if let doubt = configuration.specification.advice(on: option.name, value) {
      report(doubt, option, syntax, span, isWarning: true)
    }
  }

  private mutating func assign(
    _ predicate: PredicateSyntax, _ syntax: StageSyntax, _ configuration: inout Configuration
  ) {
    guard let option = configuration.specification.options.first(where: { $0.type == .predicate }),
      let checked = check(predicate)
    else {
      configuration.hasFailed = true
      configuration.unread.insert("predicate")
      return
    }
    let word = ValueSyntax.atom(syntax.word)
    set(option, .predicate(checked), word, syntax.span, &configuration)
  }

  private mutating func checkRequired(_ syntax: StageSyntax, _ configuration: inout Configuration) {
    for option in configuration.specification.options
    where option.isRequired && configuration.given[option.name] == nil
      && !configuration.unread.contains(option.name)
      && !configuration.hasSurplus
    {
      let sample = option.isPositional ? option.type.sample : "\(option.name)=\(option.type.sample)"
      report(
        .missingOption, "`\(syntax.word.text)` needs `\(option.name)`: \(lowercasedFirst(option.summary))",
        at: syntax.word.span, help: "for example `\(syntax.word.text) \(sample)`")
      configuration.hasFailed = true
    }
  }

  private mutating func validate(_ syntax: StageSyntax, _ configuration: inout Configuration) {
    let missing = configuration.specification.options.filter {
      $0.isRequired && configuration.given[$0.name] == nil
    }
    let unread = configuration.unread.union(missing.map(\.name))
    for conflict in configuration.specification.conflicts(in: configuration.stage, unknown: unread) {
      let places = conflict.options.compactMap { configuration.given[$0] }
      add(
        Diagnostic(
          code: conflict.code, severity: conflict.isWarning ? .warning : .error, conflict.message,
          at: .init(places.first ?? syntax.word.span),
          secondary: places.dropFirst().map { .init($0, "together with this") },
          help: conflict.help))
      if !conflict.isWarning { configuration.hasFailed = true }
    }
  }

  // MARK: Mistakes

  private mutating func report(
    _ error: OptionError, _ option: OptionSpecification, _ syntax: ValueSyntax, _ whole: SourceSpan,
    isWarning: Bool = false
  ) {
    var span = syntax.span
    var secondary: [Diagnostic.Label] = []
    if case .parameter(let word) = syntax, options.parameters[word.text] != nil, !isWarning {
      return reportSetting(word, error, option)
    }
    if case .parameter(let word) = syntax, let bound = parameters[word.text] {
      secondary = [.init(bound.definition, "defined here")]
    } else if let element = error.element, syntax.elements.indices.contains(element) {
      span = syntax.elements[element].span
    }
    let written = source.text(of: span)
    let near = Suggestions.nearest(to: unquoted(written), in: error.candidates)
    let replacement = error.replacement ?? near
    // Only what is in the text can be replaced there.
    let canReplace = secondary.isEmpty
    var help: String?
    if let text = error.replacement {
      let isWholeOption = span == syntax.span && whole.lower < syntax.span.lower
      help = isWholeOption ? "write `\(option.name)=\(text)`" : "write `\(text)`"
    }
    add(
      Diagnostic(
        code: isWarning ? DiagnosticCode.unusualValue.rawValue : error.code.rawValue,
        severity: isWarning ? .warning : .error, "`\(option.name)` \(error.message)",
        at: .init(span, near.map { "did you mean `\($0)`?" } ?? ""), secondary: secondary,
        notes: Suggestions.listing(error.candidates).map { ["there are \($0)"] } ?? [], help: help,
        replacement: canReplace ? replacement.map { .init(span, $0) } : nil))
  }

  /// The graph is right; what the command line gives its parameter is not.
  private mutating func reportSetting(
    _ parameter: WordSyntax, _ error: OptionError, _ option: OptionSpecification
  ) {
    let near = options.parameters[parameter.text].flatMap {
      Suggestions.nearest(to: $0, in: error.candidates)
    }
    let better = error.replacement ?? near
    add(
      Diagnostic(
        code: error.code.rawValue, severity: .error,
        "`--set \(parameter.text)=…`: `\(option.name)` \(error.message)", at: nil,
        notes: ["`$\(parameter.text)` is used at \(source.location(of: parameter.span))"]
          + (Suggestions.listing(error.candidates).map { ["there are \($0)"] } ?? []),
        help: better.map { "write `--set \(parameter.text)=\($0)`" }))
  }

  private mutating func reportUnknownOption(
    _ key: WordSyntax, _ value: ValueSyntax, _ configuration: inout Configuration
  ) {
    configuration.hasFailed = true
    configuration.hasSurplus = true
    let specification = configuration.specification
    let span = SourceSpan(key.span.lower, value.span.upper)
    let mistake = specification.mistakes.first { $0.matches(key.text, text(of: value)) }
    if let mistake {
      report(.knownMistake, mistake.message, at: span, help: mistake.help)
      return
    }
    let names = specification.options.map(\.name)
    let near = Suggestions.nearest(to: key.text, in: names)
    if let near, specification.option(named: near)?.type == .secret { masked.append(value.span) }
    report(
      .unknownOption, "`\(specification.name)` has no option `\(key.text)`", at: key.span,
      label: near.map { "did you mean `\($0)`?" } ?? "", notes: optionListing(specification),
      replacement: near.map { .init(key.span, $0) })
  }

  private mutating func reportSurplus(_ value: ValueSyntax, _ configuration: inout Configuration) {
    configuration.hasFailed = true
    configuration.hasSurplus = true
    let specification = configuration.specification
    let wanted = specification.options.filter(\.isPositional).count
    guard case .atom(let word) = value else {
      report(
        .tooManyValues, tooMany(specification, wanted), at: value.span, notes: optionListing(specification))
      return
    }
    if let option = specification.option(named: word.text) {
      report(
        .missingValue, "the value of `\(option.name)` is missing", at: value.span,
        help: "write `\(option.name)=\(option.type.sample)`")
      return
    }
    if let mistake = specification.mistakes.first(where: { $0.matches(word.text, nil) }) {
      report(.knownMistake, mistake.message, at: value.span, help: mistake.help)
      return
    }
    let names = specification.options.map(\.name)
    if let equals = word.text.firstIndex(of: "=") {
      let key = String(word.text[..<equals])
      let meant = names.first { $0 == key.lowercased().replacing("-", with: "_") }
      report(
        .unknownOption, "`\(specification.name)` has no option `\(key)`", at: value.span,
        label: meant.map { "did you mean `\($0)`?" } ?? "", notes: optionListing(specification),
        replacement: meant.map { .init(value.span, $0 + word.text[equals...]) })
      return
    }
    let near = Suggestions.nearest(to: word.text, in: names)
    guard let near else {
      report(
        .tooManyValues, tooMany(specification, wanted), at: value.span, notes: optionListing(specification))
      return
    }
    report(
      .unknownOption, "`\(specification.name)` has no flag `\(word.text)`", at: value.span,
      label: "did you mean `\(near)`?", replacement: .init(value.span, near))
  }

  private func tooMany(_ specification: StageSpecification, _ count: Int) -> String {
    switch count {
    case 0: "`\(specification.name)` takes no values, only options"
    case 1: "`\(specification.name)` takes one value"
    default: "`\(specification.name)` takes \(count) values"
    }
  }

  private func optionListing(_ specification: StageSpecification) -> [String] {
    let names = specification.options.map(\.name)
    if names.isEmpty { return ["`\(specification.name)` has no options"] }
    return Suggestions.listing(names).map { ["options of `\(specification.name)`: \($0)"] }
      ?? ["list its options with `fluxgraph inspect \(specification.name)`"]
  }

  // MARK: Texts

  private func text(of value: ValueSyntax) -> String? {
    switch value {
    case .atom(let word), .string(let word): word.text
    case .parameter(let word): parameters[word.text]?.value?.text
    default: nil
    }
  }

  private func unquoted(_ text: String) -> String {
    text.count >= 2 && text.hasPrefix("\"") && text.hasSuffix("\"")
      ? String(text.dropFirst().dropLast()) : text
  }

  private func lowercasedFirst(_ sentence: String) -> String {
    var text = sentence
    if text.hasSuffix(".") { text.removeLast() }
    guard let first = text.first, !(text.dropFirst().first?.isUppercase ?? false) else { return text }
    return first.lowercased() + text.dropFirst()
  }
}

extension GraphValue {
  /// With something in the place of secrets that are only known when the graph runs.
  fileprivate var withStandIns: GraphValue {
    switch self {
    case .secretReference(let reference): .secret(Secret(reference.description))
    case .list(let values): .list(values.map(\.withStandIns))
    default: self
    }
  }
}
