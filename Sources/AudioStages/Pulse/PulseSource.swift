package import FluxGraph

/// The stage `pulse`: any source of any sound server.
package struct PulseSource: PulseStage {
  package static let description = StageDescription<PulseSource>(
    "pulse", "Listens to any source of any PulseAudio or PipeWire server.",
    details: """
      `fluxgraph devices` lists the sources.

      \(fidelity)
      """,
    examples: [
      "pulse device=alsa_input.usb-Jabra.mono | flux | stdout",
      "pulse server=tcp:studio.local:4713 | flux | stdout",
    ]
  ) {
    Option("device", \PulseSource.device, "The source: its name, or a part of its description.")
    Option("server", \PulseSource.server, "The server's address; that of the session unless given.")
    latencyOption
    bindingOptions(
      followsWhen: "The default without a device.", staysWhen: "The default with a device.", example: "pulse")
  }

  package var device: String?
  package var server: String?
  package var options = PulseOptions()

  package init() {}

  package var target: PulseTarget {
    switch device {
    case nil, "@DEFAULT_SOURCE@": .defaultSource
    case "@DEFAULT_MONITOR@": .defaultMonitor
    case let name?: .source(name)
    }
  }
}
