package import FluxGraph

/// Checks a graph against the stages a program knows, and plans it.
package struct Checker: Sendable {
  /// What a graph depends on besides its text.
  package struct Options: Sendable {
    /// Values for the graph's parameters, as `--set` gives them.
    package var parameters: [String: String]
    /// The value of an environment variable; nil when it is not set.
    package var environment: @Sendable (String) -> String?
    /// Whether stages the checker would insert must be written.
    package var isStrict: Bool
    /// The text of a graph named by `use`, by its path from the working directory.
    package var readGraph: @Sendable (String) -> Result<String, UnreadableFile>
    /// Whether secrets may be missing: for drawings and tests, which use none.
    package var allowsMissingSecrets: Bool
    /// Whether a graph may have no sink: where a program reads the streams it names.
    package var allowsMissingSinks: Bool
    /// Where what the graph is given as secret is made known as such.
    package var secrets: SecretRegister

    package init(
      parameters: [String: String] = [:], environment: @escaping @Sendable (String) -> String? = { _ in nil },
      isStrict: Bool = false,
      readGraph: @escaping @Sendable (String) -> Result<String, UnreadableFile> = { _ in
        .failure(UnreadableFile("no other graph can be read here"))
      },
      allowsMissingSecrets: Bool = false, allowsMissingSinks: Bool = false,
      secrets: SecretRegister = SecretRegister()
    ) {
      self.parameters = parameters
      self.environment = environment
      self.isStrict = isStrict
      self.readGraph = readGraph
      self.allowsMissingSecrets = allowsMissingSecrets
      self.allowsMissingSinks = allowsMissingSinks
      self.secrets = secrets
    }
  }

  /// Why a graph named by `use` cannot be read.
  package struct UnreadableFile: Error {
    package var message: String

    package init(_ message: String) {
      self.message = message
    }
  }

  /// Errors shown; the more there are, the less the later ones help.
  package static let maximumErrors = Parser.maximumErrors

  private let catalogue: Catalogue
  private let options: Options

  package init(catalogue: Catalogue, options: Options = Options()) {
    self.catalogue = catalogue
    self.options = options
  }

  /// Reads and checks a graph. Nothing is executed, loaded or dialled.
  package func check(_ source: GraphSource) -> CheckResult {
    var loader = GraphLoader(source, isStage: { catalogue[$0] != nil }, options.readGraph)
    let tree = loader.load()
    let findings = Findings(loader.diagnostics)
    let grounds = Grounds(source: loader.source, catalogue: catalogue, options: options, findings: findings)
    let draft = Draft(tree, Bindings(tree, grounds))
    let graph = TypedGraph(draft)
    checkLeftOut(loader, findings)
    var testing = TestChecking(draft, graph)
    let tests = testing.tests(tree)
    let plan = graph.plan()
    return CheckResult(
      plan: plan, tests: plan == nil ? nil : tests, diagnostics: findings.finished(options.secrets),
      omittedErrors: max(0, findings.errorCount - Self.maximumErrors), source: loader.source)
  }

  /// Checks what used graphs keep to themselves as if it ran here: a mistake in it is one, wherever it shows first. What depends on
  /// what else runs, and on the environment of whoever runs it, is none here.
  private func checkLeftOut(_ loader: GraphLoader, _ findings: Findings) {
    let chains = loader.usedGraphs.flatMap(\.chains)
    guard !chains.isEmpty else { return }
    var lenient = options
    lenient.isStrict = false
    lenient.allowsMissingSecrets = true
    lenient.allowsMissingSinks = true
    let whole = Findings([])
    let grounds = Grounds(source: loader.source, catalogue: catalogue, options: lenient, findings: whole)
    let tree = SyntaxTree(items: loader.allItems)
    _ = TypedGraph(Draft(tree, Bindings(tree, grounds)))
    let circumstances: Set<String> = Set(
      [DiagnosticCode.missingVariable, .missingParameter, .inputReadTwice, .duplicateStream].map(\.rawValue))
    for diagnostic in whole.diagnostics where diagnostic.severity == .error {
      guard let place = diagnostic.primary?.span, !circumstances.contains(diagnostic.code),
        chains.contains(where: { $0.lower <= place.lower && place.lower <= $0.upper })
      else { continue }
      findings.add(diagnostic)
    }
    findings.masked += whole.masked
    guard findings.errorCount == 0 else { return }
    for graph in loader.usedGraphs { if let note = graph.note { findings.add(note) } }
  }

  /// Reads one stage with its options, as it stands in a chain, and nothing around it.
  /// - Parameters:
  ///   - before: the words of a source to put before it, for a stage that is none.
  ///   - after: the word of a sink to put behind it, for a stage that is none.
  /// - Throws: `StageTextError` with what `check` would print.
  package func stage(
    _ text: String, before: String?, after: String?
  ) throws(StageTextError) -> (specification: StageSpecification, settings: [StageSetting]) {
    let chain = [before, text, after].compactMap { $0 }.joined(separator: " | ")
    var loader = GraphLoader(
      GraphSource(name: "stage", text: chain, directory: "."), isStage: { catalogue[$0] != nil },
      options.readGraph)
    let tree = loader.load()
    let findings = Findings(loader.diagnostics)
    let grounds = Grounds(source: loader.source, catalogue: catalogue, options: options, findings: findings)
    let draft = Draft(tree, Bindings(tree, grounds))
    let index = before == nil ? 0 : 1
    guard !draft.hasErrors, draft.nodes.indices.contains(index) else {
      let result = CheckResult(
        plan: nil, tests: nil, diagnostics: findings.finished(options.secrets), omittedErrors: 0,
        source: loader.source)
      throw StageTextError(description: result.rendered(color: false))
    }
    return (draft.nodes[index].specification, draft.nodes[index].settings)
  }
}

/// The text of a stage is wrong.
package struct StageTextError: Error, CustomStringConvertible {
  package var description: String
}

/// What came of checking a graph.
package struct CheckResult: Sendable {
  /// nil exactly when there are errors.
  package let plan: Plan?
  /// The graph's tests; nil when there are errors.
  package let tests: GraphTests?
  /// In the order of the text: all warnings, and the first `Checker.maximumErrors` errors.
  package let diagnostics: [Diagnostic]
  /// Errors found beyond those.
  package let omittedErrors: Int
  /// The graph's text, with that of the graphs it uses.
  package let source: GraphSource

  /// Whether the text is right, and only what `--set` gives its parameters is wrong.
  package var blamesParameters: Bool {
    let errors = diagnostics.filter { $0.severity == .error }
    return !errors.isEmpty && omittedErrors == 0
      && errors.allSatisfy { $0.primary == nil && $0.code != DiagnosticCode.emptyGraph.rawValue }
  }

  /// Whether text and settings are right, and only a key or a header from outside is not.
  package var blamesSecrets: Bool {
    let errors = diagnostics.filter { $0.severity == .error }
    return !errors.isEmpty && omittedErrors == 0
      && errors.allSatisfy { $0.code == DiagnosticCode.unusableSecret.rawValue }
  }

  /// All diagnostics as text, with an empty line after each.
  /// - Parameter width: the columns there are.
  package func rendered(color: Bool, width: Int = .max) -> String {
    let texts = diagnostics.map { $0.rendered(source: source, color: color, width: width) + "\n" }
    return texts.joined() + (omittedErrors > 0 ? "and \(omittedErrors) more errors\n" : "")
  }
}
