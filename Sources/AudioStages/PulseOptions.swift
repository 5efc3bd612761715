internal import FluxGraph

/// What the stages that listen to a sound server have in common.
enum PulseOptions {
  static let latencies = Duration.milliseconds(5)...(.seconds(2))
  static let latency = "The length of the pieces the server is asked for."
  static let follow = "Stay with what is meant when devices change, and let the user move the stream."
  static let pinned = "Stay with the device, whatever changes."
  static let output = AudioStreamType(sample: .f32le, liveness: .live)

  /// `follow` and `pinned` say the opposite of each other.
  static func conflict(_ follow: Bool, _ pinned: Bool) -> OptionConflict? {
    guard follow && pinned else { return nil }
    return OptionConflict(
      "a stream either follows or is pinned", options: ["pinned", "follow"], help: "leave one of them out",
      fix: .remove("pinned"))
  }

  /// The rule of all stages that have both flags; it has one page.
  static func rule<S: Stage>(_ stage: String, _ check: @escaping @Sendable (S) -> OptionConflict?) -> Rule<S> {
    Rule(
      "follow-and-pinned", reads: ["follow", "pinned"],
      "`follow` goes where the default goes, and `pinned` stays with one device: a stream does one of the two.",
      example: "\(stage) follow pinned | flux | stdout", fix: "\(stage) pinned | flux | stdout", check: check)
  }

  /// The connections the stages of one graph share.
  static func connections(_ context: StageContext) -> PulseConnections {
    context.resource(PulseConnections.self) ?? PulseConnections()
  }
}
