/// A type an option can have: it reads itself from what a graph writes and writes itself the same way.
///
/// The types a stage is likely to need are here: `Bool` (a flag), `Int`, `Double`, `String`, `Duration`, `Decibels`,
/// `SampleRate`, `ByteCount`, `Speed`, `Path`, `WebURL`, `ServerAddress`, `Secret`, `Template`, `PathTemplate`, `AudioFormat`, arrays and
/// optionals of these, and enumerations that declare `OptionEnumeration`.
public protocol OptionValue: Sendable, SendableMetatype {
  /// What the type is called and looks like.
  static var optionType: OptionType { get }
  /// The value a graph means by `value`.
  /// - Throws: `OptionError` saying what was wanted, with a replacement that can be pasted where there is one.
  static func parse(_ value: GraphValue) throws(OptionError) -> Self
  /// The value as a graph would write it; nil when there is nothing to write, as for an unset optional.
  var graphText: String? { get }
}

/// An option whose values are a closed set of words: `enum Wave: String, OptionEnumeration { case sine, noise }`.
public protocol OptionEnumeration: OptionValue, RawRepresentable, CaseIterable where RawValue == String {}

extension OptionEnumeration {
  public static var optionType: OptionType { .enumeration(allCases.map(\.rawValue)) }

  public static func parse(_ value: GraphValue) throws(OptionError) -> Self {
    let names = allCases.map(\.rawValue)
    guard let text = value.text else { throw .wanted(optionType) }
    guard let known = Self(rawValue: text) else {
      throw OptionError(.unknownValue, "does not know `\(text)`", candidates: names)
    }
    return known
  }

  public var graphText: String? { rawValue }
}

extension OptionError {
  /// The value is of another type than the option.
  static func wanted(_ type: OptionType, replacement: String? = nil) -> OptionError {
    switch type {
    case .enumeration(let names):
      OptionError(.wrongType, "wants one of \(names.joined(separator: ", "))", candidates: names)
    case .flag: OptionError(.wrongType, "is a flag: it stands alone, without a value")
    default:
      OptionError(.wrongType, "wants \(type.noun), such as `\(type.sample)`", replacement: replacement)
    }
  }
}

extension Bool: OptionValue {
  public static var optionType: OptionType { .flag }

  public static func parse(_ value: GraphValue) throws(OptionError) -> Bool {
    switch value {
    case .flag, .word("true"): return true
    case .word("false"): return false
    default: throw .wanted(.flag)
    }
  }

  public var graphText: String? { self ? "true" : nil }
}

extension Int: OptionValue {
  public static var optionType: OptionType { .integer }

  public static func parse(_ value: GraphValue) throws(OptionError) -> Int {
    guard case .word(let text) = value, let number = Int(text) else {
      // "3.0" and "\"3\"" show what was meant; anything else does not.
      let meant = value.text.flatMap(Double.init).flatMap { Int(exactly: $0) }
      throw .wanted(.integer, replacement: meant.map(String.init))
    }
    return number
  }

  public var graphText: String? { String(self) }
}

extension Double: OptionValue {
  public static var optionType: OptionType { .number }

  public static func parse(_ value: GraphValue) throws(OptionError) -> Double {
    guard case .word(let text) = value, let number = Measure(text)?.bare else {
      throw .wanted(.number, replacement: value.text.flatMap { Measure($0)?.bare }.map(shortText))
    }
    return number
  }

  public var graphText: String? { shortText(self) }
}

extension String: OptionValue {
  public static var optionType: OptionType { .text }

  public static func parse(_ value: GraphValue) throws(OptionError) -> String {
    guard let text = value.text else { throw .wanted(.text) }
    return text
  }

  public var graphText: String? { quotedText(self) }
}

extension Array: OptionValue where Element: OptionValue {
  public static var optionType: OptionType { .list(Element.optionType) }

  public static func parse(_ value: GraphValue) throws(OptionError) -> [Element] {
    guard case .list(let values) = value else {
      throw OptionError(
        .wrongType, "wants \(optionType.noun), such as `\(optionType.sample)`",
        replacement: value.text.map { "[\(value.isQuoted ? quotedText($0) : $0)]" })
    }
    var elements: [Element] = []
    for (index, value) in values.enumerated() {
      do throws(OptionError) {
        elements.append(try Element.parse(value))
      } catch {
        var located = error
        located.element = index
        throw located
      }
    }
    return elements
  }

  public var graphText: String? {
    isEmpty ? nil : "[" + compactMap(\.graphText).joined(separator: ", ") + "]"
  }
}

extension Optional: OptionValue where Wrapped: OptionValue {
  public static var optionType: OptionType { Wrapped.optionType }

  public static func parse(_ value: GraphValue) throws(OptionError) -> Wrapped? {
    try Wrapped.parse(value)
  }

  public var graphText: String? { self?.graphText }
}

extension Secret: OptionValue {
  public static var optionType: OptionType { .secret }

  public static func parse(_ value: GraphValue) throws(OptionError) -> Secret {
    guard case .secret(let secret) = value else {
      throw OptionError(
        .wrongType, "must not be written into the graph: name a variable that holds it, `env(NAME)`")
    }
    return secret
  }

  public var graphText: String? { isEmpty ? nil : description }
}

extension Predicate: OptionValue {
  public static var optionType: OptionType { .predicate }

  public static func parse(_ value: GraphValue) throws(OptionError) -> Predicate {
    guard case .predicate(let predicate) = value else { throw .wanted(.predicate) }
    return predicate
  }

  public var graphText: String? { description }
}

extension GraphValue {
  var isQuoted: Bool {
    if case .string = self { true } else { false }
  }
}

/// `text` as a quoted string of the graph language.
public func quotedText(_ text: String) -> String {
  var quoted = "\""
  for character in text {
    switch character {
    case "\"": quoted += "\\\""
    case "\\": quoted += "\\\\"
    case "\n": quoted += "\\n"
    default: quoted.append(character)
    }
  }
  return quoted + "\""
}
