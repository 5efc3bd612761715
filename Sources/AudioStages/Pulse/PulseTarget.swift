internal import FluxGraph

/// What a capture is to listen to, as the graph says it.
package enum PulseTarget: Sendable, Hashable {
  /// The microphone that is the default one.
  case defaultSource
  /// Whatever the default output plays.
  case defaultMonitor
  /// What the output with this name, or this in its description, plays.
  case monitor(String)
  /// The source with this name, or this in its description.
  case source(String)
  /// What the programs of this name play.
  case application(String)

  /// Whether the target is what happens to be the default.
  var isDefault: Bool { self == .defaultSource || self == .defaultMonitor }

  /// The source to record from.
  /// - Throws: `StageError` with code `unavailable` when there is none, or more than one.
  func source(in inventory: PulseInventory) throws(StageError) -> PulseInventory.Source {
    switch self {
    case .defaultSource:
      guard let source = inventory.source(named: inventory.defaultSource) else {
        throw StageError(
          .unavailable, "there is no microphone",
          help: inventory.sources.isEmpty
            ? "The sound server has no source at all" : "`fluxgraph devices` lists what can be recorded")
      }
      return source
    case .defaultMonitor:
      return try monitor(of: inventory.sink(named: inventory.defaultSink), in: inventory)
    case .monitor(let text):
      let sink = try Self.only(
        text, in: inventory.sinks, "output", names: { [$0.name, $0.monitor] }, description: \.description)
      return try monitor(of: sink, in: inventory)
    case .source(let text):
      return try Self.only(
        text, in: inventory.sources, "source", names: { [$0.name] }, description: \.description)
    case .application:
      return try monitor(of: inventory.sink(named: inventory.defaultSink), in: inventory)
    }
  }

  /// The streams of the programs meant; none for other targets.
  func playbacks(in inventory: PulseInventory) -> [PulseInventory.Playback] {
    guard case .application(let text) = self else { return [] }
    let wanted = text.lowercased()
    return inventory.playbacks.filter { playback in
      playback.application.lowercased().contains(wanted) || playback.binary?.lowercased() == wanted
    }
  }

  private func monitor(
    of sink: PulseInventory.Sink?, in inventory: PulseInventory
  ) throws(StageError) -> PulseInventory.Source {
    guard let sink else {
      throw StageError(.unavailable, "there is no output whose sound could be recorded")
    }
    guard let source = inventory.source(named: sink.monitor) else {
      throw StageError(.unavailable, "the output \(sink.description) has no monitor")
    }
    return source
  }

  /// The one device `text` means: the one of that very name, else the one with that description, else the only one that
  /// contains it.
  private static func only<Device>(
    _ text: String, in devices: [Device], _ noun: String, names: (Device) -> [String],
    description: (Device) -> String
  ) throws(StageError) -> Device {
    if let exact = devices.first(where: { names($0).contains(text) }) { return exact }
    let wanted = text.lowercased()
    let equal = devices.filter { description($0).lowercased() == wanted }
    if equal.count == 1 { return equal[0] }
    let similar = devices.filter { device in
      description(device).lowercased().contains(wanted)
        || names(device).contains { $0.lowercased().contains(wanted) }
    }
    if similar.count == 1 { return similar[0] }
    let candidates = (similar.isEmpty ? devices : similar).prefix(8).map { device in
      "\"\(description(device))\" (\(names(device)[0]))"
    }
    let list = candidates.joined(separator: ", ")
    guard similar.isEmpty else {
      throw StageError(
        .unavailable, "more than one \(noun) is called \"\(text)\"", help: "There are \(list)")
    }
    throw StageError(
      .unavailable, "no \(noun) is called \"\(text)\"",
      help: candidates.isEmpty ? "The sound server has none" : "There is \(list)")
  }
}
