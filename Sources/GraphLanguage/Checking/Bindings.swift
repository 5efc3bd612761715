internal import FluxGraph

/// The first step of a check: the graph's parameters with their values. Whoever reads on has values resolved by it, and what is
/// used noted.
struct Bindings: CheckStep {
  let grounds: Grounds
  var parameters: [String: BoundParameter] = [:]
  /// Where each is first defined.
  var definitions: [String: SourceSpan] = [:]
  /// In the order of their definition.
  var order: [String] = []
  /// The item of the graph that is being read.
  var item = 0
  /// Whether something was left out of a stage's text because it may be secret.
  var isRedacted = false
  /// What from outside is part of a path.
  var pathParts: [PathPart] = []
  /// Parameters that have been told to be secrets on the command line.
  var warnedSettings: Set<String> = []

  init(_ tree: SyntaxTree, _ grounds: Grounds) {
    self.grounds = grounds
    for case .parameter(let parameter) in tree.items where definitions[parameter.name.text] == nil {
      definitions[parameter.name.text] = parameter.name.span
    }
    for (index, item) in tree.items.enumerated() {
      guard case .parameter(let parameter) = item, findings.errorCount < 4 * Checker.maximumErrors else {
        continue
      }
      self.item = index
      bind(parameter)
    }
    checkSettings()
  }

  /// A parameter that is defined before what is being read.
  func bound(_ name: String) -> BoundParameter? {
    parameters[name].flatMap { $0.item <= item ? $0 : nil }
  }
}

/// A parameter of the graph with its value.
struct BoundParameter {
  enum Origin {
    /// Written in the graph.
    case literal(ValueSyntax)
    /// From `--set` or the environment.
    case outside
  }

  var definition: SourceSpan
  /// nil after a mistake that has been reported.
  var value: GraphValue?
  var origin: Origin
  /// What the graph says the value is, as people may see it; nil when it came from the command line.
  var text: String?
  /// The variable of the environment it comes from.
  var variable: String?
  var isUsed = false
  /// Which item of the graph defines it: known from there on.
  var item: Int
}

/// Something from outside that is part of a path: a parameter, or a variable of the environment.
struct PathPart {
  var holder: String
  var text: String
  var span: SourceSpan
}
