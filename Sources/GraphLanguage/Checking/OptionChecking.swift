internal import FluxGraph

// What is written behind a stage's word.
extension Draft {
  /// Checks a stage's options and sets them. The stage is nil after a mistake.
  mutating func configure(
    _ syntax: StageSyntax, _ specification: StageSpecification
  ) -> (settings: [StageSetting], text: String, stage: (any Stage)?) {
    var configuration = StageConfiguration(
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
            let named = "\(option.name)=\(source.text(of: value.span))"
            let isGiven = configuration.given[option.name] != nil
            report(
              .valueAfterOption, "values come before options", at: value.span,
              secondary: [.init(firstOption, "options begin here")],
              help: isGiven ? "leave one of them out" : "write `\(named)`, or move it to the front",
              replacement: isGiven
                ? .init(withBlanksBefore(value.span), "") : .init(value.span, named))
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
    checkProposals(configuration)
    if !configuration.hasStranger { validate(syntax, &configuration) }
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
    _ configuration: inout StageConfiguration
  ) {
    if let mistake = configuration.specification.mistakes.first(where: {
      $0.matches(option.name, bindings.text(of: value))
    }) {
      report(.knownMistake, mistake, at: value.span, value: value)
      configuration.fail(option)
      return
    }
    guard var resolved = bindings.resolve(value, as: option.type) else {
      configuration.fail(option)
      return
    }
    guard bindings.takeNote(of: resolved, value, as: option.type) else {
      configuration.fail(option)
      return
    }
    // The name of a stream goes into names of files, too.
    let isName = configuration.specification.group == .recogniser && option.name == "as"
    if option.type == .path || option.type == .pathTemplate || isName { bindings.takeNote(ofPath: value) }
    if option.type == .template || option.type == .pathTemplate {
      guard let template = bindings.template(resolved, value, option) else {
        configuration.fail(option)
        return
      }
      resolved = template
    } else if option.type == .path {
      guard let path = bindings.path(resolved, value) else {
        configuration.fail(option)
        return
      }
      resolved = path
    }
    bindings.warnOfFields(value, option)
    set(option, resolved, value, span, &configuration)
  }

  private mutating func set(
    _ option: OptionSpecification, _ value: GraphValue, _ syntax: ValueSyntax, _ span: SourceSpan,
    _ configuration: inout StageConfiguration
  ) {
    if let earlier = configuration.given[option.name] {
      var help = "leave one of them out"
      var replacement = Diagnostic.Replacement(withBlanksBefore(span), "")
      if case .list? = configuration.values[option.name], case .list = syntax {
        let first = (configuration.values[option.name]?.elements ?? []).map { source.text(of: $0.span) }
        let list = (first + syntax.elements.map { source.text(of: $0.span) }).joined(separator: ", ")
        help = "write all values into one list: `\(option.name)=[\(list)]`"
        let between = source.text(of: SourceSpan(earlier.upper, withBlanksBefore(span).lower))
        replacement = .init(SourceSpan(earlier.lower, span.upper), "\(option.name)=[\(list)]\(between)")
      }
      report(
        .duplicateOption, "`\(option.name)` is given twice", at: span,
        secondary: [.init(earlier, "first given here")], help: help, replacement: replacement)
      let first = configuration.settings.first { $0.option == option.name }?.value
      if case .list(let one)? = first, case .list(let other) = value {
        configuration.proposals.append((findings.diagnostics.count - 1, option.name, .list(one + other)))
      }
      configuration.fail(option)
      return
    }
    configuration.given[option.name] = span
    configuration.values[option.name] = syntax
    do throws(OptionError) {
      let isSecret = option.type == .secret || option.type == .list(.secret)
      try configuration.specification.set(
        option.name, of: &configuration.stage, to: isSecret ? value.filled { Secret($0.description) } : value)
      configuration.settings.append(StageSetting(option.name, value))
      switch value {
      case .flag: configuration.texts.append(option.name)
      case .predicate(let predicate): configuration.texts.append(predicate.description)
      default:
        let text = bindings.shown(option, syntax)
        let seen = options.secrets.masked(text)
        bindings.isRedacted = bindings.isRedacted || seen != text
        configuration.texts.append(seen)
      }
    } catch {
      report(error, option, syntax, span)
      if let proposed = proposed(by: error, for: value) {
        configuration.proposals.append((findings.diagnostics.count - 1, option.name, proposed))
      }
      configuration.fail(option)
      return
    }
    if let doubt = configuration.specification.advice(on: option.name, value) {
      report(doubt, option, syntax, span, isWarning: true)
    }
  }

  private mutating func assign(
    _ predicate: PredicateSyntax, _ syntax: StageSyntax, _ configuration: inout StageConfiguration
  ) {
    guard let option = configuration.specification.options.first(where: { $0.type == .predicate }),
      let checked = bindings.check(predicate)
    else {
      configuration.hasFailed = true
      configuration.unread.insert("predicate")
      return
    }
    let word = ValueSyntax.atom(syntax.word)
    set(option, .predicate(checked), word, syntax.span, &configuration)
  }

  private mutating func checkRequired(_ syntax: StageSyntax, _ configuration: inout StageConfiguration) {
    for option in configuration.specification.options
    where option.isRequired && configuration.given[option.name] == nil
      && !configuration.unread.contains(option.name)
      && !configuration.hasSurplus
    {
      let sample = option.isPositional ? option.type.sample : "\(option.name)=\(option.type.sample)"
      // Values stand before options.
      let place = option.isPositional ? syntax.word.span.upper : syntax.span.upper
      report(
        .missingOption, "`\(syntax.word.text)` needs `\(option.name)`: \(lowercasedFirst(option.summary))",
        at: syntax.word.span, help: "for example `\(syntax.word.text) \(sample)`",
        replacement: .init(SourceSpan(place, place), " \(sample)"))
      configuration.proposals.append(
        (findings.diagnostics.count - 1, option.name, Bindings.outsideValue(option.type.sample)))
      configuration.hasFailed = true
    }
  }

  private mutating func validate(_ syntax: StageSyntax, _ configuration: inout StageConfiguration) {
    let missing = configuration.specification.options.filter {
      $0.isRequired && configuration.given[$0.name] == nil
    }
    let unread = configuration.unread.union(missing.map(\.name))
    for conflict in configuration.specification.conflicts(in: configuration.stage, unknown: unread) {
      let places = conflict.options.compactMap { configuration.given[$0] }
      var primary = Diagnostic.Label(places.first ?? syntax.word.span)
      var replacement = conflict.fix.flatMap { self.replacement(for: $0, syntax, configuration) }
      if let element = conflict.element,
        let value = conflict.options.first.flatMap({ configuration.values[$0] })
      {
        let parts = value.elements.isEmpty ? [value] : value.elements
        if let part = parts.first(where: { bindings.text(of: $0) == element }) {
          primary.span = part.span
          if let near = Suggestions.nearest(to: element, in: conflict.candidates) {
            primary.text = "did you mean `\(near)`?"
            if case .parameter = part {} else { replacement = .init(part.span, near) }
          }
        }
      }
      let known =
        Suggestions.listing(conflict.candidates).map { ["there are \($0)"] }
        ?? (primary.text.isEmpty && !conflict.candidates.isEmpty
          ? ["there are " + conflict.candidates.joined(separator: ", ")] : [])
      add(
        Diagnostic(
          code: conflict.code, severity: conflict.isWarning ? .warning : .error, conflict.message,
          at: primary, secondary: places.dropFirst().map { .init($0, "together with this") },
          notes: known, help: conflict.help, replacement: replacement))
      if !conflict.isWarning { configuration.hasFailed = true }
    }
  }

  /// The change of the text that a fix asks for.
  private func replacement(
    for fix: OptionConflict.Fix, _ syntax: StageSyntax, _ configuration: StageConfiguration
  ) -> Diagnostic.Replacement? {
    switch fix {
    case .remove(let option):
      return configuration.given[option].map { .init(withBlanksBefore($0), "") }
    case .set(let option, let text):
      guard let span = configuration.given[option] else {
        return .init(SourceSpan(syntax.span.upper, syntax.span.upper), " \(option)=\(text)")
      }
      let isNamed = source.text(of: span).hasPrefix(option + "=")
      return .init(span, isNamed ? "\(option)=\(text)" : text)
    }
  }

  /// A span with the blanks before it, so that it can be left out without a trace.
  func withBlanksBefore(_ span: SourceSpan) -> SourceSpan {
    var lower = span.lower
    while lower > 0, source.bytes[lower - 1] == 0x20 || source.bytes[lower - 1] == .tab { lower -= 1 }
    return SourceSpan(lower, span.upper)
  }

  /// The value an error proposes, for the whole option.
  private func proposed(by error: OptionError, for value: GraphValue) -> GraphValue? {
    var part = value
    if case .list(let elements) = value, let index = error.element, elements.indices.contains(index) {
      part = elements[index]
    }
    guard
      let text = error.replacement ?? Suggestions.nearest(to: part.text ?? "", in: error.candidates)
    else { return nil }
    let proposed = Bindings.outsideValue(text)
    guard case .list(var elements) = value, let index = error.element, elements.indices.contains(index) else {
      return proposed
    }
    elements[index] = proposed
    return .list(elements)
  }

  /// What is proposed for one value must be right beside the others, or it is not proposed.
  private mutating func checkProposals(_ configuration: StageConfiguration) {
    for proposal in configuration.proposals {
      var stage = configuration.stage
      let others = configuration.unread.subtracting([proposal.option])
      let isSet: Void? = try? configuration.specification.set(proposal.option, of: &stage, to: proposal.value)
      let conflicts = configuration.specification.conflicts(in: stage, unknown: others)
      if isSet == nil || conflicts.contains(where: { !$0.isWarning }) {
        findings.withdrawProposal(proposal.diagnostic)
      }
    }
  }
}
