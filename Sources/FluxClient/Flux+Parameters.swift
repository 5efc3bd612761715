package import FluxGraph
package import FluxProtocol

// What the options mean for the service, and what of them cannot be right.
extension Flux {
  /// What is sent to the service: only what the graph or its preset set, because Flux refuses what it does not know.
  var parameters: ListenParameters {
    var parameters = preset?.parameters ?? ListenParameters(model: "flux-general-en")
    if let model { parameters.model = model }
    parameters.encoding = encoding.rawValue
    parameters.sampleRate = accepts.rate
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

  package func validate() throws(OptionConflict) {
    try validateThresholds()
    try validateEndpoint()
    let problems = parameters.problems(for: dialect)
    if let problem = problems.first(where: { $0.severity == .error }) {
      throw OptionConflict(
        code: "bad-parameter", problem.message, options: [Self.option(of: problem.parameter)])
    }
    // The service inside this process is as new as the program.
    if endpoint != .local, let problem = problems.first {
      throw OptionConflict(
        code: "doubtful-parameter", problem.message, options: [Self.option(of: problem.parameter)],
        isWarning: true)
    }
  }

  /// The option that stands for a parameter: the one of the timeout has its unit in the value.
  private static func option(of parameter: String) -> String {
    parameter == "eot_timeout_ms" ? "eot_timeout" : parameter
  }

  private func validateThresholds() throws(OptionConflict) {
    let parameters = parameters
    let limit = parameters.effectiveEndOfTurnThreshold
    guard let eager = parameters.eagerEndOfTurnThreshold, eager > limit else { return }
    let isDefault = parameters.endOfTurnThreshold == nil
    var options: [String] = []
    if eagerEndOfTurnThreshold != nil { options.append("eager_eot_threshold") }
    if endOfTurnThreshold != nil { options.append("eot_threshold") }
    if options.count < 2, !isDefault, preset != nil { options.append("preset") }
    throw OptionConflict(
      code: "eager-above-eot",
      "`eager_eot_threshold` must not be above `eot_threshold`"
        + (isDefault ? ", which is not set and defaults to \(shortText(limit))" : ""), options: options,
      help: isDefault
        ? "add `eot_threshold=\(shortText(max(0.5, eager)))`, or lower the eager value to \(shortText(limit)) or less"
        : "`eager_eot_threshold=\(shortText(limit))`")
  }

  private func validateEndpoint() throws(OptionConflict) {
    if words != nil, endpoint != .local {
      throw OptionConflict(
        code: "words-without-local",
        "`words` is where the local Flux takes words from, and the endpoint is not local",
        options: ["words"], help: "add `endpoint=local`, or leave `words` out")
    }
    if key != nil, token != nil {
      throw OptionConflict(
        code: "key-and-token", "a key and a token cannot both be shown", options: ["token", "key"],
        help: "leave one of them out")
    }
    guard dialect == .cloudflare else { return }
    if token != nil {
      throw OptionConflict(
        code: "bad-parameter", "Cloudflare takes no token of Deepgram's", options: ["token", "dialect"],
        help: "give the gateway's token as `key=env(NAME)`")
    }
    if encoding != .linear16 {
      throw OptionConflict(
        code: "bad-parameter", "Cloudflare takes linear16 only", options: ["encoding", "dialect"],
        help: "leave `encoding` out")
    }
    if case .url = endpoint { return }
    throw OptionConflict(
      code: "bad-parameter", "Cloudflare's Flux has an address of its own", options: ["dialect", "endpoint"],
      help:
        "`endpoint=\"wss://gateway.ai.cloudflare.com/v1/ACCOUNT/GATEWAY/workers-ai?model=@cf/deepgram/flux\"`"
    )
  }
}

extension FluxDialect: OptionEnumeration {}
