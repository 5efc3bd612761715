/// A value as a graph writes it, after parameters and the environment have been filled in, before an option gives it a type.
public indirect enum GraphValue: Sendable, Hashable {
  /// An unquoted word: `80ms`, `flux-general-en`, `logs/{date}.jsonl`.
  case word(String)
  /// A quoted text, its escapes resolved except `\{`, which stays for templates to see.
  case string(String)
  /// `[a, b]`.
  case list([GraphValue])
  /// `pcm(s16le, 16k, mono)`.
  case call(String, [GraphValue])
  /// What follows `where`.
  case predicate(Predicate)
  /// A value that must not be shown, from `env(…)` given to an option of type secret.
  case secret(Secret)
  /// A value that must not be shown and is looked up when the graph runs. No option takes it as it is: what runs a plan puts
  /// the secret in its place first.
  case secretReference(SecretReference)
  /// A flag that was named.
  case flag

  /// The text of a word or a string, with `\{` resolved; nil for everything else.
  public var text: String? {
    switch self {
    case .word(let text): text
    case .string(let text): text.replacing("\\{", with: "{")
    default: nil
    }
  }
}

/// Why a value does not fit an option.
public struct OptionError: Error, Sendable, Hashable {
  /// What kind of mistake it is; each has a page in `fluxgraph explain`.
  public enum Code: String, Sendable, Hashable {
    /// The value is of another type.
    case wrongType = "wrong-type"
    /// The unit is missing or another one.
    case wrongUnit = "wrong-unit"
    /// The value lies outside the option's range.
    case outOfRange = "out-of-range"
    /// The word is none of those the option knows.
    case unknownValue = "unknown-value"
  }

  /// What kind of mistake it is.
  public var code: Code
  /// What is wrong, as the end of a sentence that begins with the option's name: "wants a duration, such as `5s`".
  public var message: String
  /// Text that could stand in the value's place.
  public var replacement: String?
  /// The names that would be right, where the set is closed.
  public var candidates: [String]
  /// Which element of a list is meant, counted from 0; nil for the whole value.
  public var element: Int?

  public init(
    _ code: Code, _ message: String, replacement: String? = nil, candidates: [String] = [],
    element: Int? = nil
  ) {
    self.code = code
    self.message = message
    self.replacement = replacement
    self.candidates = candidates
    self.element = element
  }
}
