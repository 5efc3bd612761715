package import FluxGraph

/// The stage `monitor`: what an output plays.
package struct PulseMonitor: PulseStage {
  package static let description = StageDescription<PulseMonitor>(
    "monitor", "Listens to what this computer plays.",
    details: """
      Without a name it is whatever the default output plays, also after another one has become the default. With a \
      name, or part of one, it is that output alone. `fluxgraph devices` lists them.

      \(fidelity)
      """,
    examples: ["monitor | flux | stdout", "monitor \"HDMI\" | flux as=them | stdout"]
  ) {
    Option(
      "name", \PulseMonitor.name, "The output: its name, or a part of its description.", positional: true)
    latencyOption
    bindingOptions(
      followsWhen: "The default without a name.", staysWhen: "The default with a name.", example: "monitor")
  }

  package var name: String?
  package var options = PulseOptions()

  package init() {}

  package var target: PulseTarget { name.map(PulseTarget.monitor) ?? .defaultMonitor }
}
