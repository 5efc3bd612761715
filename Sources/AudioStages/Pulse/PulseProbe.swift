internal import FluxGraph

extension PulseTarget {
  /// What there is to listen to, found without listening: the sound server is only asked for its list.
  /// - Throws: `StageError` when what is meant is not there.
  func finding(server: String?) throws(StageError) -> String {
    let inventory = try PulseDevices(server: server).inventory()
    guard case .application(let name) = self else {
      return "\(inventory.title(of: try source(in: inventory))) is there"
    }
    let playing = playbacks(in: inventory).map(\.application)
    return playing.isEmpty
      ? "`\(name)` plays nothing now; there is silence until it does"
      : "\(Set(playing).sorted().joined(separator: ", ")) is playing"
  }
}
