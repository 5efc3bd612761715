internal import FluxGraph

extension CheckResult {
  /// What to say of the files that the plan's sources read and that are not there: told before anything starts, with the place in
  /// the graph. Pipes and devices count as files.
  /// - Parameters:
  ///   - home: what `~` stands for.
  ///   - isThere: whether there is a file at a path.
  ///   - neighbours: the names in the directory of a path.
  package func missingFiles(
    home: String?, isThere: (String) -> Bool, neighbours: (String) -> [String]
  ) -> [Diagnostic] {
    guard let plan else { return [] }
    var found: [Diagnostic] = []
    for node in plan.nodes where node.specification.group == .source {
      for setting in node.settings {
        guard node.specification.option(named: setting.option)?.type == .path, let text = setting.value.text,
          text != "-"
        else { continue }
        let directory = node.directory ?? plan.directory
        let path = Path(text).resolved(in: directory, home: home)
        if isThere(path) { continue }
        found.append(missingFile(text, path, node, neighbours(path)))
      }
    }
    return found
  }

  private func missingFile(
    _ text: String, _ path: String, _ node: PlanNode, _ neighbours: [String]
  ) -> Diagnostic {
    let slash = text.lastIndex(of: "/").map { text.index(after: $0) } ?? text.startIndex
    let near = Suggestions.nearest(to: String(text[slash...]), in: neighbours).map { text[..<slash] + $0 }
    // What comes from the command line is not in the text.
    let written = source.text(of: node.span)
    var span = node.span
    var isWritten = false
    if let range = written.firstRange(of: text) {
      let lower = node.span.lower + written.utf8.distance(from: written.startIndex, to: range.lowerBound)
      span = SourceSpan(lower, lower + text.utf8.count)
      isWritten = true
    }
    return Diagnostic(
      .missingFile, "No such file: \(text)", at: .init(span, near.map { "did you mean `\($0)`?" } ?? ""),
      notes: ["looked for \(path)"],
      help: near == nil
        ? "paths are relative to the directory of the graph; with `-e` to the working one" : nil,
      replacement: isWritten ? near.map { .init(span, String($0)) } : nil)
  }
}
