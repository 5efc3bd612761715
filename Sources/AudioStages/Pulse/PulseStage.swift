package import FluxGraph

/// What the stages that listen to a sound server have in common.
package protocol PulseStage: AudioSource {
  /// What is to be listened to, as the options say.
  var target: PulseTarget { get }
  /// The server's address; nil for the one the environment names.
  var server: String? { get }
  var options: PulseOptions { get set }
}

/// The options of such a stage, and its capture once it is open.
package struct PulseOptions {
  package var latency = Duration.milliseconds(20)
  package var follow = false
  package var pinned = false
  fileprivate var reader: PulseReader?

  package init() {}
}

extension PulseStage {
  package var server: String? { nil }
  package var output: AudioStreamType { AudioStreamType(sample: .f32le, liveness: .live) }

  /// What can be relied on.
  static var fidelity: String {
    """
    The samples are what the server gives, to the bit, and each is within 40 ms of its time (with a `latency` beyond 20 ms, \
    within that and 20 ms more). Silence stands only for what was lost; a source whose clock runs fast or slow for good is \
    followed by resampling, by so little that nobody hears it.
    """
  }

  /// The option `latency`.
  static var latencyOption: Option<Self> {
    Option(
      "latency", \Self.options.latency, "The length of the pieces the server is asked for.",
      in: .milliseconds(5)...(.seconds(2)))
  }

  /// The options `follow` and `pinned`, which say the opposite of each other.
  /// - Parameters:
  ///   - followsWhen, staysWhen: when each of them is the default, as a sentence that begins with "The default".
  ///   - example: the stage with what it needs besides.
  @OptionBuilder<Self>
  static func bindingOptions(
    followsWhen: String, staysWhen: String, example: String
  ) -> [OptionDeclaration<Self>] {
    Option(
      "follow", \Self.options.follow,
      "Stay with what is meant when devices change, and let the user move the stream. \(followsWhen)")
    Option("pinned", \Self.options.pinned, "Stay with the device, whatever changes. \(staysWhen)")
    Rule(
      "follow-and-pinned", reads: ["follow", "pinned"],
      "A stream either follows what the user means, from device to device, or stays with one device.",
      example: "\(example) follow pinned | flux | stdout", fix: "\(example) follow | flux | stdout"
    ) { stage in
      guard stage.options.follow && stage.options.pinned else { return nil }
      return OptionConflict(
        "a stream either follows or is pinned", options: ["pinned", "follow"], help: "leave one of them out",
        fix: .remove("pinned"))
    }
  }

  package func needs(_ context: StageContext) -> [Need]? {
    [Need { [target, server] () throws(StageError) in try target.finding(server: server) }]
  }

  package mutating func open(_ context: StageContext) throws -> AudioFormat {
    let settings = PulseSettings(
      target: target, server: server, latency: options.latency,
      isPinned: options.pinned || (!target.isDefault && !options.follow))
    let connections = context.resource(PulseConnections.self) ?? PulseConnections()
    let reader: PulseReader =
      if case .application(let name) = target {
        try PulseApplicationReader(application: name, settings, connections, context)
      } else {
        try PulseDeviceReader(settings, connections, context)
      }
    options.reader = reader
    return reader.format
  }

  package mutating func read(into audio: inout AudioBuffer) throws -> SourceProgress {
    options.reader?.read(into: &audio) ?? .finished
  }

  package mutating func close() { options.reader?.close() }
}
