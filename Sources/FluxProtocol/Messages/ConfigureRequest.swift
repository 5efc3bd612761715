/// A change of settings within a connection. What is nil stays as it is; everything else applies together or not at all.
package struct ConfigureRequest: Equatable, Sendable {
  package var endOfTurnThreshold: Double?
  package var eagerEndOfTurnThreshold: Double?
  /// Milliseconds.
  package var endOfTurnTimeout: Int?
  /// Replaces the whole list; empty clears it.
  package var keyterms: [String]?
  /// Replaces the whole list; empty returns to detection. Only for `flux-general-multi`.
  package var languageHints: [String]?
  package var numerals: Bool?

  package init() {}

  package var isEmpty: Bool { self == ConfigureRequest() }

  /// The two changes in one message: only one may be unanswered at a time.
  package func merging(_ later: ConfigureRequest) -> ConfigureRequest {
    var merged = self
    merged.endOfTurnThreshold = later.endOfTurnThreshold ?? endOfTurnThreshold
    merged.eagerEndOfTurnThreshold = later.eagerEndOfTurnThreshold ?? eagerEndOfTurnThreshold
    merged.endOfTurnTimeout = later.endOfTurnTimeout ?? endOfTurnTimeout
    merged.keyterms = later.keyterms ?? keyterms
    merged.languageHints = later.languageHints ?? languageHints
    merged.numerals = later.numerals ?? numerals
    return merged
  }

  /// Why the service refuses the change on a connection with these settings.
  package func refusal(for current: ListenParameters) -> ConfigureRefusal? {
    for (name, value) in [
      ("eot_threshold", endOfTurnThreshold), ("eager_eot_threshold", eagerEndOfTurnThreshold),
    ] {
      if let value, FluxParameter.named(name)?.accepts(value.description) == false {
        return .thresholdOutOfRange(name)
      }
    }
    if let value = endOfTurnTimeout, FluxParameter.named("eot_timeout_ms")?.accepts(String(value)) == false {
      return .thresholdOutOfRange("eot_timeout_ms")
    }
    var merged = current
    merged.apply(self)
    if let eager = merged.eagerEndOfTurnThreshold, eager > merged.effectiveEndOfTurnThreshold {
      return .eagerAboveEndOfTurn
    }
    if let keyterms {
      if keyterms.count > FluxParameter.maximumKeyterms { return .tooManyKeyterms(keyterms.count) }
      if keyterms.contains(where: { $0.allSatisfy(\.isWhitespace) }) { return .emptyKeyterm }
    }
    if let languageHints, !languageHints.isEmpty {
      guard let model = current.model, model == "flux-general-multi" else {
        return .languageHintsUnsupported(model: current.model ?? "")
      }
      let parameter = FluxParameter.named("language_hint")
      if let hint = languageHints.first(where: { parameter?.problem(with: $0) != nil }) {
        return .unknownLanguageHint(hint)
      }
    }
    return nil
  }
}

/// Why a `Configure` was not applied.
package enum ConfigureRefusal: Error, Equatable, Sendable {
  case thresholdOutOfRange(String)
  case eagerAboveEndOfTurn
  case tooManyKeyterms(Int)
  case emptyKeyterm
  case languageHintsUnsupported(model: String)
  case unknownLanguageHint(String)

  /// The `code` of `ConfigureFailure`. Only `INVALID_THRESHOLD` is documented.
  package var code: String {
    switch self {
    case .thresholdOutOfRange, .eagerAboveEndOfTurn: "INVALID_THRESHOLD"
    case .tooManyKeyterms, .emptyKeyterm: "INVALID_KEYTERMS"
    case .languageHintsUnsupported, .unknownLanguageHint: "INVALID_LANGUAGE_HINTS"
    }
  }
}

extension ConfigureRefusal: CustomStringConvertible {
  package var description: String {
    switch self {
    case .thresholdOutOfRange(let name):
      "\(name) is out of range\(FluxParameter.named(name)?.boundsText ?? "")"
    case .eagerAboveEndOfTurn: "eager_eot_threshold must be less than or equal to eot_threshold"
    case .tooManyKeyterms(let count):
      "Received \(count) keyterms, which is more than the limit of \(FluxParameter.maximumKeyterms)."
    case .emptyKeyterm: "keyterms must not be empty"
    case .languageHintsUnsupported(let model): "language_hint is not supported for model \(model)"
    case .unknownLanguageHint(let hint): "language_hint '\(hint)' is not supported"
    }
  }
}
