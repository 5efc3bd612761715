package import FluxGraph

/// The stage `app`: what one program plays.
package struct PulseApplication: AudioSource {
  package static let description = StageDescription<PulseApplication>(
    "app", "Listens to what one program plays, and to nothing else.",
    details: """
      The program is meant by its name, a part of it, or the name of its file. All it plays is mixed; while it plays \
      nothing there is silence. `fluxgraph devices` lists what plays.
      """,
    examples: ["app firefox | flux | stdout", "app \"Google Chrome\" | flux as=them | stdout"]
  ) {
    Option("name", \PulseApplication.name, "The program.", positional: true, required: true)
    Option("latency", \PulseApplication.latency, PulseOptions.latency, in: PulseOptions.latencies)
  }

  package var name = ""
  package var latency = Duration.milliseconds(20)
  private var reader: PulseReader?

  package init() {}

  var target: PulseTarget { .application(name) }

  package var output: AudioStreamType { PulseOptions.output }

  package mutating func open(_ context: StageContext) throws -> AudioFormat {
    let settings = PulseSettings(target: target, server: nil, latency: latency, isPinned: true)
    let reader = try PulseApplicationReader(
      application: name, settings, PulseOptions.connections(context), context)
    self.reader = reader
    return reader.format
  }

  package mutating func read(into audio: inout AudioBuffer) throws -> SourceProgress {
    reader?.read(into: &audio) ?? .finished
  }

  package mutating func close() { reader?.close() }
}
