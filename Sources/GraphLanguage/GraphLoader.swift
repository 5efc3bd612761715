/// Reads a graph and the graphs it takes names over from, each once, into one tree and one text.
struct GraphLoader {
  /// Graphs that use graphs, and files in all: more than anyone keeps apart.
  static let maximumDepth = 16
  static let maximumFiles = 32

  private(set) var source: GraphSource
  private(set) var diagnostics: [Diagnostic] = []
  private let readGraph: @Sendable (String) -> Result<String, Checker.UnreadableFile>
  private var loaded: Set<String> = []
  /// The graphs being read, from the outermost inwards, with the place that named them.
  private var path: [(name: String, place: SourceSpan?)] = []

  init(
    _ source: GraphSource, _ readGraph: @escaping @Sendable (String) -> Result<String, Checker.UnreadableFile>
  ) {
    self.source = source
    self.readGraph = readGraph
  }

  /// The items of all files, those of a used graph in the place of its `use`. Of these only what has a name is taken over: its
  /// other chains and its tests are its own.
  mutating func load() -> SyntaxTree {
    path = [(Self.normalized(source.name), nil)]
    return SyntaxTree(items: parsedItems(isUsed: false))
  }

  private mutating func parsedItems(isUsed: Bool) -> [ItemSyntax] {
    let directory = source.files[source.files.count - 1].directory
    let (tree, problems) = Parser.parse(source)
    diagnostics += problems
    var items: [ItemSyntax] = []
    for item in tree.items where diagnostics.count < Parser.maximumErrors {
      switch item {
      case .use(let use): items += used(use, from: directory)
      case .test where isUsed: break
      case .statement(let statement) where isUsed && !Self.bindsNames(statement): break
      default: items.append(item)
      }
    }
    return items
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
      path.append((file, place))
      defer { path.removeLast() }
      return parsedItems(isUsed: true)
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
    return (path.hasPrefix("/") ? "/" : "") + parts.joined(separator: "/")
  }
}
