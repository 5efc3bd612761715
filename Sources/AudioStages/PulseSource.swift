package import FluxGraph

/// The stage `pulse`: any source of any sound server.
package struct PulseSource: AudioSource {
  package static let description = StageDescription<PulseSource>(
    "pulse", "Listens to any source of any PulseAudio or PipeWire server.",
    details: "`fluxgraph devices` lists the sources.",
    examples: [
      "pulse device=alsa_input.usb-Jabra.mono | flux | stdout",
      "pulse server=tcp:studio.local:4713 | flux | stdout",
    ]
  ) {
    Option("device", \PulseSource.device, "The source: its name, or a part of its description.")
    Option("server", \PulseSource.server, "The server's address; that of the session unless given.")
    Option("latency", \PulseSource.latency, PulseOptions.latency, in: PulseOptions.latencies)
    Option("follow", \PulseSource.follow, PulseOptions.follow + " The default without a device.")
    Option("pinned", \PulseSource.pinned, PulseOptions.pinned + " The default with a device.")
    PulseOptions.rule("pulse") { PulseOptions.conflict($0.follow, $0.pinned) }
  }

  package var device: String?
  package var server: String?
  package var latency = Duration.milliseconds(20)
  package var follow = false
  package var pinned = false
  private var reader: PulseReader?

  package init() {}

  var target: PulseTarget {
    switch device {
    case nil, "@DEFAULT_SOURCE@": .defaultSource
    case "@DEFAULT_MONITOR@": .defaultMonitor
    case let name?: .source(name)
    }
  }

  package var output: AudioStreamType { PulseOptions.output }

  package mutating func open(_ context: StageContext) throws -> AudioFormat {
    let settings = PulseSettings(
      target: target, server: server, latency: latency,
      isPinned: pinned || (!target.isDefault && !follow))
    let reader = try PulseDeviceReader(settings, PulseOptions.connections(context), context)
    self.reader = reader
    return reader.format
  }

  package mutating func read(into audio: inout AudioBuffer) throws -> SourceProgress {
    reader?.read(into: &audio) ?? .finished
  }

  package mutating func close() { reader?.close() }
}
