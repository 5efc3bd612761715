internal import FluxGraph
internal import FluxGraphHost
internal import Platform

/// `fluxgraph inspect`: what stages there are, and what each takes.
struct InspectCommand {
  private let name: String?
  private let format: String
  private let catalogue: Catalogue

  init(_ arguments: [String], _ catalogue: Catalogue) throws(UsageError) {
    var reader = ArgumentReader(arguments, known: ["--format"])
    var name: String?
    var format = "text"
    while let argument = reader.next() {
      if argument == "--format" {
        format = try reader.choice(of: argument, ["text", "json", "markdown"])
        continue
      }
      if argument.hasPrefix("-") { throw reader.unknown(argument) }
      guard name == nil else { throw UsageError("`inspect` takes one stage") }
      name = argument
    }
    self.name = name
    self.format = format
    self.catalogue = catalogue
  }

  func run() throws(UsageError) -> ExitCode {
    var stages = catalogue.all
    if let name {
      guard let stage = catalogue[name] else {
        throw UsageError("there is no stage called `\(name)`", candidates: stages.map(\.name), given: name)
      }
      stages = [stage]
    }
    switch format {
    case "json": Terminal.output.write(lines: StagePages(stages: stages).json.serialized + "\n")
    case "markdown": Terminal.output.write(lines: StagePages(stages: stages).markdown)
    default: Terminal.output.write(lines: name == nil ? list() : page(stages[0]))
    }
    return .success
  }

  private func list() -> String {
    let width = catalogue.names.map(\.count).max() ?? 0
    var text = ""
    for kind in StageGroup.allCases {
      let stages = catalogue.all.filter { $0.group == kind }
      if stages.isEmpty { continue }
      text += "\(Self.title(kind))\n"
      for stage in stages {
        text += "  " + stage.name.padded(to: width) + "  " + stage.summary + "\n"
      }
      text += "\n"
    }
    return text + "`fluxgraph inspect STAGE` shows a stage's options.\n"
  }

  static func title(_ kind: StageGroup) -> String {
    switch kind {
    case .source: "sources"
    case .decoder: "decoders: bytes to audio"
    case .transform: "transforms: audio to audio"
    case .recogniser: "recognisers: audio to events"
    case .events: "event stages: events to events"
    case .sink: "sinks"
    }
  }

  private func page(_ stage: StageSpecification) -> String {
    var text = "\(StagePages.signature(stage))\n\n\(stage.summary)\n"
    if !stage.details.isEmpty { text += "\n\(stage.details.wrapped(at: 96))\n" }
    if !stage.options.isEmpty {
      text += "\noptions\n"
      let rows = stage.options.map(Self.row)
      let widths = (0..<2).map { column in rows.map { $0[column].count }.max() ?? 0 }
      for row in rows {
        text +=
          "  " + row[0].padded(to: widths[0]) + "  " + row[1].padded(to: widths[1]) + "  " + row[2] + "\n"
      }
    }
    if !stage.ports.isEmpty {
      text += "\nports\n"
      for port in stage.ports { text += "  .\(port.name)  \(port.summary)\n" }
    }
    if !stage.examples.isEmpty {
      text += "\nexamples\n"
      for example in stage.examples { text += "  \(example)\n" }
    }
    return text
  }

  private static func row(_ option: OptionSpecification) -> [String] {
    var summary = option.summary
    if let range = option.rangeText { summary += " \(range)." }
    if option.isRequired {
      summary += " Required."
    } else if let text = option.defaultText {
      summary += " Default \(text)."
    }
    return [option.name, option.type.signature, summary]
  }
}

extension String {
  /// With blanks up to `width` columns.
  func padded(to width: Int) -> String {
    self + String(repeating: " ", count: Swift.max(0, width - displayColumns(self)))
  }

  /// Broken into lines of at most `width` characters.
  func wrapped(at width: Int) -> String {
    var lines: [String] = []
    for word in split(separator: " ") {
      if let last = lines.last, last.count + 1 + word.count <= width {
        lines[lines.count - 1] = "\(last) \(word)"
      } else {
        lines.append(String(word))
      }
    }
    return lines.joined(separator: "\n")
  }
}
