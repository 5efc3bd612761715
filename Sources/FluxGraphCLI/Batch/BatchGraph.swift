internal import FluxGraph
internal import FluxGraphHost
internal import GraphLanguage
internal import GraphRuntime
internal import Platform

/// What is known of a batch's graph before its inputs are looked at one by one.
struct BatchGraph: Sendable {
  /// Sessions with Flux, or another recogniser, that each input has at once.
  let sessionsEach: Int
  /// What the graph writes wherever its input lies and whatever it is called.
  let commonOutputs: Set<String>
  let hasOutputs: Bool
  /// The plan of an input that is not there.
  let sample: Plan
  /// The stages that are the same whatever the input.
  private let commonStages: Set<Int>

  /// Checks the graph, and shows what there is to say about it.
  /// - Parameters:
  ///   - first: the first input, which the diagnostics speak of.
  ///   - check: checks the graph for a value of `$input`.
  /// - Returns: nil when the graph is wrong, which has been told.
  /// - Throws: `StageError` when it is no graph for a batch.
  init?(
    _ file: GraphFile, first: BatchInput, directory: String, check: (String) -> CheckResult
  ) throws(StageError) {
    let result = check(first.value)
    if result.diagnostics.contains(where: Self.isMissingParameter) {
      throw StageError(
        .badGraph, "\(file.source.name) has no `param input`, so that nothing tells it which input to take",
        help: "Add the line `param input`, and use it: `file $input | …`.")
    }
    // The same graph for two inputs that have nothing but their ending in common.
    let samples = (1...2).map { check(Self.sample($0, like: first.value)) }
    guard let one = samples[0].plan, let other = samples[1].plan else {
      let wrong = result.plan == nil ? result : samples[0]
      Terminal.error.write(drawn: wrong.rendered(color: Terminal.error.isColored))
      return nil
    }
    let warnings = result.diagnostics.filter {
      $0.severity != .error && $0.code != DiagnosticCode.unusedParameter.rawValue
    }
    for warning in warnings {
      Terminal.error.write(
        drawn: warning.rendered(source: result.source, color: Terminal.error.isColored) + "\n")
    }
    guard one.nodes.map(\.settings) != other.nodes.map(\.settings) else {
      throw StageError(
        .badGraph, "\(file.source.name) does not use `$input`: it would do the same for every input",
        help: "Use it where the input belongs: `file $input | …`.")
    }
    sessionsEach = one.nodes.reduce(0) { count, node in
      guard node.specification.group == .recogniser else { return count }
      let isSplit = node.settings.contains { $0.option == "channels" && $0.value.text == "split" }
      return count + (isSplit ? 2 : 1)
    }
    sample = one
    commonStages = Set(
      zip(one.nodes, other.nodes).filter { $0.settings == $1.settings && $0.location == $1.location }.map(
        \.0.id))
    let outputs = one.outputs(in: directory)
    hasOutputs = !outputs.isEmpty
    commonOutputs = Set(outputs.map(\.path)).intersection(other.outputs(in: directory).map(\.path))
  }

  /// What every input would fail with: best known once, before the first.
  /// - Parameter sample: the plan of the sample, with its secrets.
  func problems(
    of sample: Plan, world: World
  ) -> [(location: String, error: StageError)] {
    WorldLook(sample, world: world)
      .findings { commonStages.contains($0.id) }
      .compactMap { finding in
        if case .failure(let error) = finding.result { (finding.node.location, error) } else { nil }
      }
  }

  private static func isMissingParameter(_ diagnostic: Diagnostic) -> Bool {
    diagnostic.code == DiagnosticCode.unknownParameter.rawValue
      && diagnostic.message.hasPrefix("`--set input=")
  }

  private static func sample(_ number: Int, like value: String) -> String {
    let name = ParameterPart.name.text(of: value)
    let root = value.contains("://") ? "https://sample-\(number).invalid" : "/sample-\(number)"
    return "\(root)/\(number)-\(name)"
  }
}
