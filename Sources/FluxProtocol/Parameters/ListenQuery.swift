internal import FluxGraph

extension ListenParameters {
  /// What this server decodes. The encodings whose meaning is not documented (`linear32`, bare `opus`) are
  /// refused rather than guessed.
  package static let servedEncodings = ["linear16", "mulaw", "alaw", "ogg-opus"]

  /// Reads a query string the way the service does: strictly, so that a client's mistake shows here first.
  package init(query: String) throws(QueryRefusal) {
    self.init()
    let items = try Self.items(of: query)
    let unknown = Self.withoutRepetition(items.map(\.name).filter { FluxParameter.named($0) == nil })
    guard unknown.isEmpty else {
      throw .invalidParameter("Unknown query parameters: \(unknown.joined(separator: ", "))")
    }
    var seen: Set<String> = []
    for item in items {
      let isFirst = seen.insert(item.name).inserted
      guard isFirst || FluxParameter.named(item.name)?.isRepeated == true else {
        throw Self.malformed("duplicate field `\(item.name)`")
      }
      try take(item.name, item.value)
    }
    guard model != nil else { throw Self.malformed("missing field `model`") }
    try checkCombinations()
    guard FluxParameter.named("model")?.accepts(model) == true else { throw .modelNotAccessible }
  }

  /// Three parts separated by hyphens.
  static func isWellFormed(model: String) -> Bool {
    let parts = model.split(separator: "-", omittingEmptySubsequences: false)
    return parts.count == 3 && parts.allSatisfy { !$0.isEmpty }
  }

  private static func items(of query: String) throws(QueryRefusal) -> [(name: String, value: String)] {
    var items: [(String, String)] = []
    for pair in query.split(separator: "&") {
      let name = PercentEncoding.decode(pair.prefix { $0 != "=" })
      let value = PercentEncoding.decode(pair.drop { $0 != "=" }.dropFirst())
      guard let name, let value else { throw malformed("invalid percent-encoding") }
      items.append((name, value))
    }
    return items
  }

  private static func withoutRepetition(_ names: [String]) -> [String] {
    var seen: Set<String> = []
    return names.filter { seen.insert($0).inserted }
  }

  private static func malformed(_ detail: String) -> QueryRefusal {
    .invalidParameter("Failed to deserialize query parameters: \(detail)")
  }

  private mutating func take(_ name: String, _ value: String) throws(QueryRefusal) {
    switch name {
    case "model":
      guard Self.isWellFormed(model: value) else {
        throw Self.malformed(
          "Model must have exactly 3 parts separated by hyphens, such as \"flux-general-en\". Got: \(value)")
      }
      model = value
    case "encoding":
      guard Self.servedEncodings.contains(value) else {
        throw .invalidParameter("Invalid 'encoding' value: \(value)")
      }
      encoding = value
    case "sample_rate": sampleRate = try Self.integer(name, value)
    case "eot_threshold": endOfTurnThreshold = try Self.number(name, value)
    case "eager_eot_threshold": eagerEndOfTurnThreshold = try Self.number(name, value)
    case "eot_timeout_ms": endOfTurnTimeout = try Self.integer(name, value)
    case "keyterm":
      guard !value.allSatisfy(\.isWhitespace) else { throw .invalidParameter("Keyterms must not be empty.") }
      keyterms.append(value)
    case "language_hint": languageHints.append(value)
    case "profanity_filter": profanityFilter = try Self.boolean(name, value)
    case "numerals": numerals = try Self.boolean(name, value)
    case "redact":
      guard FluxParameter.named(name)?.accepts(value) == true else {
        throw .invalidParameter(
          "Invalid 'redact' value: \(value). Supported values are `numbers` and `aggressive_numbers`.")
      }
      redact = value
    case "mip_opt_out": modelImprovementOptOut = try Self.boolean(name, value)
    default:
      guard value.count <= 128 else { throw .invalidParameter("Tags must not exceed 128 characters.") }
      tags.append(value)
    }
  }

  private func checkCombinations() throws(QueryRefusal) {
    guard (encoding == nil) == (sampleRate == nil) else {
      let missing = encoding == nil ? "encoding" : "sample_rate"
      let given = encoding == nil ? "sample_rate" : "encoding"
      throw .invalidParameter("`\(missing)` is required when `\(given)` is given.")
    }
    if let eager = eagerEndOfTurnThreshold, eager > effectiveEndOfTurnThreshold {
      throw .invalidParameter(ConfigureRefusal.eagerAboveEndOfTurn.description)
    }
    guard keyterms.count <= FluxParameter.maximumKeyterms else {
      throw .invalidParameter(ConfigureRefusal.tooManyKeyterms(keyterms.count).description)
    }
    guard !languageHints.isEmpty, let model else { return }
    guard model == "flux-general-multi" else {
      throw .unsupported("language_hint is not supported for model \(model)")
    }
    for hint in languageHints where FluxParameter.named("language_hint")?.problem(with: hint) != nil {
      throw .unsupported("language_hint '\(hint)' is not supported for model \(model)")
    }
  }

  private static func number(_ name: String, _ text: String) throws(QueryRefusal) -> Double {
    guard let value = FluxParameter.decimal(text) else { throw malformed("\(name): invalid float literal") }
    try checkRange(name, text)
    return value
  }

  private static func integer(_ name: String, _ text: String) throws(QueryRefusal) -> Int {
    guard let value = Int(text) else { throw malformed("\(name): invalid digit found in string") }
    try checkRange(name, text)
    return value
  }

  private static func boolean(_ name: String, _ text: String) throws(QueryRefusal) -> Bool {
    switch text {
    case "true": return true
    case "false": return false
    default: throw malformed("\(name): provided string was not `true` or `false`")
    }
  }

  private static func checkRange(_ name: String, _ text: String) throws(QueryRefusal) {
    guard let parameter = FluxParameter.named(name), !parameter.accepts(text) else { return }
    switch parameter.kind {
    case .number(let range):
      throw .invalidParameter("\(name) must be between \(range.lowerBound) and \(range.upperBound).")
    case .integer(let range):
      throw .invalidParameter("\(name) must be between \(range.lowerBound) and \(range.upperBound).")
    default: throw .invalidParameter("Invalid '\(name)' value: \(text)")
    }
  }
}

extension FluxParameter {
  /// A finite number in decimal notation; Swift's own initialiser also takes hexadecimal ones and words.
  package static func decimal(_ text: String) -> Double? {
    guard text.utf8.allSatisfy({ "0123456789.+-eE".utf8.contains($0) }) else { return nil }
    return Double(text).flatMap { $0.isFinite ? $0 : nil }
  }

  /// Whether the service takes the value, as far as a single value tells.
  func accepts(_ text: String?) -> Bool {
    guard let text else { return true }
    switch kind {
    case .choice(let words): return words.contains(text)
    case .number, .integer, .oneOf, .boolean, .text: return problem(with: text)?.severity != .error
    }
  }
}
