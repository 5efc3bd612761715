/// Something about a setting that the user should know before a connection is opened.
package struct ParameterProblem: Equatable, Sendable {
  package enum Severity: Sendable {
    /// The service is known to refuse this.
    case error
    /// Works as far as known, or no longer or not yet everywhere.
    case warning
  }

  /// Name of the query parameter.
  package let parameter: String
  package let severity: Severity
  /// One sentence.
  package let message: String

  package init(_ parameter: String, _ severity: Severity, _ message: String) {
    self.parameter = parameter
    self.severity = severity
    self.message = message
  }
}

extension ListenParameters {
  /// What is wrong or doubtful about the settings, before dialling.
  ///
  /// Ranges that the service may widen again are warnings; combinations it is known to refuse are errors.
  package func problems(for dialect: FluxDialect = .deepgram) -> [ParameterProblem] {
    var problems: [ParameterProblem] = []
    if dialect == .deepgram, model == nil {
      problems.append(ParameterProblem("model", .error, "a model is required, such as flux-general-en"))
    }
    var unknown: [String] = []
    for item in items {
      if !dialect.knows(item.name) {
        if item.name != "model", !unknown.contains(item.name) { unknown.append(item.name) }
      } else if let problem = FluxParameter.named(item.name)?.problem(with: item.value) {
        problems.append(problem)
      }
    }
    problems += unknown.map { ParameterProblem($0, .error, "\($0) does not exist on Cloudflare") }
    problems += audioProblems + thresholdProblems + listProblems(dialect)
    return problems
  }

  private var audioProblems: [ParameterProblem] {
    if let encoding, sampleRate == nil {
      return [ParameterProblem("sample_rate", .error, "encoding=\(encoding) needs a sample_rate")]
    }
    if sampleRate != nil, encoding == nil {
      let message = "sample_rate needs an encoding; for WAV, Ogg and WebM leave out both"
      return [ParameterProblem("encoding", .error, message)]
    }
    switch encoding {
    case "linear32":
      return [
        ParameterProblem("encoding", .warning, "whether linear32 means integers or floats is not documented")
      ]
    case "opus":
      return [ParameterProblem("encoding", .warning, "how bare Opus packets are framed is not documented")]
    default: return []
    }
  }

  private var thresholdProblems: [ParameterProblem] {
    var problems: [ParameterProblem] = []
    if endOfTurnThreshold == 1 {
      let message = "eot_threshold=1.0 never ends a turn: only eot_timeout_ms and ForceEndTurn do"
      problems.append(ParameterProblem("eot_threshold", .warning, message))
    }
    if let eager = eagerEndOfTurnThreshold, eager > effectiveEndOfTurnThreshold {
      let limit =
        endOfTurnThreshold.map { "eot_threshold=\($0)" }
        ?? "the default eot_threshold of \(FluxParameter.defaultEndOfTurnThreshold)"
      problems.append(ParameterProblem("eager_eot_threshold", .error, "\(eager) is above \(limit)"))
    }
    return problems
  }

  private func listProblems(_ dialect: FluxDialect) -> [ParameterProblem] {
    var problems: [ParameterProblem] = []
    if keyterms.count > FluxParameter.maximumKeyterms {
      let message = "\(keyterms.count) keyterms are more than the limit of \(FluxParameter.maximumKeyterms)"
      problems.append(ParameterProblem("keyterm", .error, message))
    }
    if dialect == .cloudflare, keyterms.count > 1 {
      problems.append(ParameterProblem("keyterm", .error, "Cloudflare takes a single keyterm"))
    }
    if !languageHints.isEmpty, let model, model != "flux-general-multi", dialect == .deepgram {
      let message = "language_hint works only with model=flux-general-multi, not with \(model)"
      problems.append(ParameterProblem("language_hint", .error, message))
    }
    return problems
  }
}

extension FluxParameter {
  /// What is wrong or doubtful about one value.
  package func problem(with text: String) -> ParameterProblem? {
    switch kind {
    case .choice(let words): return choiceProblem(text, words)
    case .oneOf(let numbers):
      guard Int(text).map(numbers.contains) != true else { return nil }
      let list = numbers.map { String($0) }.joined(separator: ", ")
      return ParameterProblem(name, .error, "\(name)=\(text) is none of \(list)")
    case .number(let range):
      guard let value = Self.decimal(text) else { return notNumber(text) }
      if !range.contains(value) { return outside(text, "\(range.lowerBound) to \(range.upperBound)") }
      if case .number(let older) = olderKind, !older.contains(value) {
        return newer(text, "\(older.upperBound)")
      }
    case .integer(let range):
      guard let value = Int(text) else { return notNumber(text) }
      if !range.contains(value) { return outside(text, "\(range.lowerBound) to \(range.upperBound)") }
      if case .integer(let older) = olderKind, !older.contains(value) {
        return newer(text, "\(older.upperBound)")
      }
    case .boolean:
      guard text != "true", text != "false" else { return nil }
      return ParameterProblem(name, .error, "\(name)=\(text) is neither true nor false")
    case .text(let maximum):
      if text.allSatisfy(\.isWhitespace) { return ParameterProblem(name, .error, "\(name) is empty") }
      if text.count > maximum {
        let message = "a \(name) of \(text.count) characters is longer than \(maximum) and may be refused"
        return ParameterProblem(name, .warning, message)
      }
    }
    return nil
  }

  private func choiceProblem(_ text: String, _ words: [String]) -> ParameterProblem? {
    if words.contains(text) { return nil }
    if name == "language_hint" {
      // Subtags fall back to their base language.
      if words.contains(text.prefix { $0 != "-" }.lowercased()) { return nil }
      let list = words.joined(separator: ", ")
      return ParameterProblem(
        name, text.isEmpty ? .error : .warning, "language_hint=\(text) is none of \(list)")
    }
    if name == "model", ListenParameters.isWellFormed(model: text), text.hasPrefix("flux-") {
      let message = "the model \(text) is not known here; the service may know it"
      return ParameterProblem(name, .warning, message)
    }
    return ParameterProblem(name, .error, "\(name)=\(text) is none of \(words.joined(separator: ", "))")
  }

  private func notNumber(_ text: String) -> ParameterProblem {
    ParameterProblem(name, .error, "\(name)=\(text) is not a number")
  }

  private func outside(_ text: String, _ range: String) -> ParameterProblem {
    ParameterProblem(name, .error, "\(name)=\(text) is outside \(range) (\(source), \(date))")
  }

  private func newer(_ text: String, _ limit: String) -> ParameterProblem {
    let message = "\(name)=\(text) is above \(limit), the limit of servers older than \(date)"
    return ParameterProblem(name, .warning, message)
  }
}
