internal import FluxGraph
internal import FluxGraphHost
internal import GraphLanguage
internal import Platform

/// `fluxgraph graph`: draws plans.
struct GraphCommand {
  private let arguments: GraphArguments
  private let catalogue: Catalogue

  init(_ arguments: [String], _ catalogue: Catalogue) throws(UsageError) {
    let formats = ["text", "mermaid", "dot", "json"]
    self.arguments = try GraphArguments("graph", arguments, choices: ["--format": formats])
    self.catalogue = catalogue
  }

  func run() -> ExitCode {
    arguments.forEachGraph(draw)
  }

  private func draw(_ file: GraphFile) -> ExitCode {
    let result = arguments.graph.check(file, catalogue, allowsMissingSecrets: true)
    guard let plan = result.plan else { return .failure(result) }
    let drawing = GraphDrawing(plan)
    switch arguments.options["--format"] {
    case "mermaid": Terminal.output.write(lines: drawing.mermaid)
    case "dot": Terminal.output.write(lines: drawing.dot)
    case "json": Terminal.output.write(lines: drawing.json.serialized + "\n")
    default: Terminal.output.write(lines: PlanPrinter(plan).text)
    }
    return .success
  }
}
