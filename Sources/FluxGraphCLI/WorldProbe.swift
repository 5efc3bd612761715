internal import FluxGraph
internal import Glibc
internal import GraphLanguage

/// Looks whether what a plan needs is there, without dialling or changing anything: what `check --world` says.
struct WorldProbe {
  private let plan: Plan
  private let environment: GraphEnvironment

  init(_ plan: Plan, _ environment: GraphEnvironment) {
    self.plan = plan
    self.environment = environment
  }

  /// One line for each thing looked at.
  struct Finding {
    var location: String
    var text: String
    var isGood: Bool
    /// What `run` would fail with if it is not.
    var code = StageError.Code.inputOutput
  }

  func findings() -> [Finding] {
    plan.nodes.filter { !$0.isAutomatic }.flatMap(findings)
  }

  private func findings(_ node: PlanNode) -> [Finding] {
    var found: [Finding] = []
    for setting in node.settings {
      guard let option = node.specification.option(named: setting.option) else { continue }
      switch (option.type, setting.value) {
      case (.path, let value):
        guard let text = value.text, text != "-" else { continue }
        let isRead = node.specification.kind != .sink
        found.append(isRead ? readable(text, node) : writable(text, node))
      case (.pathTemplate, let value):
        // Up to the first field the path is known.
        guard let text = value.text else { continue }
        let known = text.prefix { $0 != "{" }
        found.append(writable(text.contains("{") ? known + "x" : String(known), node))
      case (_, .secretReference(.file(let path))): found.append(readable(path, node))
      default: break
      }
    }
    if node.specification.name == "flux", let finding = key(node) { found.append(finding) }
    return found
  }

  private func resolved(_ text: String, _ node: PlanNode) -> String {
    let home = getenv("HOME").map { String(cString: $0) }
    return Path(text).resolved(in: node.directory ?? plan.directory, home: home)
  }

  private func readable(_ text: String, _ node: PlanNode) -> Finding {
    let path = resolved(text, node)
    var status = stat()
    guard stat(path, &status) == 0, access(path, R_OK) == 0 else {
      return Finding(
        location: node.location, text: "\(path): \(String(cString: strerror(errno)))", isGood: false)
    }
    guard status.st_mode & S_IFMT != S_IFDIR else {
      return Finding(location: node.location, text: "\(path) is a directory", isGood: false)
    }
    return Finding(location: node.location, text: "\(path) can be read", isGood: true)
  }

  /// A file that is there must be writable, or else the first directory above it that is.
  private func writable(_ text: some StringProtocol, _ node: PlanNode) -> Finding {
    let path = resolved(String(text), node)
    if access(path, F_OK) == 0 { return answer(access(path, W_OK), "\(path) can be written", path, node) }
    var directory = path
    repeat {
      directory = directory.lastIndex(of: "/").map { String(directory[..<$0]) } ?? "."
      if directory.isEmpty { directory = "/" }
    } while access(directory, F_OK) != 0 && directory != "." && directory != "/"
    return answer(access(directory, W_OK | X_OK), "\(path) can be made", directory, node)
  }

  private func answer(_ result: Int32, _ good: String, _ path: String, _ node: PlanNode) -> Finding {
    let problem = String(cString: strerror(errno))
    return Finding(
      location: node.location, text: result == 0 ? good : "\(path) cannot be written: \(problem)",
      isGood: result == 0)
  }

  /// Whether there is a key for a service that wants one. The key itself is not looked at.
  private func key(_ node: PlanNode) -> Finding? {
    let given = Set(node.settings.map(\.option))
    let endpoint = node.settings.first { $0.option == "endpoint" }?.value.text ?? "deepgram"
    guard !given.contains("key"), endpoint.hasPrefix("deepgram") else { return nil }
    let isSet = environment["DEEPGRAM_API_KEY"].map { !$0.isEmpty } ?? false
    return Finding(
      location: node.location,
      text: isSet
        ? "DEEPGRAM_API_KEY is set"
        : "there is no key: set DEEPGRAM_API_KEY, or write it into a .env file, or use endpoint=local",
      isGood: isSet, code: .refused)
  }
}
