internal import FluxGraph

// Stages and values as people may see them: what came from outside may be secret and is called by its name.
extension Bindings {
  /// An option with its value.
  mutating func shown(_ option: OptionSpecification, _ value: ValueSyntax) -> String {
    var text = shown(value)
    // The user and the query of an address may be secret.
    if let url = address(value), url.redacted != url.text {
      isRedacted = true
      text = url.redacted
    }
    if option.type == .header || option.type == .list(.header) {
      isRedacted = true
      text = shownHeaders(value)
    }
    return option.isPositional ? text : "\(option.name)=\(text)"
  }

  /// The address a value written in the graph is.
  private func address(_ value: ValueSyntax) -> WebURL? {
    switch value {
    case .atom(let word), .string(let word): return WebURL(word.text)
    case .parameter(let word):
      if case .literal(let value)? = bound(word.text)?.origin { return address(value) }
      return nil
    case .list, .call: return nil
    }
  }

  /// Headers by their names: any may be a key to something.
  private func shownHeaders(_ value: ValueSyntax) -> String {
    switch value {
    case .list(let elements, _): "[" + elements.map(shownHeaders).joined(separator: ", ") + "]"
    case .atom(let word), .string(let word):
      (try? HeaderLine.parse(.string(word.text)).graphText) ?? "•••"
    case .parameter(let word):
      if case .literal(let value)? = bound(word.text)?.origin {
        shownHeaders(value)
      } else {
        shown(value)
      }
    case .call: shown(value)
    }
  }

  func shown(_ value: ValueSyntax) -> String {
    switch value {
    case .atom, .string: return source.text(of: value.span)
    case .list(let elements, _): return "[" + elements.map(shown).joined(separator: ", ") + "]"
    case .call(let word, let arguments, _) where word.text == "secret":
      return "secret(" + arguments.map(shown).joined(separator: ":") + ")"
    case .call(let word, let arguments, _):
      return word.text + "(" + arguments.map(shown).joined(separator: ", ") + ")"
    case .parameter(let word):
      if case .literal(let value)? = bound(word.text)?.origin { return shown(value) }
      return "$" + word.text
    }
  }
}

/// A stage with the settings the checker gave it, as a graph writes it.
func stageText(_ specification: StageSpecification, _ settings: [StageSetting]) -> String {
  let options = settings.compactMap { setting in
    setting.value.text.map { text in
      specification.option(named: setting.option)?.isPositional == false ? "\(setting.option)=\(text)" : text
    }
  }
  return ([specification.name] + options).joined(separator: " ")
}
