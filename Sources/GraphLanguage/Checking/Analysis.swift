internal import FluxGraph

/// The work of one check: names, options and types on the way from the syntax tree to the plan.
struct Analysis {
  let source: GraphSource
  let catalogue: Catalogue
  let options: Checker.Options
  private(set) var diagnostics: [Diagnostic]
  private(set) var errorCount = 0
  /// Literals that must not be shown.
  var masked: [SourceSpan] = []

  var parameters: [String: BoundParameter] = [:]
  var names: [String: BoundName] = [:]
  /// Where each name and parameter is first defined, whether before or after its uses.
  var definitions: [String: SourceSpan] = [:]
  var parameterDefinitions: [String: SourceSpan] = [:]
  /// Names and parameters in the order of their definition.
  var nameOrder: [String] = []
  /// Names bound by the arms of routes.
  var armNames: Set<String> = []
  var parameterOrder: [String] = []

  var nodes: [DraftNode] = []
  /// Whether something was left out of a stage's text because it may be secret.
  var isRedacted = false
  /// Events conditions wait for: where they are named, and the node that waits.
  var awaitedEvents: [(SourceSpan, String, Int)] = []
  var hasStatement = false
  /// Heads that no stage or stream is called, and streams that carry something else than is wanted of them: each is one mistake,
  /// however often it shows.
  var unknownHeads: Set<String> = []
  var mismatchedStreams: Set<Endpoint> = []
  /// What from outside is part of a path.
  var pathParts: [PathPart] = []
  /// Parameters that have been told to be secrets on the command line.
  var warnedSettings: Set<String> = []
  /// Streams that tests feed or look at.
  var testedStreams: Set<Endpoint> = []

  init(
    source: GraphSource, catalogue: Catalogue, options: Checker.Options, syntaxErrors: [Diagnostic]
  ) {
    self.source = source
    self.catalogue = catalogue
    self.options = options
    diagnostics = syntaxErrors
    errorCount = syntaxErrors.count
  }

  mutating func add(_ diagnostic: Diagnostic) {
    diagnostics.append(diagnostic)
    if diagnostic.severity == .error { errorCount += 1 }
  }

  mutating func report(
    _ code: DiagnosticCode, _ message: String, at span: SourceSpan, label: String = "",
    secondary: [Diagnostic.Label] = [], notes: [String] = [], help: String? = nil,
    replacement: Diagnostic.Replacement? = nil
  ) {
    add(
      Diagnostic(
        code, message, at: .init(span, label), secondary: secondary, notes: notes, help: help,
        replacement: replacement))
  }

  var hasErrors: Bool { errorCount > 0 }

  /// Takes back what the diagnostic reported as number `index` proposes: it would not put things right.
  mutating func withdrawProposal(_ index: Int) {
    diagnostics[index].replacement = nil
    diagnostics[index].help = nil
    diagnostics[index].primary?.text = ""
  }

  /// Sorted by place, the surplus dropped, secrets marked.
  func finishedDiagnostics() -> [Diagnostic] {
    var errors = 0
    let sorted = diagnostics.enumerated().sorted {
      ($0.element.primary?.span.lower ?? -1, $0.offset) < ($1.element.primary?.span.lower ?? -1, $1.offset)
    }
    return sorted.compactMap { _, diagnostic in
      if diagnostic.severity == .error {
        errors += 1
        if errors > Checker.maximumErrors { return nil }
      }
      return seen(diagnostic)
    }
  }
}

extension Analysis {
  /// A diagnostic as it may be seen. What holds a secret cannot be proposed: applied, the dots would take its place.
  private func seen(_ diagnostic: Diagnostic) -> Diagnostic {
    var seen = diagnostic
    let secrets = options.secrets
    seen.masked = masked
    seen.message = secrets.masked(diagnostic.message)
    seen.notes = diagnostic.notes.map(secrets.masked)
    seen.help = diagnostic.help.map(secrets.masked)
    if let text = diagnostic.replacement?.text, secrets.masked(text) != text { seen.replacement = nil }
    return seen
  }
}

/// Something from outside that is part of a path: a parameter, or a variable of the environment.
struct PathPart {
  var holder: String
  var text: String
  var span: SourceSpan
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
}

/// A name and the streams it stands for: one, or several after `both = me, them`.
struct BoundName {
  var definition: SourceSpan
  var streams: [Endpoint]
  /// Whether what it stands for could not be read; then nothing more is said about it.
  var isPoisoned: Bool
  var isUsed = false
}

/// An output of a node, as something else refers to it.
struct Endpoint: Hashable {
  var node: Int
  var port: String?
  /// Where it is named: the reference, or the stage before the `|`.
  var span: SourceSpan
}

/// A stage of the plan in the making.
struct DraftNode {
  var specification: StageSpecification
  var settings: [StageSetting]
  var text: String
  var stage: any Stage
  var name: String?
  var span: SourceSpan
  /// The stage's word.
  var word: SourceSpan
  var isAutomatic = false
  /// Whether it stands for an arm of a route that is not its first.
  var isFurtherArm = false
  var inputs: [Endpoint]
  /// What comes in and goes out; nil where nothing does, and where a mistake makes it unknown.
  var input: StreamType?
  var output: StreamType?
  var wanted: AudioRequirement?
  /// After a mistake, nothing more is said about what comes out.
  var isPoisoned = false
  /// The first place on the way from the source where the audio goes several ways; pacing belongs before it.
  var firstTee: Int?

  var role: AdapterRole? { specification.role }
}
