internal import AudioCodecs
internal import FluxGraph
package import FluxProtocol

// What the options mean for the service, and what of them cannot be right.
extension Flux {
  /// What is sent to the service: only what the graph or its preset set, because Flux refuses what it does not know.
  var parameters: ListenParameters {
    var parameters = preset?.parameters ?? ListenParameters(model: "flux-general-en")
    if let model { parameters.model = model }
    parameters.encoding = encoding.declared
    parameters.sampleRate = parameters.encoding == nil ? nil : accepts.rate
    if let endOfTurnThreshold { parameters.endOfTurnThreshold = endOfTurnThreshold }
    if let eagerEndOfTurnThreshold { parameters.eagerEndOfTurnThreshold = eagerEndOfTurnThreshold }
    if let endOfTurnTimeout {
      parameters.endOfTurnTimeout = Int((endOfTurnTimeout.seconds * 1000).rounded())
    }
    parameters.keyterms = keyterms
    parameters.languageHints = languageHints
    parameters.profanityFilter = profanityFilter ? true : nil
    parameters.numerals = numerals ? true : nil
    parameters.redact = redact?.rawValue
    parameters.modelImprovementOptOut = modelImprovementOptOut ? true : nil
    parameters.tags = tags
    return parameters
  }

  /// What else of the options cannot be right together, or not for this service.
  static let serviceRules: [Rule<Flux>] = [
    Rule(
      "key-and-token", reads: ["key", "token"],
      "A key and a short-lived token are two ways to say who you are; the service takes one of them.",
      example: "file talk.opus | flux key=env(DEEPGRAM_API_KEY) token=env(TOKEN) | stdout",
      fix: "file talk.opus | flux token=env(TOKEN) | stdout"
    ) { flux in
      guard flux.key != nil, flux.token != nil else { return nil }
      return OptionConflict(
        "a key and a token cannot both be shown", options: ["token", "key"], help: "leave one of them out",
        fix: .remove("key"))
    },
    .unencryptedKey(
      reads: ["endpoint", "key", "token", "headers"],
      example: "file talk.opus | flux endpoint=ws://flux.example.com key=env(KEY) | stdout",
      fix: "file talk.opus | flux endpoint=wss://flux.example.com key=env(KEY) | stdout",
      address: { if case .url(let url) = $0.endpoint { url } else { nil } },
      keys: { flux in
        [
          flux.key.map { _ in "key" }, flux.token.map { _ in "token" },
          flux.headers.contains(where: \.isCredential) ? "headers" : nil,
        ].compactMap { $0 }
      }),
    Rule(
      "cloudflare-limits", reads: ["dialect", "endpoint", "encoding", "key", "token"],
      "Flux behind Cloudflare has an address of its own, takes linear16 only, and the gateway's token as `key=`.",
      example: "file talk.opus | flux dialect=cloudflare | stdout",
      fix:
        "file talk.opus | flux dialect=cloudflare endpoint=\"wss://gateway.ai.cloudflare.com/v1/ACCOUNT/GATEWAY/workers-ai?model=@cf/deepgram/flux\" | stdout",
      check: cloudflareConflict),
    Rule(
      "opus-rate", reads: ["encoding", "sample_rate"],
      "Opus has 8, 12, 16, 24 and 48 kHz, and no other rate.",
      example: "file talk.opus | flux encoding=ogg-opus sample_rate=44.1k | stdout",
      fix: "file talk.opus | flux encoding=ogg-opus sample_rate=48k | stdout"
    ) { flux in
      guard flux.encoding.transport != .samples, let rate = flux.accepts.rate,
        !OggOpusEncoder.rates.contains(rate)
      else { return nil }
      let next = OggOpusEncoder.rates.first { $0 > rate } ?? 48_000
      return OptionConflict(
        "Opus has no rate of \(rate) Hz", options: ["sample_rate", "encoding"],
        help: "write `sample_rate=\(next / 1000)k`, or leave it out for 16k",
        fix: .set("sample_rate", "\(next / 1000)k"))
    },
    Rule(
      "bad-parameter", reads: parameterOptions,
      "The service is known to refuse this: an option of another model, too many keyterms, or a value it does not have.",
      example: "file talk.opus | flux language_hint=[es] | stdout",
      fix: "file talk.opus | flux language_hint=[es] model=flux-general-multi | stdout"
    ) { flux in
      flux.parameterProblems.first { $0.severity == .error }.map(flux.conflict)
    },
    Rule(
      "doubtful-parameter", reads: parameterOptions,
      "The service is not known to take this, or takes it in a way that may surprise. It may be newer than this program.",
      example: "file talk.opus | flux model=flux-general-xx | stdout",
      fix: "file talk.opus | flux model=flux-general-en | stdout"
    ) { flux in
      let problems = flux.parameterProblems
      // The service inside this process is as new as the program.
      guard flux.endpoint != .local, !problems.contains(where: { $0.severity == .error }),
        var conflict = problems.first.map(flux.conflict)
      else { return nil }
      conflict.isWarning = true
      return conflict
    },
  ]

  private static let parameterOptions = [
    "preset", "model", "keyterm", "language_hint", "profanity_filter", "numerals", "redact", "mip_opt_out",
    "tag", "dialect", "encoding", "sample_rate", "endpoint",
  ]

  private var parameterProblems: [ParameterProblem] {
    // The ranges of the thresholds and their order are the options' own affair.
    let checked: Set<String> = ["eot_threshold", "eager_eot_threshold", "eot_timeout_ms"]
    return parameters.problems(for: dialect).filter { !checked.contains($0.parameter) }
  }

  private func conflict(_ problem: ParameterProblem) -> OptionConflict {
    var conflict = OptionConflict(problem.message, options: [problem.parameter])
    if problem.parameter == "language_hint", parameters.model != "flux-general-multi" {
      conflict.help = "write `model=flux-general-multi`"
      conflict.fix = .set("model", "flux-general-multi")
    } else if problem.parameter == "model" {
      conflict.element = model
      if case .choice(let models)? = FluxParameter.named("model")?.kind { conflict.candidates = models }
    } else if problem.parameter == "language_hint",
      case .choice(let languages)? = FluxParameter.named("language_hint")?.kind
    {
      conflict.element = languageHints.first { hint in
        FluxParameter.named("language_hint")?.problem(with: hint) != nil
      }
      conflict.candidates = languages
    }
    return conflict
  }

  @Sendable private static func cloudflareConflict(_ flux: Flux) -> OptionConflict? {
    guard flux.dialect == .cloudflare else { return nil }
    if flux.token != nil {
      return OptionConflict(
        "Cloudflare takes no token of Deepgram's", options: ["token", "dialect"],
        help: "give the gateway's token as `key=env(NAME)`")
    }
    if flux.encoding != .linear16 {
      return OptionConflict(
        "Cloudflare takes linear16 only", options: ["encoding", "dialect"], help: "leave `encoding` out",
        fix: .remove("encoding"))
    }
    if case .url = flux.endpoint { return nil }
    let address =
      "\"wss://gateway.ai.cloudflare.com/v1/ACCOUNT/GATEWAY/workers-ai?model=@cf/deepgram/flux\""
    return OptionConflict(
      "Cloudflare's Flux has an address of its own", options: ["dialect", "endpoint"],
      help: "write `endpoint=\(address)`", fix: .set("endpoint", address))
  }
}

extension FluxDialect: OptionEnumeration {}
