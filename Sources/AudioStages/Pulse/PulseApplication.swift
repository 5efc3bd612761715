package import FluxGraph

/// The stage `app`: what one program plays.
package struct PulseApplication: PulseStage {
  package static let description = StageDescription<PulseApplication>(
    "app", "Listens to what one program plays, and to nothing else.",
    details: """
      The program is meant by its name, a part of it, or the name of its file. All it plays is mixed; while it plays \
      nothing there is silence. `fluxgraph devices` lists what plays.
      """,
    examples: ["app firefox | flux | stdout", "app \"Google Chrome\" | flux as=them | stdout"]
  ) {
    Option("name", \PulseApplication.name, "The program.", positional: true, required: true)
    latencyOption
  }

  package var name = ""
  package var options = PulseOptions()

  package init() {}

  package var target: PulseTarget { .application(name) }
}
