/// One query parameter of `/v2/listen`: what the service takes, who says so, and since when.
package struct FluxParameter: Sendable {
  package enum Kind: Equatable, Sendable {
    /// One of these words.
    case choice([String])
    /// A decimal number within these bounds.
    case number(ClosedRange<Double>)
    /// A whole number within these bounds.
    case integer(ClosedRange<Int>)
    /// One of these whole numbers.
    case oneOf([Int])
    /// `true` or `false`.
    case boolean
    /// Any text of at most this many characters.
    case text(maximumLength: Int)
  }

  package let name: String
  package let kind: Kind
  /// What older deployments allow, where the service has widened the range since.
  package let olderKind: Kind?
  /// Whether the key may occur several times.
  package let isRepeated: Bool
  /// Where `kind` comes from.
  package let source: String
  /// When `kind` became or was last seen to be true, as year-month-day.
  package let date: String

  init(
    _ name: String, _ kind: Kind, older: Kind? = nil, repeated: Bool = false,
    source: String, date: String
  ) {
    self.name = name
    self.kind = kind
    olderKind = older
    isRepeated = repeated
    self.source = source
    self.date = date
  }
}

extension FluxParameter {
  /// The bounds of a number, as the end of a sentence; nil for what has none.
  var boundsText: String? {
    switch kind {
    case .number(let range): ": it goes from \(range.lowerBound) to \(range.upperBound)"
    case .integer(let range): ": it goes from \(range.lowerBound) to \(range.upperBound)"
    default: nil
    }
  }
}

extension FluxParameter {
  /// Every parameter of the service, in the order in which they are written.
  package static let all: [FluxParameter] = [
    FluxParameter(
      "model", .choice(["flux-general-en", "flux-general-multi"]), source: "AsyncAPI", date: "2026-07-22"),
    FluxParameter(
      "encoding", .choice(["linear16", "linear32", "mulaw", "alaw", "opus", "ogg-opus"]), source: "AsyncAPI",
      date: "2025-10-16"),
    FluxParameter(
      "sample_rate", .oneOf([8000, 16000, 24000, 44100, 48000]), source: "Getting Started with Flux",
      date: "2025-10-16"),
    FluxParameter(
      "eot_threshold", .number(0.5...1), older: .number(0.5...0.9),
      source: "changelog; deepgram-python-sdk PR 768", date: "2026-08-28"),
    FluxParameter(
      "eager_eot_threshold", .number(0.3...0.9), source: "End-of-Turn Detection Parameters",
      date: "2025-10-02"),
    FluxParameter(
      "eot_timeout_ms", .integer(500...60000), older: .integer(500...10000), source: "changelog",
      date: "2026-08-28"),
    FluxParameter(
      "keyterm", .text(maximumLength: 100), repeated: true,
      source: "Keyterm Prompting; deepgram-python-sdk issue 616", date: "2026-09-26"),
    FluxParameter(
      "language_hint", .choice(["en", "es", "fr", "de", "hi", "ru", "pt", "ja", "it", "nl"]), repeated: true,
      source: "Language Prompting", date: "2026-05-01"),
    FluxParameter("profanity_filter", .boolean, source: "AsyncAPI", date: "2026-05-29"),
    FluxParameter("numerals", .boolean, source: "AsyncAPI", date: "2026-07-17"),
    FluxParameter(
      "redact", .choice(["numbers", "aggressive_numbers"]), source: "Redaction", date: "2026-07-21"),
    FluxParameter("mip_opt_out", .boolean, source: "AsyncAPI", date: "2026-07-22"),
    FluxParameter(
      "tag", .text(maximumLength: 128), repeated: true, source: "Tagging; LiveKit's validation",
      date: "2026-07-22"),
  ]

  /// The parameter of that name.
  package static func named(_ name: String) -> FluxParameter? { byName[name] }

  private static let byName = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })

  /// Parameters of `/v1/listen` that make Flux refuse the connection, with what to do instead.
  package static let version1Names: [String: String] = [
    "language":
      "Flux takes its language from the model: model=flux-general-en, or flux-general-multi with language_hint",
    "detect_language": "flux-general-multi detects languages by itself",
    "interim_results": "Flux always sends interim results, as Update events",
    "punctuate": "Flux always punctuates",
    "smart_format": "Flux has numerals=true for numbers; the rest is always formatted",
    "endpointing": "Flux ends turns by eot_threshold and eot_timeout_ms",
    "utterance_end_ms": "Flux ends turns by eot_threshold and eot_timeout_ms",
    "vad_events": "Flux sends StartOfTurn and EndOfTurn",
    "channels": "Flux is mono: mix down, or open one connection per channel",
    "multichannel": "Flux is mono: mix down, or open one connection per channel",
    "diarize": "Flux does not tell speakers apart",
    "diarize_model": "Flux does not tell speakers apart",
    "keywords": "Flux has keyterm, without weights",
    "filler_words": "Flux has no such option",
    "no_delay": "Flux has no such option",
    "utterances": "Flux has turns",
    "search": "Flux has no such option",
    "replace": "Flux has no such option",
    "callback": "Flux has no such option",
    "extra": "Flux has no such option",
  ]

  /// Most keyterms of a connection or of one `Configure`.
  package static let maximumKeyterms = 100
  /// The end-of-turn threshold when none is sent: what `eager_eot_threshold` is compared with.
  package static let defaultEndOfTurnThreshold = 0.7
  /// The end-of-turn timeout in milliseconds when none is sent.
  package static let defaultEndOfTurnTimeout = 5000
}
