internal import FluxGraph

/// What the stages that listen to a sound server have in common.
enum PulseOptions {
  static let latencies = Duration.milliseconds(5)...(.seconds(2))
  static let latency = "The length of the pieces the server is asked for."
  static let follow = "Stay with what is meant when devices change, and let the user move the stream."
  static let pinned = "Stay with the device, whatever changes."
  static let output = AudioStreamType(sample: .f32le, liveness: .live)

  /// `follow` and `pinned` say the opposite of each other.
  static func check(_ follow: Bool, _ pinned: Bool) throws(OptionConflict) {
    guard follow && pinned else { return }
    throw OptionConflict(
      code: "follow-and-pinned", "a stream either follows or is pinned", options: ["pinned", "follow"],
      help: "leave one of them away")
  }

  /// The connections the stages of one graph share.
  static func connections(_ context: StageContext) -> PulseConnections {
    context.resource(PulseConnections.self) ?? PulseConnections()
  }
}
