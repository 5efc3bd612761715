internal import FluxGraph
internal import FluxGraphHost
internal import GraphLanguage
internal import Platform

/// `fluxgraph graph`: draws plans.
struct GraphCommand {
  private let arguments: GraphArguments
  private let format: String
  private let catalogue: Catalogue

  init(_ arguments: [String], _ catalogue: Catalogue) throws(UsageError) {
    self.arguments = try GraphArguments("graph", arguments, valued: ["--format"])
    format = try self.arguments.choice("--format", of: ["text", "mermaid", "dot", "json"])
    self.catalogue = catalogue
  }

  func run() -> ExitCode {
    arguments.forEachGraph(draw)
  }

  private func draw(_ file: GraphFile) -> ExitCode {
    let result = file.check(
      catalogue, parameters: arguments.parameters, isStrict: arguments.isStrict, allowsMissingSecrets: true)
    Terminal.error.write(
      drawn: result.rendered(color: Terminal.error.isColored, width: Terminal.error.columns))
    guard let plan = result.plan else { return .failure(result) }
    let drawing = GraphDrawing(plan)
    switch format {
    case "mermaid": Terminal.output.write(lines: drawing.mermaid)
    case "dot": Terminal.output.write(lines: drawing.dot)
    case "json": Terminal.output.write(lines: drawing.json.serialized + "\n")
    default: Terminal.output.write(lines: PlanPrinter(plan).text)
    }
    return .success
  }
}
