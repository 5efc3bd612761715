/// A text with places for fields: `"[{clock}] {stream}: {transcript}"`.
///
/// `{name}` is replaced by a field, `{name?}` by nothing when the field is missing, `{name:>8}` and `{name:<8}` pad it to a
/// width, `{name:.2}` rounds a number. `\{` is a brace. A missing field without `?` is shown as `-`.
public struct Template: Sendable, Hashable {
  /// A piece of a template.
  public enum Part: Sendable, Hashable {
    /// A text that stays as it is.
    case text(String)
    /// The value of a field.
    case field(Field)
  }

  /// A place for a field.
  public struct Field: Sendable, Hashable {
    /// How a field's value is laid out.
    public enum Layout: Sendable, Hashable {
      /// As it is.
      case plain
      /// At the left of so many columns.
      case left(Int)
      /// At the right of so many columns.
      case right(Int)
      /// A number with so many decimals.
      case rounded(Int)
    }

    /// The field's name.
    public var name: String
    /// Whether the field may be missing, and is then empty.
    public var isOptional: Bool
    /// How its value is laid out.
    public var layout: Layout
  }

  /// What is wrong with a template, and where in its text, counted in characters.
  public struct SyntaxError: Error, Sendable, Hashable {
    /// What is wrong, as one sentence without a full stop.
    public var message: String
    /// Where, in UTF-8 bytes from the template's beginning.
    public var offset: Int
  }

  /// The template as it was written.
  public let source: String
  /// Texts and fields, in their order.
  public let parts: [Part]

  /// A template without text.
  public static let empty = Template()

  private init() {
    source = ""
    parts = []
  }

  /// Reads a template.
  /// - Throws: `SyntaxError` for an unclosed brace, an empty name or an unknown layout.
  public init(_ source: String) throws(SyntaxError) {
    self.source = source
    var parts: [Part] = []
    var text = ""
    let characters = Array(source)
    var index = 0
    while index < characters.count {
      let character = characters[index]
      if character == "\\", index + 1 < characters.count, characters[index + 1] == "{" {
        text.append("{")
        index += 2
      } else if character == "{" {
        guard let close = characters[index...].firstIndex(of: "}") else {
          throw SyntaxError(
            message: "this `{` is never closed; a plain brace is written `\\{`", offset: index)
        }
        if !text.isEmpty { parts.append(.text(text)) }
        text = ""
        parts.append(.field(try Self.field(String(characters[(index + 1)..<close]), at: index)))
        index = close + 1
      } else {
        text.append(character)
        index += 1
      }
    }
    if !text.isEmpty { parts.append(.text(text)) }
    self.parts = parts
  }

  private static func field(_ text: String, at offset: Int) throws(SyntaxError) -> Field {
    let pieces = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    var name = String(pieces[0])
    let isOptional = name.hasSuffix("?")
    if isOptional { name.removeLast() }
    guard !name.isEmpty, name.allSatisfy({ $0.isLetter || $0.isNumber || "_.$".contains($0) }) else {
      throw SyntaxError(message: "`{\(text)}` names no field", offset: offset)
    }
    guard pieces.count == 2 else { return Field(name: name, isOptional: isOptional, layout: .plain) }
    let number = Int(pieces[1].dropFirst())
    let layout: Field.Layout
    switch (pieces[1].first, number) {
    case (">", let width?) where (0...200).contains(width): layout = .right(width)
    case ("<", let width?) where (0...200).contains(width): layout = .left(width)
    case (".", let digits?) where (0...9).contains(digits): layout = .rounded(digits)
    default:
      throw SyntaxError(
        message: "`:\(pieces[1])` is no layout; there are `:>8`, `:<8` and `:.2`", offset: offset)
    }
    return Field(name: name, isOptional: isOptional, layout: layout)
  }

  /// The names of all fields, in order.
  public var fieldNames: [String] {
    parts.compactMap { if case .field(let field) = $0 { field.name } else { nil } }
  }

  /// The template with its fields filled in.
  public func rendered(_ value: (String) -> FieldValue?) -> String {
    var result = ""
    for part in parts {
      switch part {
      case .text(let text): result += text
      case .field(let field): result += field.rendered(value(field.name))
      }
    }
    return result
  }
}

extension Template.Field {
  func rendered(_ value: FieldValue?) -> String {
    guard let value else { return isOptional ? "" : "-" }
    switch layout {
    case .plain: return value.description
    case .left(let width):
      let text = value.description
      return text + String(repeating: " ", count: max(0, width - text.count))
    case .right(let width):
      let text = value.description
      return String(repeating: " ", count: max(0, width - text.count)) + text
    case .rounded(let digits):
      guard case .number(let number) = value else { return value.description }
      return fixedText(number, digits: digits)
    }
  }
}

/// `number` with exactly `digits` decimals, whatever the locale.
public func fixedText(_ number: Double, digits: Int) -> String {
  let scale = power(10, Double(digits))
  // As far as Int64 reaches.
  guard abs(number) * scale < 9e18 else { return "\(number)" }
  let units = Int64((abs(number) * scale).rounded())
  let sign = number < 0 && units != 0 ? "-" : ""
  guard digits > 0 else { return sign + String(units) }
  let whole = units / Int64(scale)
  return sign + String(whole) + "." + pad(Int(units % Int64(scale)), digits)
}

extension Template: OptionValue {
  public static var optionType: OptionType { .template }

  public static func parse(_ value: GraphValue) throws(OptionError) -> Template {
    try parse(value, as: .template)
  }

  public var graphText: String? { source.isEmpty ? nil : quotedText(source) }

  static func parse(_ value: GraphValue, as type: OptionType) throws(OptionError) -> Template {
    let source: String
    switch value {
    case .word(let text), .string(let text): source = text
    default: throw .wanted(type)
    }
    do throws(SyntaxError) {
      return try Template(source)
    } catch {
      throw OptionError(.wrongType, error.message)
    }
  }
}

/// A path with places for fields: `logs/{date}.jsonl`.
public struct PathTemplate: Sendable, Hashable, OptionValue {
  /// The template of the path's text.
  public var template: Template

  public init(_ template: Template) {
    self.template = template
  }

  /// The longest field in a path, in bytes; names of files end at 255.
  private static let longestField = 120

  /// The path with its fields filled in. A field is never more than part of one name: what was said into a microphone must not
  /// choose a directory. Nor does it hold what other systems' disks refuse, or what programs take for a host or a protocol: a time
  /// of day is `16-33-34`.
  public func rendered(_ value: (String) -> FieldValue?) -> Path {
    Path(
      template.rendered { name in
        guard let value = value(name) else { return nil }
        if case .number = value { return value }
        var name = String(
          String.UnicodeScalarView(
            value.description.unicodeScalars.map {
              $0 == ":" ? "-" : Self.isRefused($0) ? "_" : $0
            }))
        while name.utf8.count > Self.longestField { name.removeLast() }
        return .text(name.first == "." ? "_" + name.dropFirst() : name)
      })
  }

  private static func isRefused(_ scalar: Unicode.Scalar) -> Bool {
    "/\\*?\"<>|".unicodeScalars.contains(scalar) || scalar.isUnfitForTerminals
  }

  public static var optionType: OptionType { .pathTemplate }

  public static func parse(_ value: GraphValue) throws(OptionError) -> PathTemplate {
    guard let text = value.text, !text.isEmpty, !text.utf8.contains(0) else { throw .wanted(.pathTemplate) }
    return PathTemplate(try Template.parse(value, as: .pathTemplate))
  }

  public var graphText: String? { template.source.isEmpty ? nil : template.source }
}
