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
    /// What was proposed for single values: the number of the diagnostic, and the option as it would be.
    var proposals: [(diagnostic: Int, option: String, value: GraphValue)] = []
    /// The values given, as they are written.
    var values: [String: ValueSyntax] = [:]
    /// Whether there is an option that may have been meant for any other.
    var hasStranger = false
    var hasFailed = false

    /// Notes what an option that is not there was probably meant to be: then that one's value is not known.
    mutating func note(_ meant: String?) {
      if let meant { unread.insert(meant) } else { hasStranger = true }
    }

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
    _ configuration: inout Configuration
  ) {
    if let mistake = configuration.specification.mistakes.first(where: {
      $0.matches(option.name, text(of: value))
    }) {
      report(.knownMistake, mistake, at: value.span, value: value)
      configuration.fail(option)
      return
    }
    guard var resolved = resolve(value, as: option.type) else {
      configuration.fail(option)
      return
    }
    guard takeNote(of: resolved, value, as: option.type) else {
      configuration.fail(option)
      return
    }
    // The name of a stream goes into names of files, too.
    let isName = configuration.specification.group == .recogniser && option.name == "as"
    if option.type == .path || option.type == .pathTemplate || isName { takeNote(ofPath: value) }
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
    warnOfFields(value, option)
    set(option, resolved, value, span, &configuration)
  }

  private mutating func set(
    _ option: OptionSpecification, _ value: GraphValue, _ syntax: ValueSyntax, _ span: SourceSpan,
    _ configuration: inout Configuration
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
        configuration.proposals.append((diagnostics.count - 1, option.name, .list(one + other)))
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
        let text = shown(option, syntax)
        let seen = options.secrets.masked(text)
        isRedacted = isRedacted || seen != text
        configuration.texts.append(seen)
      }
    } catch {
      report(error, option, syntax, span)
      if let proposed = proposed(by: error, for: value) {
        configuration.proposals.append((diagnostics.count - 1, option.name, proposed))
      }
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
      // Values stand before options.
      let place = option.isPositional ? syntax.word.span.upper : syntax.span.upper
      report(
        .missingOption, "`\(syntax.word.text)` needs `\(option.name)`: \(lowercasedFirst(option.summary))",
        at: syntax.word.span, help: "for example `\(syntax.word.text) \(sample)`",
        replacement: .init(SourceSpan(place, place), " \(sample)"))
      configuration.proposals.append(
        (diagnostics.count - 1, option.name, Self.outsideValue(option.type.sample)))
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
      var primary = Diagnostic.Label(places.first ?? syntax.word.span)
      var replacement = conflict.fix.flatMap { self.replacement(for: $0, syntax, configuration) }
      if let element = conflict.element,
        let value = conflict.options.first.flatMap({ configuration.values[$0] })
      {
        let parts = value.elements.isEmpty ? [value] : value.elements
        if let part = parts.first(where: { text(of: $0) == element }) {
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
    for fix: OptionConflict.Fix, _ syntax: StageSyntax, _ configuration: Configuration
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
  private func withBlanksBefore(_ span: SourceSpan) -> SourceSpan {
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
    let proposed = Self.outsideValue(text)
    guard case .list(var elements) = value, let index = error.element, elements.indices.contains(index) else {
      return proposed
    }
    elements[index] = proposed
    return .list(elements)
  }

  /// What is proposed for one value must be right beside the others, or it is not proposed.
  private mutating func checkProposals(_ configuration: Configuration) {
    for proposal in configuration.proposals {
      var stage = configuration.stage
      let others = configuration.unread.subtracting([proposal.option])
      let isSet: Void? = try? configuration.specification.set(proposal.option, of: &stage, to: proposal.value)
      let conflicts = configuration.specification.conflicts(in: stage, unknown: others)
      if isSet == nil || conflicts.contains(where: { !$0.isWarning }) {
        withdrawProposal(proposal.diagnostic)
      }
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
      report(.knownMistake, mistake, at: span, value: value)
      configuration.hasStranger = true
      return
    }
    let names = specification.options.map(\.name)
    let near = Suggestions.nearest(to: key.text, in: names)
    configuration.note(near)
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
        help: "write `\(option.name)=\(option.type.sample)`",
        replacement: .init(value.span, "\(option.name)=\(option.type.sample)"))
      configuration.note(option.name)
      return
    }
    if let mistake = specification.mistakes.first(where: { $0.matches(word.text, nil) }) {
      report(.knownMistake, mistake, at: value.span, value: nil)
      return
    }
    let names = specification.options.map(\.name)
    if let equals = word.text.firstIndex(of: "=") {
      let key = String(word.text[..<equals])
      let meant = Suggestions.nearest(to: key.replacing("-", with: "_"), in: names)
      configuration.note(meant)
      report(
        .unknownOption, "`\(specification.name)` has no option `\(key)`", at: value.span,
        label: meant.map { "did you mean `\($0)`?" } ?? "", notes: optionListing(specification),
        replacement: meant.map { .init(value.span, $0 + word.text[equals...]) })
      return
    }
    // A word alone is a flag, or an option without its value.
    let flags = specification.options.filter { $0.type == .flag }.map(\.name)
    let flag = Suggestions.nearest(to: word.text, in: flags)
    let option = flag == nil ? Suggestions.nearest(to: word.text, in: names) : nil
    let near =
      flag ?? option.map { name in "\(name)=\(specification.option(named: name)?.type.sample ?? "")" }
    configuration.note(flag ?? option)
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

  private mutating func report(
    _ code: DiagnosticCode, _ mistake: KnownMistake, at span: SourceSpan, value: ValueSyntax?
  ) {
    var replacement = mistake.replacement
    if let text = replacement, text.contains("{value}") {
      replacement = value.map { text.replacing("{value}", with: source.text(of: $0.span)) }
    }
    let place = replacement == "" ? withBlanksBefore(span) : span
    report(
      code, mistake.message, at: span, help: mistake.help, replacement: replacement.map { .init(place, $0) })
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

  func lowercasedFirst(_ sentence: String) -> String {
    var text = sentence
    if text.hasSuffix(".") { text.removeLast() }
    guard let first = text.first, !(text.dropFirst().first?.isUppercase ?? false) else { return text }
    return first.lowercased() + text.dropFirst()
  }
}
