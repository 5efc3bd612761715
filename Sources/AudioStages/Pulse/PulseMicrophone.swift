package import FluxGraph

/// The stage `mic`: the default microphone.
package struct PulseMicrophone: PulseStage {
  package static let description = StageDescription<PulseMicrophone>(
    "mic", "Listens to the default microphone.",
    details: """
      Follows the default: when the user chooses another microphone, so does the stage. Whatever the device does, time \
      is kept: what is missing becomes silence, and is told.
      """,
    examples: ["mic | flux as=me | stdout", "mic latency=40ms pinned | flux | stdout"]
  ) {
    latencyOption
    bindingOptions(followsWhen: "The default.", staysWhen: "Never the default.", example: "mic")
  }

  package var options = PulseOptions()

  package init() {}

  package var target: PulseTarget { .defaultSource }
}
