internal import FluxGraph

/// The settings of one connection. What is nil or empty is not sent: the service's own default applies, and
/// a parameter the service does not know yet or any more refuses the connection.
package struct ListenParameters: Equatable, Sendable {
  package var model: String?
  package var encoding: String?
  /// Samples per second.
  package var sampleRate: Int?
  package var endOfTurnThreshold: Double?
  package var eagerEndOfTurnThreshold: Double?
  /// Milliseconds.
  package var endOfTurnTimeout: Int?
  package var keyterms: [String] = []
  package var languageHints: [String] = []
  package var profanityFilter: Bool?
  package var numerals: Bool?
  package var redact: String?
  package var modelImprovementOptOut: Bool?
  package var tags: [String] = []

  package init(model: String? = nil) { self.model = model }

  /// The threshold the service will use.
  package var effectiveEndOfTurnThreshold: Double {
    endOfTurnThreshold ?? FluxParameter.defaultEndOfTurnThreshold
  }

  /// The timeout the service will use, in milliseconds.
  package var effectiveEndOfTurnTimeout: Int {
    endOfTurnTimeout ?? FluxParameter.defaultEndOfTurnTimeout
  }

  /// What was set, as text, in the order of the parameter table.
  package var items: [(name: String, value: String)] {
    let single: [(String, String?)] = [
      ("model", model), ("encoding", encoding), ("sample_rate", sampleRate.map { String($0) }),
      ("eot_threshold", endOfTurnThreshold?.description),
      ("eager_eot_threshold", eagerEndOfTurnThreshold?.description),
      ("eot_timeout_ms", endOfTurnTimeout.map { String($0) }),
    ]
    let last: [(String, String?)] = [
      ("profanity_filter", profanityFilter.map { String($0) }), ("numerals", numerals.map { String($0) }),
      ("redact", redact), ("mip_opt_out", modelImprovementOptOut.map { String($0) }),
    ]
    return Self.present(single) + keyterms.map { ("keyterm", $0) }
      + languageHints.map { ("language_hint", $0) }
      + Self.present(last) + tags.map { ("tag", $0) }
  }

  private static func present(_ items: [(String, String?)]) -> [(name: String, value: String)] {
    items.compactMap { name, value in value.map { (name, $0) } }
  }

  /// The query string, percent-encoded, without `?`. Leaves out what the dialect does not know.
  package func query(for dialect: FluxDialect = .deepgram) -> String {
    items.filter { dialect.knows($0.name) }.map { "\($0.name)=\(PercentEncoding.encode($0.value))" }
      .joined(separator: "&")
  }

  /// Takes over what a `Configure` changed, so that a new connection starts with the current settings.
  package mutating func apply(_ change: ConfigureRequest) {
    if let value = change.endOfTurnThreshold { endOfTurnThreshold = value }
    if let value = change.eagerEndOfTurnThreshold { eagerEndOfTurnThreshold = value }
    if let value = change.endOfTurnTimeout { endOfTurnTimeout = value }
    if let value = change.keyterms { keyterms = value }
    if let value = change.languageHints { languageHints = value }
    if let value = change.numerals { numerals = value }
  }
}
