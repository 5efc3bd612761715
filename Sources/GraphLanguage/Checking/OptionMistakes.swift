internal import FluxGraph

// What is wrong with options, and what to do about it.
extension Draft {
  func report(
    _ error: OptionError, _ option: OptionSpecification, _ syntax: ValueSyntax, _ whole: SourceSpan,
    isWarning: Bool = false
  ) {
    var span = syntax.span
    var secondary: [Diagnostic.Label] = []
    if case .parameter(let word) = syntax, options.parameters[word.text] != nil, !isWarning {
      return reportSetting(word, error, option)
    }
    if case .parameter(let word) = syntax, let bound = bindings.bound(word.text) {
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
  func reportSetting(
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

  func reportUnknownOption(
    _ key: WordSyntax, _ value: ValueSyntax, _ configuration: inout StageConfiguration
  ) {
    configuration.hasFailed = true
    configuration.hasSurplus = true
    let specification = configuration.specification
    let span = SourceSpan(key.span.lower, value.span.upper)
    let mistake = specification.mistakes.first { $0.matches(key.text, bindings.text(of: value)) }
    if let mistake {
      report(.knownMistake, mistake, at: span, value: value)
      configuration.hasStranger = true
      return
    }
    let names = specification.options.map(\.name)
    let near = Suggestions.nearest(to: key.text, in: names)
    configuration.note(near)
    if let near, specification.option(named: near)?.type == .secret { findings.masked.append(value.span) }
    report(
      .unknownOption, "`\(specification.name)` has no option `\(key.text)`", at: key.span,
      label: near.map { "did you mean `\($0)`?" } ?? "", notes: optionListing(specification),
      replacement: near.map { .init(key.span, $0) })
  }

  func reportSurplus(_ value: ValueSyntax, _ configuration: inout StageConfiguration) {
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

  func tooMany(_ specification: StageSpecification, _ count: Int) -> String {
    switch count {
    case 0: "`\(specification.name)` takes no values, only options"
    case 1: "`\(specification.name)` takes one value"
    default: "`\(specification.name)` takes \(count) values"
    }
  }

  func optionListing(_ specification: StageSpecification) -> [String] {
    let names = specification.options.map(\.name)
    if names.isEmpty { return ["`\(specification.name)` has no options"] }
    return Suggestions.listing(names).map { ["options of `\(specification.name)`: \($0)"] }
      ?? ["list its options with `fluxgraph inspect \(specification.name)`"]
  }

  func report(
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

  func unquoted(_ text: String) -> String {
    text.count >= 2 && text.hasPrefix("\"") && text.hasSuffix("\"")
      ? String(text.dropFirst().dropLast()) : text
  }
}
