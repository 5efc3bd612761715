internal import FluxGraph
internal import GraphLanguage

extension Plan {
  /// The sinks that keep events in a spool, and what their ports lead to: all there is to run when only what an earlier run has
  /// left is to be delivered.
  /// - Parameter name: the only sink that is wanted; nil for all.
  /// - Throws: `StageError` when there is none.
  func delivering(_ name: String?) throws(StageError) -> Plan {
    let spooling = nodes.filter { node in
      node.output == nil && node.settings.contains { $0.option == "spool" }
    }
    let sinks = spooling.filter { name == nil || $0.title == name }
    if sinks.isEmpty {
      let known = spooling.map(\.title).joined(separator: ", ")
      throw StageError(
        .badGraph,
        spooling.isEmpty
          ? "the graph has no sink that keeps events in a spool"
          : "the graph has no sink called \(name ?? "") that keeps events in a spool; it has: \(known)")
    }
    var kept: [Int] = []
    var open = sinks.map(\.id)
    while let node = open.popLast() {
      if kept.contains(node) { continue }
      kept.append(node)
      open += outputs(of: node).map(\.to)
    }
    kept.sort()
    var plan = self
    let numbers = Dictionary(uniqueKeysWithValues: kept.enumerated().map { ($0.element, $0.offset) })
    plan.nodes = kept.map { old in
      var node = nodes[old]
      node.id = numbers[old] ?? 0
      return node
    }
    plan.links = links.compactMap { link in
      guard let from = numbers[link.from], let to = numbers[link.to] else { return nil }
      return PlanLink(from: from, port: link.port, to: to)
    }
    return plan
  }
}
