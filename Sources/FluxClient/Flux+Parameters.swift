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
    try validateEndpoint()
    // The ranges of the thresholds and their order are the options' own affair.
    let checked: Set<String> = ["eot_threshold", "eager_eot_threshold", "eot_timeout_ms"]
    let problems = parameters.problems(for: dialect).filter { !checked.contains($0.parameter) }
    if let problem = problems.first(where: { $0.severity == .error }) {
      throw OptionConflict(
        code: "bad-parameter", problem.message, options: [problem.parameter])
    }
    // The service inside this process is as new as the program.
    if endpoint != .local, let problem = problems.first {
      throw OptionConflict(
        code: "doubtful-parameter", problem.message, options: [problem.parameter],
        isWarning: true)
    }
  }

  private func validateEndpoint() throws(OptionConflict) {
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
