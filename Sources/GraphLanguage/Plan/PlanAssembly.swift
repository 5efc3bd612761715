internal import FluxGraph

// The finished plan: nodes in the order of the flow, without those nothing hears.
extension TypedGraph {
  /// The plan; nil when there are errors.
  func plan() -> Plan? {
    guard !hasErrors else { return nil }
    // Where sinks may be missing, a program reads what has a name.
    let ends = nodes.indices.filter {
      nodes[$0].specification.group == .sink || options.allowsMissingSinks && nodes[$0].name != nil
    }
    return assemble(needed: reaching(ends)).plan
  }

  /// A plan of some of the nodes, and the number each has in it.
  func assemble(needed: [Bool]) -> (plan: Plan, numbers: [Int?]) {
    var numbers = [Int?](repeating: nil, count: nodes.count)
    var plan = Plan(nodes: [], links: [], directory: source.directory)
    plan.isRedacted = bindings.isRedacted
    plan.secrets = options.secrets
    plan.nodes.reserveCapacity(needed.count { $0 })
    for index in order() where needed[index] {
      let number = plan.nodes.count
      numbers[index] = number
      let node = nodes[index]
      plan.nodes.append(
        PlanNode(
          id: number, specification: node.specification, settings: node.settings, text: node.text,
          name: node.name,
          span: node.span, location: source.location(of: node.word), isAutomatic: node.isAutomatic,
          input: node.input, output: node.output, wanted: node.wanted,
          directory: source.file(of: node.word.lower).directory))
      for input in node.inputs {
        if let from = numbers[input.node] {
          plan.links.append(PlanLink(from: from, port: input.port, to: number))
        }
      }
    }
    // Only those the texts still speak of: a value written in the graph stands where it is used.
    plan.parameters = bindings.order.compactMap { name in
      guard plan.nodes.contains(where: { $0.text.contains("$" + name) }) else { return nil }
      return (
        name, bindings.parameters[name]?.text.map { options.secrets.masked(WebURL($0)?.redacted ?? $0) }
      )
    }
    return (plan, numbers)
  }

  /// Every node after those it is fed by, otherwise in the order they are written.
  func order() -> [Int] {
    var isPlaced = [Bool](repeating: false, count: nodes.count)
    var result: [Int] = []
    var stack: [Int] = []
    for root in nodes.indices where !isPlaced[root] && !nodes[root].isAutomatic {
      stack.append(root)
      while let index = stack.last {
        if isPlaced[index] {
          stack.removeLast()
          continue
        }
        // Depth first, the first input first.
        let open = nodes[index].inputs.map(\.node).filter { !isPlaced[$0] }
        if open.isEmpty {
          isPlaced[index] = true
          result.append(index)
          stack.removeLast()
        } else {
          stack += open.reversed()
        }
      }
    }
    return result
  }

  /// Which nodes are among these or before one of them.
  func reaching(_ ends: [Int]) -> [Bool] {
    var isNeeded = [Bool](repeating: false, count: nodes.count)
    for end in ends { isNeeded[end] = true }
    for index in order().reversed() where isNeeded[index] {
      for input in nodes[index].inputs { isNeeded[input.node] = true }
    }
    return isNeeded
  }
}
