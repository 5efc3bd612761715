internal import FluxClient
internal import FluxGraph
internal import GraphLanguage

/// Looks whether services get a key they can be shown. `check --world` tells all that is found; what runs a graph refuses to begin.
struct KeyProbe {
  private let environment: GraphEnvironment

  init(_ environment: GraphEnvironment) {
    self.environment = environment
  }

  /// - Throws: `StageError` with code `refused` for the first key that is missing or cannot be sent.
  func check(_ plan: Plan) throws(StageError) {
    for node in plan.nodes {
      guard let flux = try? node.specification.make(node.settings) as? Flux else { continue }
      try flux.checkedKey { environment[$0] }
    }
  }

  /// What there is to say of a stage's keys. Files are read; programs that give a secret are not run.
  func findings(_ node: PlanNode) -> [WorldProbe.Finding] {
    var problems: [StageError] = []
    // What cannot be read is told as a file that cannot be.
    let settings = node.settings.map { setting in
      let value = setting.value.filled { reference in
        guard case .file(let path) = reference else { return Self.standIn }
        do throws(StageError) {
          return try SecretReader.secret(inFile: path)
        } catch {
          if error.code == .refused { problems.append(error) }
          return Self.standIn
        }
      }
      return StageSetting(setting.option, value)
    }
    var found: [WorldProbe.Finding] = []
    if let flux = try? node.specification.make(settings) as? Flux {
      do throws(StageError) {
        try flux.checkedKey { environment[$0] }
        if flux.key == nil, flux.token == nil, flux.endpoint.needsKey {
          found.append(
            WorldProbe.Finding(location: node.location, text: "DEEPGRAM_API_KEY is set", isGood: true))
        }
      } catch {
        problems.append(error)
      }
    }
    return found
      + problems.map {
        WorldProbe.Finding(location: node.location, text: $0.description, isGood: false, code: $0.code)
      }
  }

  /// In the place of a secret only running the graph will tell.
  private static let standIn = Secret("unknown")
}
