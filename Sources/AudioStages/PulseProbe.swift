package import FluxGraph

/// Looks whether what a stage would listen to is there, without listening: what `check --world` says of microphones, outputs and
/// programs.
package struct PulseProbe {
  private var inventories: [String?: Result<PulseInventory, StageError>] = [:]

  package init() {}

  /// What was found; nil for a stage that listens to no sound server.
  /// - Throws: `StageError` when what is meant is not there.
  package mutating func finding(_ stage: any Stage) throws(StageError) -> String? {
    switch stage {
    case let stage as PulseMicrophone: try source(stage.target, nil)
    case let stage as PulseMonitor: try source(stage.target, nil)
    case let stage as PulseSource: try source(stage.target, stage.server)
    case let stage as PulseApplication: try programs(stage.target, stage.name)
    default: nil
    }
  }

  private mutating func source(_ target: PulseTarget, _ server: String?) throws(StageError) -> String {
    let inventory = try inventory(server)
    return "\(inventory.title(of: try target.source(in: inventory))) is there"
  }

  private mutating func programs(_ target: PulseTarget, _ name: String) throws(StageError) -> String {
    let playing = target.playbacks(in: try inventory(nil)).map(\.application)
    return playing.isEmpty
      ? "`\(name)` plays nothing now; there is silence until it does"
      : "\(Set(playing).sorted().joined(separator: ", ")) is playing"
  }

  /// Each server is asked once.
  private mutating func inventory(_ server: String?) throws(StageError) -> PulseInventory {
    if let known = inventories[server] { return try known.get() }
    let result = Result { () throws(StageError) in try PulseDevices(server: server).inventory() }
    inventories[server] = result
    return try result.get()
  }
}
