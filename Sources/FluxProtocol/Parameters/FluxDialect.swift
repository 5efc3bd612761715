/// Whose variant of the protocol a server speaks.
package enum FluxDialect: String, Sendable, CaseIterable {
  case deepgram
  /// Workers AI: the model is part of the URL, fewer parameters, one keyterm.
  case cloudflare

  /// Whether the dialect knows a query parameter.
  package func knows(_ parameter: String) -> Bool {
    switch self {
    case .deepgram: FluxParameter.named(parameter) != nil
    case .cloudflare:
      [
        "encoding", "sample_rate", "eot_threshold", "eager_eot_threshold", "eot_timeout_ms", "keyterm",
        "mip_opt_out", "tag",
      ].contains(parameter)
    }
  }
}
