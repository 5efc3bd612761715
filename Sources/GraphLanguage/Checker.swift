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

    package init(
      parameters: [String: String] = [:], environment: @escaping @Sendable (String) -> String? = { _ in nil },
      isStrict: Bool = false
    ) {
      self.parameters = parameters
      self.environment = environment
      self.isStrict = isStrict
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
    let (tree, syntaxErrors) = Parser.parse(source)
    var analysis = Analysis(
      source: source, catalogue: catalogue, options: options, syntaxErrors: syntaxErrors)
    analysis.read(tree)
    analysis.inferTypes()
    let plan = analysis.plan()
    return CheckResult(
      plan: plan, diagnostics: analysis.finishedDiagnostics(),
      omittedErrors: max(0, analysis.errorCount - Self.maximumErrors), source: source)
  }
}

/// What came of checking a graph.
package struct CheckResult: Sendable {
  /// nil exactly when there are errors.
  package let plan: Plan?
  /// In the order of the text: all warnings, and the first `Checker.maximumErrors` errors.
  package let diagnostics: [Diagnostic]
  /// Errors found beyond those.
  package let omittedErrors: Int
  package let source: GraphSource

  /// All diagnostics as text, with an empty line after each.
  package func rendered(color: Bool) -> String {
    let texts = diagnostics.map { $0.rendered(source: source, color: color) + "\n" }
    return texts.joined() + (omittedErrors > 0 ? "and \(omittedErrors) more errors\n" : "")
  }
}
