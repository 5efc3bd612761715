package import FluxGraph
package import FluxProtocol

/// The stage `flux`: streams audio to Deepgram Flux and gives the turn events that come back.
package struct Flux: Recogniser {
  package static let description = StageDescription<Flux>(
    "flux", "Streams audio to Deepgram Flux and gives the turn events that come back.",
    details: """
      Audio is sent as 16 kHz mono linear16 in chunks of 80 ms; telephone audio stays what it is with `encoding=mulaw`. The \
      key is taken from `key=`, else from the variable DEEPGRAM_API_KEY, else from a `.env` file. `endpoint=local` needs no \
      key and no network: a Flux server inside this process listens instead.
      `encoding=ogg-opus` sends 24 kbit/s of Opus instead of linear16's 256, for links that take no more. `encoding=auto` begins with \
      linear16, and when such a link is found out, at 2 s of audio that wait and become more, it goes on with ogg-opus over another \
      connection, between two turns if one ends soon. A service that refuses it gets linear16 again.
      A lost connection is made again after 1, 2, 4 … 30 s, and the audio of the time between is caught up: an outage that fits \
      into `buffer=` loses nothing, for no wait takes more than a third of what still fits. Behind a file the open turn is \
      sent again from its start; behind a live source it ends with its last text, not final.
      `fluxgraph ctl` ends turns and changes thresholds, keyterms, language hints and numerals while the graph runs.
      """,
    ports: [
      PortSpecification("notices", "Notices of the session: what the service warned of, what was lost.")
    ],
    examples: ["file talk.opus | flux | stdout", "file talk.opus | flux endpoint=local | jsonl turns.jsonl"],
    mistakes: knownMistakes
  ) {
    Option(
      "preset", \Flux.preset,
      "Settings of Deepgram's guide that belong together; what is set beside it wins.")
    Option(
      "model", \Flux.model,
      "The model: flux-general-en, unless the preset has another, or flux-general-multi for several languages."
    )
    Option(
      "eot_threshold", \Flux.endOfTurnThreshold,
      "The confidence at which a turn ends; 1 never ends a turn by the model.", in: 0...1,
      usual: 0.5...1)
    Option(
      "eager_eot_threshold", \Flux.eagerEndOfTurnThreshold,
      "The confidence for an early EagerEndOfTurn; unset sends none.", in: 0...1, usual: 0.3...0.9)
    Rule(
      "eager-above-eot", reads: ["eager_eot_threshold", "eot_threshold", "preset"],
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
    Option("dialect", \Flux.dialect, "Whose variant of the protocol the service speaks.")
    Option("key", \Flux.key, "The API key, as `env(NAME)`; with `dialect=cloudflare` the gateway's token.")
    Option(
      "token", \Flux.token, "A short-lived token of Deepgram's grants, as `env(NAME)`, instead of a key.")
    Option(
      "auth", \Flux.authorization,
      "Where the key or the token goes: into a header, or into the subprotocol as browsers have to send it.")
    Option(
      "headers", \Flux.headers,
      "More headers of the request, as `\"Name: value\"` or, kept secret, as `env(NAME)` holding such a line."
    )
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
        options: ["words"], help: "add `endpoint=local`, or leave `words` out", fix: .set("endpoint", "local")
      )
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
        help: "add `endpoint=local`, or leave `fault` out", fix: .set("endpoint", "local"))
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
    Option(
      "encoding", \Flux.encoding,
      "How audio is sent; telephone audio passes through mulaw and alaw as it is, ogg-opus takes a tenth of linear16's bytes, and auto goes over from linear16 to it when the link is too slow."
    )
    Option(
      "sample_rate", \Flux.sampleRate,
      "Samples a second; 8k for mulaw and alaw and 16k for the others unless given. ogg-opus has 8k, 12k, 16k, 24k and 48k."
    )
    Option(
      "channels", \Flux.channels,
      "mix makes one channel of all; split gives each a session, and its stream the channel's name.")
    Option("min_words", \Flux.minimumWords, "Turns with fewer words are not told of.", in: 0...100)
    Option(
      "min_confidence", \Flux.minimumConfidence,
      "Turns whose words have a lower mean confidence are not told of.", in: 0...1)
    Option(
      "resume", \Flux.resume,
      "What becomes of the open turn of a lost connection: replay, as behind files, or cut, as behind live sources."
    )
    Option(
      "buffer", \Flux.buffer,
      "The latest audio kept for a lost connection, in memory as it comes; beyond it the oldest gives way.",
      in: .seconds(1)...(.seconds(600)))
    Option(
      "catch_up", \Flux.catchUp, "How fast kept audio is sent, as a multiple of real time.",
      in: .times(1)...(.times(4)))
    Option(
      "connect_timeout", \Flux.connectTimeout, "The time from dialling to the service's greeting.",
      in: .milliseconds(100)...(.seconds(300)))
    Option(
      "ping", \Flux.ping, "How often the connection is probed, and how long the answer may take; 0s never.",
      in: .zero...(.seconds(60)))
    Option(
      "send_timeout", \Flux.sendTimeout, "How long the network may take nothing.",
      in: .milliseconds(100)...(.seconds(300)))
    Option(
      "pause_silence", \Flux.pauseSilence,
      "How long a live source may pause inside a turn before silence is sent, without which no turn ends; 0s never.",
      in: .zero...(.seconds(60)))
    Option(
      "stall_timeout", \Flux.stallTimeout,
      "How long the service may say nothing while audio flows, before another connection is made; 0s for ever.",
      in: .zero...(.seconds(600)))
    Option(
      "turn_timeout", \Flux.turnTimeout,
      "How long the service may say nothing of an open turn before it is ended here; four times eot_timeout and at least 3s unless given; 0s for ever.",
      in: .zero...(.seconds(3600)))
    Option(
      "retry_limit", \Flux.retryLimit, "The longest delay between attempts to connect.",
      in: .seconds(1)...(.seconds(3600)))
    Option(
      "max_attempts", \Flux.maximumAttempts,
      "Attempts in a row that may fail: 3 at first, then 10 behind files and any number behind live sources unless given.",
      in: 1...1_000_000)
    Option(
      "max_duration", \Flux.maximumDuration,
      "The audio sent in all, silence and repetitions included; then the stage ends.",
      in: .seconds(1)...(.seconds(1_000_000)))
    Flux.serviceRules
  }

  @Sendable private static func eagerAboveEnd(_ flux: Flux) -> OptionConflict? {
    let parameters = flux.parameters
    let limit = parameters.effectiveEndOfTurnThreshold
    guard let eager = parameters.eagerEndOfTurnThreshold, eager > limit else { return nil }
    let isDefault = parameters.endOfTurnThreshold == nil
    var options: [String] = []
    if flux.eagerEndOfTurnThreshold != nil { options.append("eager_eot_threshold") }
    if flux.endOfTurnThreshold != nil { options.append("eot_threshold") }
    if options.count < 2, !isDefault, flux.preset != nil { options.append("preset") }
    let needed = shortText(max(0.5, eager))
    return OptionConflict(
      "`eager_eot_threshold` must not be above `eot_threshold`"
        + (isDefault ? ", which is not set and defaults to \(shortText(limit))" : ""), options: options,
      help: isDefault
        ? "add `eot_threshold=\(needed)`, or lower the eager value to \(shortText(limit)) or less"
        : "write `eager_eot_threshold=\(shortText(limit))`",
      fix: isDefault ? .set("eot_threshold", needed) : .set("eager_eot_threshold", shortText(limit)))
  }

  package var unsentEvents: [UnsentEvent] {
    let help = "set `eager_eot_threshold`, from 0.3 to 0.9"
    return parameters.eagerEndOfTurnThreshold == nil
      ? [UnsentEvent(.eagerEndOfTurn, help: help), UnsentEvent(.turnResumed, help: help)] : []
  }

  /// What people bring along from Deepgram's first version, and from the names of the query parameters.
  private static let knownMistakes: [KnownMistake] =
    [
      version1(
        "language", value: .exactly("en"),
        "the language is part of the model: write `model=flux-general-en`, or `model=flux-general-multi language_hint=[en, es]`",
        "model=flux-general-en"),
      version1(
        "language",
        "the language is part of the model: write `model=flux-general-multi language_hint=[en, es]`",
        "model=flux-general-multi language_hint=[{value}]"),
      version1(
        "detect_language", "flux-general-multi detects languages by itself: write `model=flux-general-multi`",
        "model=flux-general-multi"),
      version1(
        "smart_format", "write `numerals` for numbers as digits; the rest is always formatted", "numerals"),
      version1(
        "keywords", "write `keyterm=[…]`, without weights", "keyterm=[{value}]"),
      version1(
        "endpointing", "leave it out; turns end by `eot_threshold=` and `eot_timeout=`", ""),
      version1(
        "utterance_end_ms", "write `eot_timeout=…`, with its unit", "eot_timeout={value}ms"),
    ]
    + FluxParameter.version1Names.sorted { $0.key < $1.key }.filter { $0.key != "channels" }.map {
      name, help in
      version1(name, "leave it out: \(help)", "")
    } + [
      KnownMistake(
        "model", value: .exactly("flux"), "Flux models have longer names",
        help: "write `model=flux-general-en`, or `model=flux-general-multi` for several languages",
        replacement: "flux-general-en"),
      KnownMistake(
        "model", value: .containing("nova"), "this is a model of Deepgram's v1, not of Flux",
        help: "write `model=flux-general-en`", replacement: "flux-general-en"),
      KnownMistake(
        "endpoint", value: .containing("/v1/listen"), "Flux is served under /v2/listen",
        help: "leave the path out, or end it with /v2/listen"),
      KnownMistake(
        "eot_timeout_ms", "the unit belongs to the value here", help: "write `eot_timeout=5s`",
        replacement: "eot_timeout={value}ms"),
      KnownMistake(
        "encoding", value: .exactly("opus"), "how bare Opus packets are framed is not documented",
        help: "write `encoding=ogg-opus`", replacement: "ogg-opus"),
      KnownMistake(
        "encoding", value: .exactly("linear32"), "the service's own pages do not agree on what linear32 is",
        help: "leave `encoding` out, or write `encoding=linear16`", replacement: "linear16"),
    ]

  private static func version1(
    _ name: String, value: KnownMistake.Value = .any, _ help: String, _ replacement: String
  ) -> KnownMistake {
    KnownMistake(
      name, value: value, "`\(name)` is an option of Deepgram's v1 models, not of Flux", help: help,
      replacement: replacement)
  }

  package var preset: FluxPreset?
  package var model: String?
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
  package var dialect = FluxDialect.deepgram
  package var key: Secret?
  package var token: Secret?
  package var authorization = Authorization.header
  package var headers: [HeaderLine] = []
  package var certificateAuthorities: Path?
  package var words: String?
  package var fault: String?
  package var encoding = Encoding.linear16
  package var sampleRate: SampleRate?
  package var channels = Channels.mix
  package var minimumWords = 0
  package var minimumConfidence = 0.0
  package var resume: ResumePolicy?
  package var buffer = FluxSessionSettings.buffer
  package var catchUp = Speed(FluxSessionSettings.catchUp)
  package var connectTimeout = FluxGuards.connect
  package var ping = FluxGuards.pingInterval
  package var sendTimeout = FluxGuards.send
  package var pauseSilence = FluxGuards.audioPause
  package var stallTimeout = FluxGuards.serverSilence
  package var turnTimeout: Duration?
  package var retryLimit = FluxGuards.lastReconnectDelay
  package var maximumAttempts: Int?
  package var maximumDuration: Duration?

  /// What of numbers is redacted.
  package enum Redaction: String, OptionEnumeration {
    case numbers
    case aggressiveNumbers = "aggressive_numbers"
  }

  /// How samples are sent.
  package enum Encoding: String, OptionEnumeration {
    case linear16, mulaw, alaw
    case oggOpus = "ogg-opus"
    case auto

    /// What the stage takes.
    var sample: SampleFormat {
      switch self {
      case .linear16, .oggOpus, .auto: .s16le
      case .mulaw: .mulaw
      case .alaw: .alaw
      }
    }

    var transport: AudioEncoding {
      switch self {
      case .linear16, .mulaw, .alaw: .samples
      case .oggOpus: .oggOpus
      case .auto: .automatic
      }
    }

    /// What is declared to the service; nil where the audio says itself what it is.
    var declared: String? {
      switch self {
      case .linear16, .auto: Encoding.linear16.rawValue
      case .mulaw, .alaw: rawValue
      case .oggOpus: nil
      }
    }
  }

  /// What is done with several channels.
  package enum Channels: String, OptionEnumeration {
    case mix, split
  }

  /// Where the key goes.
  package enum Authorization: String, OptionEnumeration {
    case header, subprotocol
  }

  package init() {}

  package var accepts: AudioRequirement {
    AudioRequirement(
      sample: encoding.sample, rate: rate, channels: channels == .mix ? 1 : nil,
      chunk: FluxSessionSettings.chunk,
      paced: true)
  }

  private var rate: Int { sampleRate?.hertz ?? (encoding.sample == .s16le ? 16_000 : 8_000) }
}
