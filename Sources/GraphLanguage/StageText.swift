internal import FluxGraph

// Stages and values as people may see them: what came from outside may be secret and is called by its name.
extension Analysis {
  /// An option with its value.
  mutating func shown(_ option: OptionSpecification, _ value: ValueSyntax) -> String {
    var text = shown(value)
    // The user and the query of an address may be secret.
    if option.type == .url, let url = WebURL(text) {
      isRedacted = isRedacted || text != url.redacted
      text = url.redacted
    }
    return option.isPositional ? text : "\(option.name)=\(text)"
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
      if case .literal(let value)? = parameters[word.text]?.origin { return shown(value) }
      return "$" + word.text
    }
  }
}

/// A stage with the settings the checker gave it, as a graph writes it.
func stageText(_ specification: StageSpecification, _ settings: [StageSetting]) -> String {
  ([specification.name] + settings.compactMap(\.value.text)).joined(separator: " ")
}
