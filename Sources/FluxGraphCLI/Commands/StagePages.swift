internal import FluxGraph

/// The catalogue as documents: JSON for programs, Markdown for people.
struct StagePages {
  let stages: [StageSpecification]

  var json: JSONValue {
    .array(stages.map(Self.json))
  }

  private static func json(_ stage: StageSpecification) -> JSONValue {
    let options = stage.options.map { option in
      var members: [(String, JSONValue)] = [
        ("name", .string(option.name)), ("type", .string(option.type.signature)),
        ("summary", .string(option.summary)),
      ]
      if option.isPositional { members.append(("positional", true)) }
      if option.isRequired { members.append(("required", true)) }
      if let text = option.defaultText { members.append(("default", .string(text))) }
      if let text = option.rangeText { members.append(("range", .string(text))) }
      return JSONValue.object(members)
    }
    var members: [(String, JSONValue)] = [
      ("name", .string(stage.name)), ("kind", .string(stage.group.rawValue)),
      ("summary", .string(stage.summary)), ("signature", .string(signature(stage))),
    ]
    if !stage.details.isEmpty { members.append(("details", .string(stage.details))) }
    let ports = stage.ports.map { port in
      JSONValue.object([("name", .string(port.name)), ("summary", .string(port.summary))])
    }
    return .object(
      members + [
        ("options", .array(options)), ("ports", .array(ports)),
        ("codes", .array(stage.rules.map { .string($0.code) })),
        ("examples", .array(stage.examples.map(JSONValue.string))),
      ])
  }

  var markdown: String {
    var text = "# Stages\n\nWritten by `fluxgraph inspect --format markdown`.\n"
    for kind in StageGroup.allCases {
      let stages = stages.filter { $0.group == kind }
      if stages.isEmpty { continue }
      text += "\n## \(InspectCommand.title(kind).capitalizedFirst)\n"
      for stage in stages { text += "\n" + Self.markdown(stage) }
    }
    return text
  }

  private static func markdown(_ stage: StageSpecification) -> String {
    var text = "### `\(stage.name)`\n\n\(stage.summary)"
    if !stage.details.isEmpty { text += " \(stage.details)" }
    text += "\n"
    if !stage.options.isEmpty {
      text += "\n| option | type | range | default | meaning |\n|---|---|---|---|---|\n"
      for option in stage.options {
        let name = option.isPositional ? "`\(option.name)` (value)" : "`\(option.name)`"
        let standard = option.isRequired ? "required" : option.defaultText.map { "`\(cell($0))`" } ?? ""
        text += "| \(name) | \(cell(option.type.signature)) | \(cell(option.rangeText ?? "")) | \(standard) "
        text += "| \(cell(option.summary)) |\n"
      }
    }
    if !stage.ports.isEmpty {
      text += "\n| port | carries |\n|---|---|\n"
      for port in stage.ports { text += "| `.\(port.name)` | \(cell(port.summary)) |\n" }
    }
    // Each is a graph of its own.
    for example in stage.examples { text += "\n```graph\n\(example)\n```\n" }
    return text
  }

  private static func cell(_ text: String) -> String { text.replacing("|", with: "\\|") }

  /// `resample RATE`, `flux [model=text] [eot_threshold=number] …`.
  static func signature(_ stage: StageSpecification) -> String {
    var words = [stage.name]
    for option in stage.options where option.isPositional {
      words.append(option.isRequired ? option.name.uppercased() : "[\(option.name.uppercased())]")
    }
    for option in stage.options where !option.isPositional {
      let text = option.type == .flag ? option.name : "\(option.name)=\(option.type.signature)"
      words.append(option.isRequired ? text : "[\(text)]")
    }
    return words.joined(separator: " ")
  }
}

extension String {
  fileprivate var capitalizedFirst: String { prefix(1).uppercased() + dropFirst() }
}
