/// Reads a graph and the graphs it takes names over from, each once, into one tree and one text.
struct GraphLoader {
  /// Graphs that use graphs, and files in all: more than anyone keeps apart.
  static let maximumDepth = 16
  static let maximumFiles = 32

  private(set) var source: GraphSource
  private(set) var diagnostics: [Diagnostic] = []
  /// The graphs that are used, and what each keeps to itself.
  private(set) var usedGraphs: [UsedGraph] = []
  /// The items of all files with what used graphs keep to themselves, each in its place.
  private(set) var allItems: [ItemSyntax] = []
  private let isStage: (String) -> Bool
  private let readGraph: @Sendable (String) -> Result<String, Checker.UnreadableFile>
  private var loaded: Set<String> = []
  /// The graphs being read, from the outermost inwards, with the place that named them.
  private var path: [(name: String, place: SourceSpan?)] = []

  init(
    _ source: GraphSource, isStage: @escaping (String) -> Bool,
    _ readGraph: @escaping @Sendable (String) -> Result<String, Checker.UnreadableFile>
  ) {
    self.source = source
    self.isStage = isStage
    self.readGraph = readGraph
  }

  /// The items of all files, those of a used graph in the place of its `use`. Of these only what has a name is taken over: its
  /// other chains and its tests are its own.
  mutating func load() -> SyntaxTree {
    path = [(Self.normalized(source.name), nil)]
    let (tree, problems) = Parser.parse(source)
    return SyntaxTree(items: items(of: tree, problems, usedBy: nil))
  }

  /// - Parameter use: where the graph is named whose items they are; nil for the graph itself.
  private mutating func items(
    of tree: SyntaxTree, _ problems: [Diagnostic], usedBy use: UseSyntax?
  ) -> [ItemSyntax] {
    let directory = source.files[source.files.count - 1].directory
    diagnostics += problems
    var items: [ItemSyntax] = []
    var chains: [SourceSpan] = []
    for item in tree.items where diagnostics.count < Parser.maximumErrors {
      switch item {
      case .use(let use): items += used(use, from: directory)
      case .test where use != nil: break
      case .statement(let statement) where use != nil && !Self.bindsNames(statement):
        chains.append(statement.span)
        allItems.append(item)
      default:
        items.append(item)
        allItems.append(item)
      }
    }
    if let use { usedGraphs.append(UsedGraph(path: use.path, chains: chains, isTakenOver: !items.isEmpty)) }
    return items
  }

  /// Whether a text that was named as a graph has anything of one: a stage that is known, or nothing that cannot be read.
  private func isGraph(_ tree: SyntaxTree, _ problems: [Diagnostic]) -> Bool {
    var hasOnlyNames = problems.isEmpty
    for case .statement(let statement) in tree.items {
      let stages = statement.stages.map(\.word.text)
      switch statement.head {
      case .stage(let stage)? where isStage(stage.word.text): return true
      case .stage?, nil: hasOnlyNames = false
      case .union?: hasOnlyNames = hasOnlyNames && statement.name != nil
      }
      if stages.contains(where: isStage) || statement.stages.contains(where: { $0.route != nil }) {
        return true
      }
    }
    return hasOnlyNames
  }

  private static func bindsNames(_ statement: StatementSyntax) -> Bool {
    statement.name != nil || statement.stages.contains { $0.route != nil }
  }

  private mutating func used(_ use: UseSyntax, from directory: String) -> [ItemSyntax] {
    let place = use.path.span
    let written = use.path.text
    let isAbsolute = written.hasPrefix("/")
    let isHere = directory.isEmpty || directory == "."
    let file = Self.normalized(isAbsolute || isHere ? written : directory + "/" + written)
    if let index = path.firstIndex(where: { $0.name == file }) {
      let next = path.indices.contains(index + 1) ? path[index + 1].place : nil
      guard index < path.count - 1 else {
        report(.useCycle, "`\(written)` is this graph itself", at: place, help: "take the line out")
        return []
      }
      report(
        .useCycle, "`\(written)` uses this graph in turn", at: place,
        secondary: next.map { [.init($0, "by way of this")] } ?? [],
        help: "move what both need into a third graph, and use that in both")
      return []
    }
    guard loaded.insert(file).inserted else { return [] }
    guard path.count < Self.maximumDepth, loaded.count < Self.maximumFiles else {
      report(.tooDeep, "graphs use one another too deeply, or too many of them", at: place)
      return []
    }
    switch readGraph(file) {
    case .failure(let problem):
      report(
        .unreadableFile, problem.message, at: place,
        help: "the path is relative to the directory of the graph it is written in")
      return []
    case .success(let text):
      guard source.bytes.count + text.utf8.count < Parser.maximumLength else {
        report(.tooLarge, "a graph and those it uses must not be longer than 1 MB together", at: place)
        return []
      }
      let own = file.lastIndex(of: "/").map { String(file[...$0]) } ?? "."
      source.append(GraphSource(name: file, text: text, directory: own))
      let (tree, problems) = Parser.parse(source)
      guard !tree.items.isEmpty || !problems.isEmpty else {
        report(
          .notAGraph, "there is nothing in `\(written)` to take over", at: place,
          help: "`use` takes over the names and parameters of another graph")
        return []
      }
      guard isGraph(tree, problems) else {
        report(
          .notAGraph, "`\(written)` is no graph: no stage is named in it", at: place,
          help: "`use` takes over the names and parameters of another graph")
        return []
      }
      path.append((file, place))
      defer { path.removeLast() }
      return items(of: tree, problems, usedBy: use)
    }
  }

  private mutating func report(
    _ code: DiagnosticCode, _ message: String, at span: SourceSpan, secondary: [Diagnostic.Label] = [],
    help: String? = nil
  ) {
    diagnostics.append(Diagnostic(code, message, at: .init(span), secondary: secondary, help: help))
  }

  /// The path without `.` and, as far as it can be told without looking, without `..`.
  static func normalized(_ path: String) -> String {
    var parts: [Substring] = []
    for part in path.split(separator: "/") where part != "." {
      if part == "..", let last = parts.last, last != ".." { parts.removeLast() } else { parts.append(part) }
    }
    let text = (path.hasPrefix("/") ? "/" : "") + parts.joined(separator: "/")
    return text.isEmpty ? "." : text
  }
}

/// A graph that another one uses.
struct UsedGraph {
  /// What `use` names, where it does.
  var path: WordSyntax
  /// Chains without a name, which it keeps to itself.
  var chains: [SourceSpan]
  /// Whether anything of it is taken over.
  var isTakenOver: Bool

  private static let mostShown = 4

  /// What a user who expects its chains to run has to know; nil when it keeps none to itself.
  var note: Diagnostic? {
    guard !chains.isEmpty else { return nil }
    let count = chains.count == 1 ? "a chain" : "\(chains.count) chains"
    let verb = chains.count == 1 ? "does" : "do"
    return Diagnostic(
      code: DiagnosticCode.chainLeftOut.rawValue, severity: isTakenOver ? .note : .warning,
      isTakenOver
        ? "\(count) of `\(path.text)` without a name \(verb) not run here"
        : "nothing in `\(path.text)` has a name, so that none of it runs here",
      at: .init(path.span), secondary: chains.prefix(Self.mostShown).map { .init($0, "left out") },
      notes: chains.count > Self.mostShown ? ["and \(chains.count - Self.mostShown) more"] : [],
      help: "what is to run here as well needs a name there: `NAME = …`")
  }
}
