package import FluxGraph
internal import FluxProtocol

/// The stage `flux`: streams audio to Deepgram Flux and gives the turn events that come back.
package struct Flux: Recogniser {
  package static let description = StageDescription<Flux>(
    "flux", "Streams audio to Deepgram Flux and gives the turn events that come back.",
    details: """
      Audio is sent as 16 kHz mono linear16 in chunks of 80 ms. The key is taken from `key=`, else from the variable \
      DEEPGRAM_API_KEY, else from a `.env` file. `endpoint=local` needs no key and no network: a Flux server inside this \
      process listens instead.
      """,
    ports: [
      PortSpecification("notices", "Notices of the session: what the service warned of, what was lost.")
    ],
    examples: ["file talk.opus | flux | stdout", "file talk.opus | flux endpoint=local | jsonl turns.jsonl"],
    mistakes: knownMistakes
  ) {
    Option("model", \Flux.model, "The model: flux-general-en, or flux-general-multi for several languages.")
    Option(
      "eot_threshold", \Flux.endOfTurnThreshold,
      "The confidence at which a turn ends; 1 never ends a turn by the model.", in: 0.5...1)
    Option(
      "eager_eot_threshold", \Flux.eagerEndOfTurnThreshold,
      "The confidence for an early EagerEndOfTurn; unset sends none.", in: 0.3...0.9)
    Option(
      "eot_timeout", \Flux.endOfTurnTimeout,
      "The silence after speech that ends a turn whatever the confidence.",
      in: .milliseconds(500)...(.seconds(60)))
    Option("keyterm", \Flux.keyterms, "Words and phrases to expect, at most 100.")
    Option("language_hint", \Flux.languageHints, "Languages to expect; only with flux-general-multi.")
    Option("profanity_filter", \Flux.profanityFilter, "Replace or drop profanity.")
    Option("numerals", \Flux.numerals, "Write numbers as digits.")
    Option("redact", \Flux.redact, "Replace numbers by asterisks.")
    Option("mip_opt_out", \Flux.modelImprovementOptOut, "Keep the audio out of Deepgram's model improvement.")
    Option("tag", \Flux.tags, "Labels for Deepgram's usage reports.")
    Option("as", \Flux.name, "The name of the stream, as the field `stream` of its events.")
    Option(
      "endpoint", \Flux.endpoint,
      "The service: deepgram, deepgram-eu, deepgram-au, deepgram-in, local, or a ws:// or wss:// URL.")
    Option("key", \Flux.key, "The API key, as `env(NAME)`.")
    Option(
      "ca", \Flux.certificateAuthorities,
      "A PEM file of certificate authorities to trust instead of the system's.")
    Option(
      "words", \Flux.words,
      "Where the local Flux takes words from: pocketsphinx, none, script:FILE (.json, .vtt, .srt), or command:PROGRAM; only with endpoint=local."
    )
    Option(
      "fault", \Flux.fault,
      "What goes wrong on purpose at the local Flux, such as \"drop after=5s\"; only with endpoint=local.")
  }

  /// What people bring along from Deepgram's first version, and from the names of the query parameters.
  private static let knownMistakes: [KnownMistake] =
    FluxParameter.version1Names.map { name, help in
      KnownMistake(name, "this is an option of Deepgram's v1 models", help: help)
    } + [
      KnownMistake(
        "model", value: .exactly("flux"), "Flux models have longer names",
        help: "`model=flux-general-en`, or `model=flux-general-multi` for several languages"),
      KnownMistake(
        "model", value: .containing("nova"), "this is a model of Deepgram's v1, not of Flux",
        help: "`model=flux-general-en`"),
      KnownMistake(
        "endpoint", value: .containing("/v1/listen"), "Flux is served under /v2/listen",
        help: "leave the path out, or end it with /v2/listen"),
      KnownMistake("eot_timeout_ms", "the unit belongs to the value here", help: "`eot_timeout=5s`"),
      KnownMistake("encoding", "audio is always sent as linear16", help: "leave `encoding` out"),
      KnownMistake("sample_rate", "audio is always sent at 16 kHz", help: "leave `sample_rate` out"),
    ]

  package var model = "flux-general-en"
  package var endOfTurnThreshold: Double?
  package var eagerEndOfTurnThreshold: Double?
  package var endOfTurnTimeout: Duration?
  package var keyterms: [String] = []
  package var languageHints: [String] = []
  package var profanityFilter = false
  package var numerals = false
  package var redact: Redaction?
  package var modelImprovementOptOut = false
  package var tags: [String] = []
  package var name: String?
  package var endpoint = FluxEndpoint.deepgram(.global)
  package var key: Secret?
  package var certificateAuthorities: Path?
  package var words: String?
  package var fault: String?

  /// What of numbers is redacted.
  package enum Redaction: String, OptionEnumeration {
    case numbers
    case aggressiveNumbers = "aggressive_numbers"
  }

  package init() {}

  package var accepts: AudioRequirement {
    AudioRequirement(sample: .s16le, rate: 16_000, channels: 1, chunk: .milliseconds(80), paced: true)
  }

  /// What is sent to the service: only what the graph set, because Flux refuses what it does not know.
  var parameters: ListenParameters {
    var parameters = ListenParameters(model: model)
    parameters.encoding = "linear16"
    parameters.sampleRate = 16_000
    parameters.endOfTurnThreshold = endOfTurnThreshold
    parameters.eagerEndOfTurnThreshold = eagerEndOfTurnThreshold
    parameters.endOfTurnTimeout = endOfTurnTimeout.map { Int(($0.seconds * 1000).rounded()) }
    parameters.keyterms = keyterms
    parameters.languageHints = languageHints
    parameters.profanityFilter = profanityFilter ? true : nil
    parameters.numerals = numerals ? true : nil
    parameters.redact = redact?.rawValue
    parameters.modelImprovementOptOut = modelImprovementOptOut ? true : nil
    parameters.tags = tags
    return parameters
  }

  package func validate() throws(OptionConflict) {
    let eager = eagerEndOfTurnThreshold
    let limit = endOfTurnThreshold ?? FluxParameter.defaultEndOfTurnThreshold
    if let eager, eager > limit {
      let isDefault = endOfTurnThreshold == nil
      throw OptionConflict(
        code: "eager-above-eot",
        "`eager_eot_threshold` must not be above `eot_threshold`"
          + (isDefault ? ", which is not set and defaults to \(shortText(limit))" : ""),
        options: isDefault ? ["eager_eot_threshold"] : ["eager_eot_threshold", "eot_threshold"],
        help: isDefault
          ? "add `eot_threshold=\(shortText(max(0.5, eager)))`, or lower the eager value to \(shortText(limit)) or less"
          : "`eager_eot_threshold=\(shortText(limit))`")
    }
    if words != nil, endpoint != .local {
      throw OptionConflict(
        code: "words-without-local",
        "`words` is where the local Flux takes words from, and the endpoint is not local",
        options: ["words"], help: "add `endpoint=local`, or leave `words` out")
    }
    if let fault {
      guard endpoint == .local else {
        throw OptionConflict(
          code: "fault-without-local", "`fault` is for the local Flux, and the endpoint is not local",
          options: ["fault"], help: "add `endpoint=local`, or leave `fault` out")
      }
      do throws(FaultError) {
        _ = try FaultPlan(parsing: fault)
      } catch {
        throw OptionConflict(code: "bad-fault", error.description, options: ["fault"])
      }
    }
    // `eot_timeout` is the graph's name for the parameter with the unit in its name.
    for problem in parameters.problems() where problem.severity == .error {
      let option = problem.parameter == "eot_timeout_ms" ? "eot_timeout" : problem.parameter
      throw OptionConflict(code: "bad-parameter", problem.message, options: [option])
    }
  }

  package mutating func run(
    _ audio: AudioInlet, into events: EventOutlet, _ context: StageContext
  ) async throws {
    let request = try await request(context)
    let session = FluxSession(
      audio: audio, events: events, context: context, request: request, host: endpoint.title, name: name)
    try await session.run()
  }

  private func request(_ context: StageContext) async throws -> WebSocketRequest {
    let query = parameters.query()
    var url = endpoint.url(query: query)
    if url == nil {
      guard let local = context.resource(LocalFlux.self) else {
        throw StageError(.unavailable, "this program has no local Flux built in")
      }
      let base = try await local.start(
        .init(words: words, fault: fault, directory: context.directory, notice: { context.notice($0) }))
      url = FluxEndpoint.extended(base, query: query)
    }
    var request = WebSocketRequest(
      url: url!, timeout: FluxGuards.connect,
      certificateAuthorities: certificateAuthorities.map(context.resolve),
      pingInterval: FluxGuards.pingInterval)
    if let key = self.key ?? environmentKey(context) {
      request.headers.append(HTTPHeader("Authorization", "Token \(key.reveal())"))
    } else if endpoint.needsKey {
      throw StageError(
        .refused, "there is no key for \(endpoint.title)",
        help: "Set DEEPGRAM_API_KEY, or write it into a .env file, or give `key=env(NAME)`; "
          + "`endpoint=local` goes on without one.")
    }
    return request
  }

  /// The key everyone's tools use; never sent to a service the user named by URL and gave no key for, nor to the local one.
  private func environmentKey(_ context: StageContext) -> Secret? {
    guard endpoint.needsKey, let text = context.environment("DEEPGRAM_API_KEY"), !text.isEmpty else {
      return nil
    }
    return Secret(text)
  }
}
