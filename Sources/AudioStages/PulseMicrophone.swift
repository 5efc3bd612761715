package import FluxGraph

/// The stage `mic`: the default microphone.
package struct PulseMicrophone: AudioSource {
  package static let description = StageDescription<PulseMicrophone>(
    "mic", "Listens to the default microphone.",
    details: """
      Follows the default: when the user chooses another microphone, so does the stage. Whatever the device does, time \
      is kept: what is missing becomes silence, and is told.
      """,
    examples: ["mic | flux as=me | stdout", "mic latency=40ms pinned | flux | stdout"]
  ) {
    Option("latency", \PulseMicrophone.latency, PulseOptions.latency, in: PulseOptions.latencies)
    Option("follow", \PulseMicrophone.follow, PulseOptions.follow + " The default.")
    Option("pinned", \PulseMicrophone.pinned, PulseOptions.pinned)
    PulseOptions.rule("mic") { PulseOptions.conflict($0.follow, $0.pinned) }
  }

  package var latency = Duration.milliseconds(20)
  package var follow = false
  package var pinned = false
  private var reader: PulseReader?

  package init() {}

  var target: PulseTarget { .defaultSource }

  package var output: AudioStreamType { PulseOptions.output }

  package mutating func open(_ context: StageContext) throws -> AudioFormat {
    let settings = PulseSettings(target: target, server: nil, latency: latency, isPinned: pinned)
    let reader = try PulseDeviceReader(settings, PulseOptions.connections(context), context)
    self.reader = reader
    return reader.format
  }

  package mutating func read(into audio: inout AudioBuffer) throws -> SourceProgress {
    reader?.read(into: &audio) ?? .finished
  }

  package mutating func close() { reader?.close() }
}
