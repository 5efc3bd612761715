internal import FluxGraph
internal import Glibc
internal import GraphLanguage
internal import GraphRuntime
internal import Platform

/// A file or directory a graph writes.
struct BatchOutput: Sendable, Hashable {
  /// From the root on, or as far as it is known before the first event: with its fields in braces.
  var path: String
  /// Whether several may write it at once, as lines are appended.
  var isShareable: Bool
  /// Whether the path is known before the first event.
  var isFixed: Bool
  /// The stage, as people know it, and its number in the plan.
  var stage: String
  var node: Int
}

extension Plan {
  /// What the plan's sinks write: every path among their options.
  func outputs(in directory: String) -> [BatchOutput] {
    nodes.filter { $0.output == nil && $0.input != nil }.flatMap { node in
      node.settings.compactMap { setting -> BatchOutput? in
        guard let option = node.specification.option(named: setting.option), let text = setting.value.text,
          option.type == .path || option.type == .pathTemplate, text != "-"
        else { return nil }
        let template = option.type == .pathTemplate ? try? PathTemplate.parse(setting.value) : nil
        let isFixed = template?.template.fieldNames.isEmpty ?? true
        let path = isFixed ? template?.rendered { _ in nil } ?? Path(text) : Path(text)
        let home = getenv("HOME").map { String(cString: $0) }
        let whole = path.resolved(in: node.directory ?? self.directory, home: home)
        // Lines are appended by sinks that have no `overwrite`.
        let appends = option.isPositional && node.specification.option(named: "overwrite") == nil
        return BatchOutput(
          path: BatchInputs.value(of: whole, in: directory), isShareable: appends, isFixed: isFixed,
          stage: node.title, node: node.id)
      }
    }
  }
}

/// Finds outputs that several inputs would write.
struct BatchCollisions {
  private var writers: [String: String] = [:]
  private let inputs: Set<String>
  /// Outputs that are the same whatever the input.
  private let common: Set<String>
  /// Files the batch itself uses.
  private let own: [FilePlace: String]

  /// - Parameters:
  ///   - common: outputs that are the same for two inputs that have nothing in common.
  init(inputs: [BatchInput], common: Set<String>, own: [FileInUse] = []) {
    self.own = Dictionary(own.map { (FilePlace($0.path), $0.user) }) { first, _ in first }
    self.inputs = Set(inputs.map(\.value))
    self.common = common
  }

  /// Adds what one input writes; returns what is wrong with that, as a sentence and what to do.
  mutating func add(_ input: BatchInput, _ outputs: [BatchOutput]) -> (problem: String, help: String)? {
    for output in outputs where !output.path.hasPrefix("/dev/") {
      if let user = own[FilePlace(output.path)] {
        return (
          "`\(output.stage)` would write \(output.path), which is \(user)", "Give one of them another name."
        )
      }
      if inputs.contains(output.path) {
        return (
          "`\(output.stage)` would write \(output.path), which is an input", "Give the output another name."
        )
      }
      if common.contains(output.path) {
        if output.isShareable { continue }
        return (
          "every input would write \(output.path) with `\(output.stage)`",
          "Name the input in it: `{$input.stem}`."
        )
      }
      guard let other = writers.updateValue(input.name, forKey: output.path), other != input.name else {
        continue
      }
      return (
        "\(other) and \(input.name) would both write \(output.path) with `\(output.stage)`",
        "Tell them apart, such as with `{$input.directory}` or `{$input.name}`."
      )
    }
    return nil
  }
}
