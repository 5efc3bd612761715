package import FluxGraph
internal import Glibc
package import GraphLanguage
internal import Platform

/// Looks whether what a plan needs of the world is there: files, directories, programs, devices, addresses and keys. Nothing is made,
/// run or dialled. A run does so before it begins, and `check --world` shows it.
package struct WorldLook: Sendable {
  /// What was found of one need.
  package struct Finding: Sendable {
    /// The stage that has the need.
    package var node: PlanNode
    /// What there is, or what the graph would fail with.
    package var result: Result<String, StageError>
  }

  private let plan: Plan
  private let filesInUse: [FileInUse]
  private let world: World
  private let secret: @Sendable (SecretReference) throws(StageError) -> Secret?

  /// - Parameters:
  ///   - filesInUse: files that are used besides.
  ///   - world: the environment the graph sees, and what the host program provides for stages that ask for it; nothing else of it
  ///     is used.
  ///   - secret: a secret the plan names by where it is to be had; nil where only running the graph would tell.
  package init(
    _ plan: Plan, filesInUse: [FileInUse] = [], world: World,
    secret: @escaping @Sendable (SecretReference) throws(StageError) -> Secret? = { _ in nil }
  ) {
    self.plan = plan
    self.filesInUse = filesInUse
    self.world = world.cutOff
    self.secret = secret
  }

  /// Looks at everything. Blocks for as long as disks and the sound server take.
  /// - Parameter isWanted: which stages are looked at.
  package func findings(of isWanted: (PlanNode) -> Bool = { _ in true }) -> [Finding] {
    var all: [Finding] = []
    findings(of: isWanted, FileConflicts()) { all.append($0) }
    return all
  }

  /// The same, one after the other, and the files that are used.
  func findings(
    of isWanted: (PlanNode) -> Bool = { _ in true }, _ files: FileConflicts, _ found: (Finding) -> Void
  ) {
    let nodes = plan.nodes.filter { !$0.isAutomatic && isWanted($0) }
    // The graph itself is read, too, and what stands for the environment.
    for node in nodes { files.add(graphOf: node.location) }
    for path in [".env", Path(".env").resolved(in: plan.directory, home: nil)] where access(path, F_OK) == 0 {
      files.reserve(FileInUse(path, .read, by: "the environment of the graph"))
    }
    let home = getenv("HOME").map { String(cString: $0) }
    for path in secretFiles {
      let whole = Path(path).resolved(in: plan.directory, home: home)
      files.reserve(FileInUse(whole, .read, by: "`secret(file:\(path))`"))
    }
    for file in filesInUse { files.reserve(file) }
    for node in nodes {
      for need in needs(of: node) {
        let result = Result { () throws(StageError) in
          let text = try need.look()
          if let (path, use) = need.file { try files.add(path, use, by: node) }
          return text
        }
        found(Finding(node: node, result: result))
      }
    }
  }

  /// Files that secrets are read from, or have been.
  private var secretFiles: Set<String> {
    let references = plan.nodes.flatMap(\.settings).flatMap(\.value.secretReferences)
    return references.reduce(into: plan.secretFiles) { files, reference in
      if case .file(let path) = reference { files.insert(path) }
    }
  }

  private func needs(of node: PlanNode) -> [Need] {
    var references: [SecretReference] = []
    let settings = node.settings.map { setting in
      let value = setting.value.filled { reference in
        references.append(reference)
        // What cannot be had is told as a need of its own.
        return (try? secret(reference)) ?? Secret("unknown")
      }
      return StageSetting(setting.option, value)
    }
    let context = OfflineContext(
      name: node.title, category: node.specification.name, directory: node.directory ?? plan.directory,
      world: world
    ).context
    let stage = try? node.specification.make(settings)
    if let source = stage?.form.byteSource, source.exclusiveInput != nil {
      return [Need("/dev/stdin", .read) { "standard input is read" }]
    }
    return (stage?.needs(context) ?? declaredNeeds(of: node, context))
      + references.map { need(of: $0, in: context.directory) }
  }

  /// What the types of a stage's options say: a path is read by a source and written by a sink.
  private func declaredNeeds(of node: PlanNode, _ context: StageContext) -> [Need] {
    node.settings.compactMap { setting in
      guard let option = node.specification.option(named: setting.option), let text = setting.value.text,
        text != "-"
      else { return nil }
      let path = context.resolve(Path(text))
      switch option.type {
      case .path: return node.specification.group == .sink ? .appendedFile(path) : .readableFile(path)
      case .pathTemplate:
        // Up to the first field the path is known.
        let known = path.prefix { $0 != "{" }
        return known == path ? .appendedFile(path) : .writableDirectory(directory(of: known + "x"))
      default: return nil
      }
    }
  }

  private func need(of reference: SecretReference, in directory: String) -> Need {
    switch reference {
    case .file(let path):
      Need { [secret] () throws(StageError) in
        _ = try secret(reference)
        return "\(path) can be read"
      }
    case .program(let words): .program(words.first ?? "", in: directory)
    }
  }
}
