/// Why a text is not JSON, and where.
public struct JSONError: Error, Equatable, Sendable {
  /// What is wrong, in words.
  public enum Reason: String, Equatable, Sendable {
    /// The text is longer than the parser's limit.
    case tooLarge = "the text is too large"
    /// Arrays and objects are nested deeper than the parser's limit.
    case tooDeep = "the text is nested too deeply"
    /// The text ends inside a value.
    case unexpectedEnd = "the text ends too early"
    /// Something stands where nothing of its kind may.
    case unexpectedCharacter = "unexpected character"
    /// A number is not written as JSON writes them.
    case invalidNumber = "malformed number"
    /// A backslash is followed by what JSON does not know.
    case invalidEscape = "malformed escape in a string"
    /// A string holds a control character that is not escaped.
    case controlCharacter = "control character in a string"
    /// The bytes are not UTF-8.
    case invalidUTF8 = "the text is not valid UTF-8"
  }

  /// What is wrong.
  public let reason: Reason
  /// Byte offset from the start of the text.
  public let offset: Int
}

extension JSONError: CustomStringConvertible {
  public var description: String { "invalid JSON: \(reason.rawValue) at byte \(offset)" }
}
