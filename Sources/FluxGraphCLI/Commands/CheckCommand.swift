internal import FluxClient
internal import FluxGraph
internal import FluxGraphHost
internal import GraphLanguage
internal import GraphRuntime
internal import Platform

/// `fluxgraph check`: reads and checks graphs without running them, and prints their plans.
struct CheckCommand {
  private let arguments: GraphArguments
  private let isJSON: Bool
  private let catalogue: Catalogue

  init(_ arguments: [String], _ catalogue: Catalogue) throws(UsageError) {
    self.arguments = try GraphArguments(
      "check", arguments, flags: ["--world"], choices: ["--diagnostics": ["text", "json"]])
    isJSON = self.arguments.options["--diagnostics"] == "json"
    self.catalogue = catalogue
  }

  func run() -> ExitCode {
    arguments.forEachGraph { file in
      guard file.source.name.hasSuffix(".md") else { return check(file) }
      let graphs = file.markdownGraphs
      if !isJSON { Terminal.output.write("\(file.source.name)  \(graphs.count) graphs\n") }
      return graphs.map(check).first { $0 != .success } ?? .success
    }
  }

  private func check(_ file: GraphFile) -> ExitCode {
    let result = file.check(
      catalogue, parameters: arguments.graph.parameters, isStrict: arguments.graph.isStrict)
    if isJSON {
      Terminal.output.write(lines: result.json + "\n")
      return result.plan == nil ? .failure(result) : .success
    }
    Terminal.error.write(
      drawn: result.rendered(color: Terminal.error.isColored, width: Terminal.error.columns))
    guard let plan = result.plan else { return .failure(result) }
    let printer = PlanPrinter(plan, remarks: plan.decodingRemarks(native: arguments.graph.isStrict))
    Terminal.output.write("\(file.source.name)  ok\n\(lines: printer.text + billing(plan))\n")
    guard arguments.options["--world"] != nil else { return .success }
    let findings = WorldLook(
      plan, world: GraphHost.unstarted(file.environment),
      secret: { reference throws(StageError) in
        // Files are read; programs that give a secret are not run.
        guard case .file(let path) = reference else { return nil }
        return try SecretReader.secret(inFile: path)
      }
    ).findings()
    let looks =
      findings.map { ($0.node, $0.result) }
      + plan.decodings(native: arguments.graph.isStrict).map { ($0.node, $0.result) }
    Terminal.output.write(
      looks.isEmpty
        ? "the world: nothing this graph needs can be looked at without running it\n"
        : "the world, looked at without running or dialling anything:\n")
    var problems: [StageError.Code] = []
    for (node, result) in looks {
      switch result {
      case .success(let text): Terminal.output.write("ok       \(node.location): \(text)\n")
      case .failure(let error):
        problems.append(error.code)
        Terminal.output.write("missing  \(node.location): \(error)\n")
      }
    }
    for line in PlanForecast(plan, native: arguments.graph.isStrict).lines {
      Terminal.output.write("\(line)\n")
    }
    return problems.max { $0.severity < $1.severity }.map { .failure($0) } ?? .success
  }

  /// What running the graph costs, as far as can be told without opening its inputs.
  private func billing(_ plan: Plan) -> String {
    plan.nodes.compactMap { node in
      let stage = try? node.specification.make(node.settings)
      return (stage as? Flux)?.billing.map { "\(node.title): \($0)\n" }
    }.joined()
  }
}
