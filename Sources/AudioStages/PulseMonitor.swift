package import FluxGraph

/// The stage `monitor`: what an output plays.
package struct PulseMonitor: AudioSource {
  package static let description = StageDescription<PulseMonitor>(
    "monitor", "Listens to what this computer plays.",
    details: """
      Without a name it is whatever the default output plays, also after another one has become the default. With a \
      name, or part of one, it is that output alone. `fluxgraph devices` lists them.
      """,
    examples: ["monitor | flux | stdout", "monitor \"HDMI\" | flux as=them | stdout"]
  ) {
    Option(
      "name", \PulseMonitor.name, "The output: its name, or a part of its description.", positional: true)
    Option("latency", \PulseMonitor.latency, PulseOptions.latency, in: PulseOptions.latencies)
    Option("follow", \PulseMonitor.follow, PulseOptions.follow + " The default without a name.")
    Option("pinned", \PulseMonitor.pinned, PulseOptions.pinned + " The default with a name.")
    PulseOptions.rule("monitor") { PulseOptions.conflict($0.follow, $0.pinned) }
  }

  package var name: String?
  package var latency = Duration.milliseconds(20)
  package var follow = false
  package var pinned = false
  private var reader: PulseReader?

  package init() {}

  var target: PulseTarget { name.map(PulseTarget.monitor) ?? .defaultMonitor }

  package var output: AudioStreamType { PulseOptions.output }

  package mutating func open(_ context: StageContext) throws -> AudioFormat {
    let settings = PulseSettings(
      target: target, server: nil, latency: latency,
      isPinned: pinned || (name != nil && !follow))
    let reader = try PulseDeviceReader(settings, PulseOptions.connections(context), context)
    self.reader = reader
    return reader.format
  }

  package mutating func read(into audio: inout AudioBuffer) throws -> SourceProgress {
    reader?.read(into: &audio) ?? .finished
  }

  package mutating func close() { reader?.close() }
}
