/// What is wrong with the text of a secret, as people bring it along: from a clipboard, a file, a shell.
public struct SecretProblem: Sendable, Hashable {
  /// What a secret is for, which decides on what may be in it.
  public enum Use: Sendable, Hashable {
    /// Nothing is known of it.
    case keeping
    /// It is the line of a header, which ends with it.
    case header
    /// It is a key in a header: ASCII without blanks.
    case key
  }

  /// The end of a sentence that begins with what holds the secret: "ends with a line break". Nothing of the secret is in it.
  public var message: String
  /// What to do about it, as a sentence.
  public var help: String

  /// What is wrong with a secret; nil when nothing can be seen.
  public init?(_ text: String, for use: Use) {
    guard let first = text.unicodeScalars.first, let last = text.unicodeScalars.last else {
      (message, help) = ("is empty", "Give it its value.")
      return
    }
    let remedy = "Take that out of the value."
    if let name = Self.name(of: first) {
      (message, help) = ("begins with \(name)", remedy)
    } else if let name = Self.name(of: last) {
      (message, help) = ("ends with \(name)", remedy)
    } else if Self.isQuoted(text) {
      (message, help) = ("stands in quotes", "Take the quotes out of the value.")
    } else if let place = Self.unsendable(text, for: use) {
      (message, help) = (
        "contains a character that HTTP does not allow there, the \(place)",
        "Copy it once more, from where it was issued."
      )
    } else {
      return nil
    }
  }

  /// As a sentence without a full stop.
  /// - Parameter holder: what holds the secret, such as the name of a variable.
  public func sentence(_ holder: String) -> String { "\(holder) \(message)" }

  /// The failure a run ends with before anything is opened.
  public func failure(_ holder: String) -> StageError {
    StageError(.refused, sentence(holder), help: help)
  }

  /// White space by its name, and what looks like none at all; nil for everything else.
  private static func name(of scalar: Unicode.Scalar) -> String? {
    switch scalar.value {
    case 0x20: return "a blank"
    case 0x09: return "a tab"
    case 0x0A, 0x0D, 0x0B, 0x0C, 0x85, 0x2028, 0x2029: return "a line break"
    case 0xFEFF: return "a byte order mark"
    case 0x200B...0x200F, 0x2060, 0x202A...0x202E, 0x2066...0x2069, 0xAD: return "an invisible character"
    case 0..<0x20, 0x7F..<0xA0: return "a control character"
    default: return scalar.properties.isWhitespace ? "a blank" : nil
    }
  }

  private static func isQuoted(_ text: String) -> Bool {
    guard text.count >= 2, let first = text.first, let last = text.last else { return false }
    let pairs: [Character: String] = [
      "\"": "\"", "'": "'", "`": "`", "“": "”“", "”": "”", "„": "“”", "‘": "’", "«": "»", "»": "«",
    ]
    return pairs[first]?.contains(last) ?? false
  }

  /// The first character that cannot be sent, by its place: "5th of 40".
  private static func unsendable(_ text: String, for use: Use) -> String? {
    let index = text.unicodeScalars.enumerated().first { _, scalar in
      switch use {
      case .keeping: false
      case .header: scalar.value < 0x20 && scalar.value != 0x09 || scalar.value == 0x7F
      case .key: !(0x21...0x7E).contains(scalar.value)
      }
    }?.offset
    guard let number = index.map({ $0 + 1 }) else { return nil }
    let ending =
      switch (number % 10, number % 100) {
      case (_, 11...13): "th"
      case (1, _): "st"
      case (2, _): "nd"
      case (3, _): "rd"
      default: "th"
      }
    return "\(number)\(ending) of \(text.unicodeScalars.count)"
  }
}
