internal import AudioStages
internal import FluxGraph
internal import Glibc
internal import GraphLanguage

/// Looks whether what a plan needs is there: files, directories, programs, devices and keys. Nothing is opened, run or dialled; a
/// sound server is only asked for its list. What `check --world` says.
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
    var sound = PulseProbe()
    return plan.nodes.filter { !$0.isAutomatic }.flatMap { node in
      findings(node) + [device(node, &sound)].compactMap { $0 }
    }
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
      case (.list(.text), .list(let words)) where ["command", "program"].contains(option.name):
        if let name = words.first?.text { found.append(program(name, node)) }
      case (_, .secretReference(.file(let path))): found.append(readable(path, node))
      case (_, .secretReference(.program(let words))):
        if let name = words.first { found.append(program(name, node)) }
      default: break
      }
    }
    return found + KeyProbe(environment).findings(node)
  }

  /// A microphone, an output or a program that plays.
  private func device(_ node: PlanNode, _ sound: inout PulseProbe) -> Finding? {
    guard let stage = try? node.specification.make(node.settings) else { return nil }
    do throws(StageError) {
      return try sound.finding(stage).map { Finding(location: node.location, text: $0, isGood: true) }
    } catch {
      return Finding(location: node.location, text: error.description, isGood: false, code: .unavailable)
    }
  }

  /// A program by its path, or by its name in the directories of PATH.
  private func program(_ name: String, _ node: PlanNode) -> Finding {
    var candidates = [resolved(name, node)]
    if !name.contains("/") {
      let path = getenv("PATH").map { String(cString: $0) } ?? "/usr/local/bin:/usr/bin:/bin"
      candidates = path.split(separator: ":").map { "\($0)/\(name)" }
    }
    if let found = candidates.first(where: { access($0, X_OK) == 0 }) {
      return Finding(location: node.location, text: "\(found) can be run", isGood: true)
    }
    return Finding(
      location: node.location,
      text: name.contains("/")
        ? "\(candidates[0]) is no program" : "no program is called `\(name)` in the directories of PATH",
      isGood: false, code: .unavailable)
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
}
