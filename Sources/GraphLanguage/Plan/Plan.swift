package import FluxGraph

/// The checked graph: every stage, every adapter inserted, every stream's type. What the run-time runs and `check` prints.
package struct Plan: Sendable {
  /// All stages. A link's stages stand in the order of the flow: every node comes after those it is fed by.
  package var nodes: [PlanNode]
  package var links: [PlanLink]
  /// The directory relative paths are relative to.
  package var directory: String
  /// Parameters the stages' texts speak of, with what the graph says they are; nil for a value from the command line.
  package var parameters: [(name: String, text: String?)] = []
  /// Whether the stages' texts leave out what may be secret in an address.
  package var isRedacted = false
  /// What neither people nor programs the graph starts may see: the register the graph was checked with.
  package var secrets = SecretRegister()
  /// Files that secrets are read from.
  package var secretFiles: Set<String> = []

  package init(nodes: [PlanNode], links: [PlanLink], directory: String) {
    self.nodes = nodes
    self.links = links
    self.directory = directory
  }

  /// The links into a node, in the order they were written.
  package func inputs(of node: Int) -> [PlanLink] { links.filter { $0.to == node } }

  /// The links out of a node, from its main output and its ports.
  package func outputs(of node: Int) -> [PlanLink] { links.filter { $0.from == node } }

  /// How the queue in front of a sink of events behaves: as the nearest stage before it that says so, or else the sink itself.
  /// Nil for other stages.
  package func queuePolicy(of node: PlanNode) -> QueuePolicy? {
    guard node.input == .events, node.output == nil,
      let sink = try? node.specification.make(node.settings).form.eventSink
    else { return nil }
    var current = node.id
    // A port's events come from the sink itself, whatever waits in front of that.
    while let link = inputs(of: current).first, inputs(of: current).count == 1, link.port == nil,
      nodes[link.from].input == .events
    {
      let stage = nodes[link.from]
      if let setting = try? stage.specification.make(stage.settings).form.eventTransform?.queueSetting {
        var policy = setting.policy(for: sink.queue)
        // Live sound goes on, whatever waits for it.
        let recognisers = recognisers(above: node.id)
        policy.holdsSource =
          policy.holdsSource && !recognisers.isEmpty && recognisers.allSatisfy { isFinite(nodes[$0].input) }
        return policy
      }
      current = link.from
    }
    return sink.queue
  }

  /// The recognisers whose events arrive at a node by main outputs, each once.
  package func recognisers(above node: Int) -> [Int] {
    var found: [Int] = []
    var seen: Set<Int> = []
    var open = [node]
    while let current = open.popLast() {
      for link in inputs(of: current) where link.port == nil && seen.insert(link.from).inserted {
        if nodes[link.from].input == .events { open.append(link.from) } else { found.append(link.from) }
      }
    }
    return found
  }

  private func isFinite(_ type: StreamType?) -> Bool {
    if case .audio(let type)? = type { type.liveness == .finite } else { false }
  }
}

extension Plan {
  /// The plan with every secret that is named in it by file or program in its place. Each is asked for once.
  package func resolvingSecrets<Failure: Error>(
    _ resolve: (SecretReference) async throws(Failure) -> Secret
  ) async throws(Failure) -> Plan {
    var copy = self
    var known: [SecretReference: Secret] = [:]
    for node in nodes.indices {
      for setting in nodes[node].settings.indices {
        let value = nodes[node].settings[setting].value
        let references = value.secretReferences
        // A plan may have thousands of stages; what stays the same is not copied.
        if references.isEmpty { continue }
        for reference in references where known[reference] == nil {
          let secret = try await resolve(reference)
          secrets.add(secret)
          if case .file(let path) = reference { copy.secretFiles.insert(path) }
          known[reference] = secret
        }
        copy.nodes[node].settings[setting].value = value.filled { known[$0] }
      }
    }
    return copy
  }
}

extension GraphValue {
  /// Where secrets in the value are to be had.
  package var secretReferences: [SecretReference] {
    switch self {
    case .secretReference(let reference): [reference]
    case .list(let values): values.flatMap(\.secretReferences)
    default: []
    }
  }

  /// The value with secrets in the place of where they are to be had.
  package func filled(_ secret: (SecretReference) -> Secret?) -> GraphValue {
    switch self {
    case .secretReference(let reference): secret(reference).map(GraphValue.secret) ?? self
    case .list(let values): .list(values.map { $0.filled(secret) })
    default: self
    }
  }
}

/// A stage of a plan.
package struct PlanNode: Sendable {
  /// The node's index in `Plan.nodes`.
  package var id: Int
  package var specification: StageSpecification
  /// The options given, their values checked.
  package var settings: [StageSetting]
  /// The stage with its options as people may see it: parameters by their values, variables of the environment by their names.
  package var text: String
  /// The name the user bound to the stage; nil without one.
  package var name: String?
  /// Where the stage is written; for an automatic stage, where the stage that needs it is written.
  package var span: SourceSpan
  /// Where to look: `desk.graph:3:19`.
  package var location: String
  /// Whether the checker inserted the stage.
  package var isAutomatic: Bool
  /// What comes in; nil for sources.
  package var input: StreamType?
  /// What goes out; nil for sinks.
  package var output: StreamType?
  /// For decoders: the format everything behind would like, so that it can be produced directly.
  package var wanted: AudioRequirement?
  /// The directory the stage's relative paths are relative to, when it is not the plan's.
  package var directory: String?

  package init(
    id: Int, specification: StageSpecification, settings: [StageSetting], text: String? = nil, name: String?,
    span: SourceSpan, location: String, isAutomatic: Bool, input: StreamType?, output: StreamType?,
    wanted: AudioRequirement? = nil, directory: String? = nil
  ) {
    self.id = id
    self.specification = specification
    self.settings = settings
    self.text = text ?? specification.name
    self.name = name
    self.span = span
    self.location = location
    self.isAutomatic = isAutomatic
    self.input = input
    self.output = output
    self.wanted = wanted
    self.directory = directory
  }

  /// What to call the stage in messages: the user's name for it, or else its own.
  package var title: String { name ?? specification.name }
}

/// A connection between two stages.
package struct PlanLink: Sendable, Hashable {
  package var from: Int
  /// The named output it leaves by; nil for the main one.
  package var port: String?
  package var to: Int

  package init(from: Int, port: String? = nil, to: Int) {
    self.from = from
    self.port = port
    self.to = to
  }
}
