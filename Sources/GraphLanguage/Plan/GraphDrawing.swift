package import FluxGraph
internal import Platform

/// A plan as a drawing. No secret is in it: what came from outside goes by its name, addresses lose their user and query.
package struct GraphDrawing {
  let plan: Plan

  package init(_ plan: Plan) {
    self.plan = plan
  }

  /// For Mermaid, as GitHub and many editors draw it.
  package var mermaid: String {
    var lines = ["flowchart LR"]
    for node in plan.nodes {
      let label = Self.mermaidText(label(node))
      let shape =
        switch node.specification.group {
        case .source: "([\"\(label)\"])"
        case .sink: "[/\"\(label)\"/]"
        case .recogniser: "{{\"\(label)\"}}"
        default: "[\"\(label)\"]"
        }
      lines.append("  n\(node.id)\(shape)\(node.isAutomatic ? ":::auto" : "")")
    }
    for link in plan.links {
      lines.append("  n\(link.from) -->|\"\(Self.mermaidText(type(link)))\"| n\(link.to)")
    }
    if plan.nodes.contains(where: \.isAutomatic) { lines.append("  classDef auto stroke-dasharray: 4 3") }
    return lines.joined(separator: "\n") + "\n"
  }

  /// For Graphviz.
  package var dot: String {
    var lines = ["digraph {", "  rankdir=LR", "  node [shape=box, fontname=\"sans-serif\"]"]
    for node in plan.nodes {
      let style = node.isAutomatic ? ", style=dashed" : ""
      lines.append("  n\(node.id) [label=\"\(Self.dotText(label(node)))\"\(style)]")
    }
    for link in plan.links {
      lines.append("  n\(link.from) -> n\(link.to) [label=\"\(Self.dotText(type(link)))\"]")
    }
    return (lines + ["}"]).joined(separator: "\n") + "\n"
  }

  /// For programs; `run` and `check` take it back.
  package var json: JSONValue {
    let parameters = plan.parameters.map { parameter in
      JSONValue.object(
        [("name", .string(parameter.name))] + (parameter.text.map { [("value", .string($0))] } ?? []))
    }
    let nodes = plan.nodes.map { node in
      var members: [(String, JSONValue)] = [
        ("id", JSONValue(node.id)), ("stage", .string(node.specification.name)), ("text", .string(node.text)),
        ("kind", .string(node.specification.group.rawValue)),
      ]
      if let name = node.name, !Self.isGenerated(name) { members.append(("name", .string(name))) }
      if node.isAutomatic { members.append(("auto", true)) }
      if let input = node.input { members.append(("input", .string(input.description))) }
      if let output = node.output { members.append(("output", .string(output.description))) }
      return JSONValue.object(members)
    }
    let links = plan.links.map { link in
      JSONValue.object(
        [("from", JSONValue(link.from)), ("to", JSONValue(link.to))]
          + (link.port.map { [("port", .string($0))] } ?? []) + [("type", .string(type(link)))])
    }
    var members: [(String, JSONValue)] = [("v", 1)]
    if plan.isRedacted { members.append(("redacted", true)) }
    if !parameters.isEmpty { members.append(("params", .array(parameters))) }
    return .object(members + [("nodes", .array(nodes)), ("links", .array(links))])
  }

  private func label(_ node: PlanNode) -> String {
    (node.name.map { "\($0) = " } ?? "") + node.text.writtenOut + (node.isAutomatic ? " (auto)" : "")
  }

  private func type(_ link: PlanLink) -> String {
    if let port = link.port { return ".\(port)" }
    return plan.nodes[link.from].output?.description ?? ""
  }

  private static func mermaidText(_ text: String) -> String {
    var result = ""
    for character in text {
      switch character {
      case "\"": result += "#quot;"
      case "#": result += "#35;"
      case "<": result += "#lt;"
      case ">": result += "#gt;"
      case "`": result += "#96;"
      default: result.append(character)
      }
    }
    return result
  }

  private static func dotText(_ text: String) -> String {
    text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
  }

  // MARK: Back to a graph

  /// Names given to stages that several others share and nobody named.
  private static func generatedName(_ id: Int) -> String { "_n\(id)" }

  private static func isGenerated(_ name: String) -> Bool {
    name.hasPrefix("_n") && name.dropFirst(2).allSatisfy(\.isNumber)
  }

  /// The graph a JSON drawing shows, as text. Automatic stages are left to the checker again.
  /// - Throws: `DrawingError`.
  package static func graphText(of json: JSONValue) throws(DrawingError) -> String {
    guard json["v"]?.intValue == 1, let nodes = json["nodes"]?.arrayValue,
      let links = json["links"]?.arrayValue
    else { throw DrawingError("this is no drawing of a graph, as `fluxgraph graph --format json` makes it") }
    if json["redacted"]?.boolValue == true {
      throw DrawingError("the drawing leaves out what may be secret in an address, so it cannot be run")
    }
    var reading = try GraphReading(json["params"]?.arrayValue ?? [], nodes, links)
    return try reading.text()
  }

  fileprivate struct GraphReading {
    private var parameters: [String] = []
    private var texts: [String] = []
    private var names: [String?] = []
    private var isAutomatic: [Bool] = []
    private var inputs: [[(from: Int, port: String?)]]

    init(_ parameters: [JSONValue], _ nodes: [JSONValue], _ links: [JSONValue]) throws(DrawingError) {
      for parameter in parameters {
        guard let name = parameter["name"]?.stringValue else { throw DrawingError("a parameter has no name") }
        self.parameters.append("param \(name)" + (parameter["value"]?.stringValue.map { " = \($0)" } ?? ""))
      }
      for (index, node) in nodes.enumerated() {
        guard node["id"]?.intValue == index, let text = node["text"]?.stringValue else {
          throw DrawingError("node \(index) has no text, or not its number as `id`")
        }
        texts.append(text)
        names.append(node["name"]?.stringValue)
        isAutomatic.append(node["auto"]?.boolValue ?? false)
      }
      inputs = Array(repeating: [], count: nodes.count)
      for link in links {
        guard let from = link["from"]?.intValue, let to = link["to"]?.intValue, from >= 0, from < to,
          to < nodes.count
        else { throw DrawingError("a link does not lead from one node to a later one") }
        inputs[to].append((from, link["port"]?.stringValue))
      }
    }

    mutating func text() throws(DrawingError) -> String {
      // What an automatic stage is fed by takes its place.
      for node in inputs.indices {
        for index in inputs[node].indices {
          while isAutomatic[inputs[node][index].from] {
            guard let before = inputs[inputs[node][index].from].first else {
              throw DrawingError("an automatic node is fed by nothing")
            }
            inputs[node][index] = before
          }
        }
      }
      var consumers = [[Int]](repeating: [], count: texts.count)
      for node in inputs.indices where !isAutomatic[node] {
        for input in inputs[node] { consumers[input.from].append(node) }
      }
      func isJoined(_ node: Int) -> Bool {
        guard inputs[node].count == 1, let input = inputs[node].first, input.port == nil else { return false }
        return names[input.from] == nil && consumers[input.from].count == 1
      }
      for node in texts.indices where !isAutomatic[node] && names[node] == nil {
        let isShared = consumers[node].count > 1 || consumers[node].contains { !isJoined($0) }
        if isShared { names[node] = generatedName(node) }
      }
      var lines = parameters
      for node in texts.indices where !isAutomatic[node] && !isJoined(node) {
        var chain = inputs[node].map { (names[$0.from] ?? "") + ($0.port.map { ".\($0)" } ?? "") }
          .joined(separator: ", ")
        chain += (chain.isEmpty ? "" : " | ") + texts[node]
        var last = node
        while names[last] == nil, consumers[last].count == 1, isJoined(consumers[last][0]) {
          last = consumers[last][0]
          chain += " | " + texts[last]
        }
        lines.append((names[last].map { "\($0) = " } ?? "") + chain)
      }
      return lines.joined(separator: "\n") + "\n"
    }
  }
}

/// Why a JSON text is not the drawing of a graph.
package struct DrawingError: Error {
  package var message: String

  init(_ message: String) {
    self.message = message
  }
}
