internal import FluxGraph

/// A stage with its options, as a graph writes it.
func stageText(_ specification: StageSpecification, _ settings: [StageSetting]) -> String {
  var words = [specification.name]
  for setting in settings {
    let option = specification.option(named: setting.option)
    var text = valueText(setting.value)
    // The query and the user of an address may be secret, and so may what came from the environment.
    if option?.type == .url, let url = setting.value.text.flatMap(WebURL.init) { text = url.redacted }
    switch setting.value {
    case .flag: words.append(setting.option)
    case .predicate: words.append(text)
    default: words.append(option?.isPositional == true ? text : "\(setting.option)=\(text)")
    }
  }
  return words.joined(separator: " ")
}

/// A value as a graph writes it; secrets are not shown.
func valueText(_ value: GraphValue) -> String {
  switch value {
  case .word(let text): text.contains { $0 == " " || $0 == "|" } ? quotedText(text) : text
  case .string(let text): quotedText(text).replacing("\\\\{", with: "\\{")
  case .list(let values): "[" + values.map(valueText).joined(separator: ", ") + "]"
  case .call(let name, let values): "\(name)(\(values.map(valueText).joined(separator: ", ")))"
  case .predicate(let predicate): predicate.description
  case .secret(let secret): secret.description
  case .flag: ""
  }
}
