internal import FluxGraph
internal import Platform

/// The plan as text for people: what `check` prints. One block a chain, one line a stage, the types in one column.
package struct PlanPrinter {
  private let plan: Plan
  private let remarks: [Int: String]
  private var inputs: [[PlanLink]]
  private var outputs: [[PlanLink]]

  /// - Parameter remarks: a word on a stage, by the number of its node.
  package init(_ plan: Plan, remarks: [Int: String] = [:]) {
    self.plan = plan
    self.remarks = remarks
    inputs = Array(repeating: [], count: plan.nodes.count)
    outputs = inputs
    for link in plan.links {
      outputs[link.from].append(link)
      inputs[link.to].append(link)
    }
  }

  private struct Row {
    var stage: String
    var isAutomatic: Bool
    var remark: String?
    var type: String
  }

  package var text: String {
    let chains = chains()
    let blocks = chains.map { chain in (heading(of: chain), chain.map { row(plan.nodes[$0]) }) }
    let rows = blocks.flatMap(\.1)
    let width = min(60, rows.map { displayColumns($0.stage) }.max() ?? 0)
    let hasAutomatic = rows.contains(where: \.isAutomatic)
    return blocks.map { heading, rows in
      let lines = rows.map { row in
        var line = "  " + row.stage.padded(to: width)
        if hasAutomatic { line += row.isAutomatic ? "  (auto)" : "        " }
        if let remark = row.remark { line += " " + remark }
        line += "  " + row.type
        return line.trimmedAtEnd
      }
      return ([heading] + lines).compactMap { $0 }.joined(separator: "\n") + "\n"
    }.joined(separator: "\n")
  }

  /// Runs of nodes in which each feeds only the next and is the only one to feed it. A name ends a run.
  private func chains() -> [[Int]] {
    func continues(_ node: Int) -> Bool {
      guard inputs[node].count == 1, let link = inputs[node].first, link.port == nil else { return false }
      return outputs[link.from].count == 1 && plan.nodes[link.from].name == nil
    }
    var chains: [[Int]] = []
    for node in plan.nodes.indices where !continues(node) {
      var chain = [node]
      while let next = outputs[chain[chain.count - 1]].first?.to, continues(next) { chain.append(next) }
      chains.append(chain)
    }
    return chains
  }

  /// `crm =` before a chain with a name, `heard |` before one that is fed by others.
  private func heading(of chain: [Int]) -> String? {
    let name = plan.nodes[chain[chain.count - 1]].name.map { $0 + " =" }
    let feeds = inputs[chain[0]].map {
      title($0.from) + ($0.port.map { "." + $0 } ?? "")
    }
    let words = [name, feeds.isEmpty ? nil : feeds.joined(separator: ", ") + " |"].compactMap { $0 }
    return words.isEmpty ? nil : words.joined(separator: " ")
  }

  /// What a chain says it is fed by: an automatic stage that several share goes by the name of what is before it.
  private func title(_ node: Int) -> String {
    var node = node
    while plan.nodes[node].isAutomatic, let before = inputs[node].first?.from {
      node = before
    }
    return plan.nodes[node].title
  }

  private func row(_ node: PlanNode) -> Row {
    Row(
      stage: node.text.writtenOut, isAutomatic: node.isAutomatic, remark: remarks[node.id],
      type: typeText(node))
  }

  private func typeText(_ node: PlanNode) -> String {
    guard let output = node.output else { return plan.queuePolicy(of: node)?.description ?? "" }
    var words = [output.description]
    switch output {
    case .bytes(let bytes): if node.input == nil { words.append(bytes.liveness.rawValue) }
    case .audio(let audio):
      if let chunk = audio.chunk { words.append(chunk.unitText) }
      if node.input == nil { words.append(audio.liveness.rawValue) }
    case .events: break
    }
    return words.joined(separator: ", ")
  }
}

extension String {
  fileprivate func padded(to width: Int) -> String {
    self + String(repeating: " ", count: max(0, width - displayColumns(self)))
  }

  fileprivate var trimmedAtEnd: String {
    var end = endIndex
    while end > startIndex, self[index(before: end)] == " " { end = index(before: end) }
    return String(self[..<end])
  }
}
