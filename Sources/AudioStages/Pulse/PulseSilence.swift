/// Guesses why a source gives nothing but zeros.
enum PulseSilence {
  /// One sentence without a full stop about a source that is being recorded.
  static func cause(device: String?, in inventory: PulseInventory) -> String {
    guard let source = inventory.source(named: device) else { return "it may have been unplugged" }
    if source.isMuted { return "it is muted" }
    guard let sink = inventory.sink(named: source.monitorOf) else {
      return "it may be switched off, or muted at the device itself"
    }
    let playing = inventory.playbacks.filter { !$0.isPaused }
    let here = playing.filter { $0.sink == sink.index }
    if let muted = here.first(where: \.isMuted) { return "\(muted.application) plays there, but is muted" }
    if let playback = here.first { return "\(playback.application) plays there, but plays silence" }
    if let playback = playing.first, let other = inventory.sink(playback.sink) {
      return
        "\(playback.application) plays to \(other.description): `monitor \"\(other.description)\"` would hear it"
    }
    return "nothing is playing"
  }
}
