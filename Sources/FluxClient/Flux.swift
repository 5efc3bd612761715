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
      "The confidence at which a turn ends; 1 never ends a turn by the model.", in: 0...1,
      usual: 0.5...1)
    Option(
      "eager_eot_threshold", \Flux.eagerEndOfTurnThreshold,
      "The confidence for an early EagerEndOfTurn; unset sends none.", in: 0...1, usual: 0.3...0.9)
    Rule(
      "eager-above-eot", reads: ["eager_eot_threshold", "eot_threshold"],
      """
      An early EagerEndOfTurn needs less confidence than the EndOfTurn that follows it, so `eager_eot_threshold` must not be \
      above `eot_threshold`, which is 0.7 unless it is set. The service refuses the connection otherwise.
      """,
      example: "file talk.opus | flux eager_eot_threshold=0.8 | stdout",
      fix: "file talk.opus | flux eager_eot_threshold=0.8 eot_threshold=0.85 | stdout", check: eagerAboveEnd)
    Option(
      "eot_timeout", \Flux.endOfTurnTimeout,
      "The silence after speech that ends a turn whatever the confidence.",
      in: .milliseconds(1)...(.seconds(86_400)), usual: .milliseconds(500)...(.seconds(60)))
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
    Rule(
      "words-without-local", reads: ["words", "endpoint"],
      "`words=` names where the Flux server inside this process takes words from; every other service has its own ears.",
      example: "file talk.opus | flux words=none | stdout",
      fix: "file talk.opus | flux words=none endpoint=local | stdout"
    ) { flux in
      guard flux.words != nil, flux.endpoint != .local else { return nil }
      return OptionConflict(
        "`words` is where the local Flux takes words from, and the endpoint is not local",
        options: ["words"], help: "add `endpoint=local`, or leave `words` out")
    }
    Rule(
      "fault-without-local", reads: ["fault", "endpoint"],
      "`fault=` makes the Flux server inside this process misbehave; other services cannot be told to.",
      example: "file talk.opus | flux fault=\"drop after=5s\" | stdout",
      fix: "file talk.opus | flux fault=\"drop after=5s\" endpoint=local | stdout"
    ) { flux in
      guard flux.fault != nil, flux.endpoint != .local else { return nil }
      return OptionConflict(
        "`fault` is for the local Flux, and the endpoint is not local", options: ["fault"],
        help: "add `endpoint=local`, or leave `fault` out")
    }
    Rule(
      "bad-fault", reads: ["fault"],
      "`fault=` is not one of the faults the local Flux knows; `fluxgraph help serve` lists them.",
      example: "file talk.opus | flux fault=\"explode\" endpoint=local | stdout",
      fix: "file talk.opus | flux fault=\"drop after=5s\" endpoint=local | stdout"
    ) { flux in
      guard let fault = flux.fault else { return nil }
      do throws(FaultError) {
        _ = try FaultPlan(parsing: fault)
        return nil
      } catch {
        return OptionConflict(error.description, options: ["fault"])
      }
    }
  }

  @Sendable private static func eagerAboveEnd(_ flux: Flux) -> OptionConflict? {
    let limit = flux.endOfTurnThreshold ?? FluxParameter.defaultEndOfTurnThreshold
    guard let eager = flux.eagerEndOfTurnThreshold, eager > limit else { return nil }
    let isDefault = flux.endOfTurnThreshold == nil
    return OptionConflict(
      "`eager_eot_threshold` must not be above `eot_threshold`"
        + (isDefault ? ", which is not set and defaults to \(shortText(limit))" : ""),
      options: isDefault ? ["eager_eot_threshold"] : ["eager_eot_threshold", "eot_threshold"],
      help: isDefault
        ? "add `eot_threshold=\(shortText(max(0.5, eager)))`, or lower the eager value to \(shortText(limit)) or less"
        : "`eager_eot_threshold=\(shortText(limit))`")
  }

  package var unsentEvents: [UnsentEvent] {
    let help = "set `eager_eot_threshold`, from 0.3 to 0.9"
    return eagerEndOfTurnThreshold == nil
      ? [UnsentEvent(.eagerEndOfTurn, help: help), UnsentEvent(.turnResumed, help: help)] : []
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
    // Ranges and thresholds are the options' own affair.
    let checked: Set<String> = ["eot_threshold", "eager_eot_threshold", "eot_timeout_ms"]
    for problem in parameters.problems() where problem.severity == .error {
      guard !checked.contains(problem.parameter) else { continue }
      throw OptionConflict(code: "bad-parameter", problem.message, options: [problem.parameter])
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
