/// Why a text is not JSON, and where.
public struct JSONError: Error, Equatable, Sendable {
  public enum Reason: String, Equatable, Sendable {
    case tooLarge = "the text is too large"
    case tooDeep = "the text is nested too deeply"
    case unexpectedEnd = "the text ends too early"
    case unexpectedCharacter = "unexpected character"
    case invalidNumber = "malformed number"
    case invalidEscape = "malformed escape in a string"
    case controlCharacter = "control character in a string"
    case invalidUTF8 = "the text is not valid UTF-8"
  }

  public let reason: Reason
  /// Byte offset from the start of the text.
  public let offset: Int
}

extension JSONError: CustomStringConvertible {
  public var description: String { "invalid JSON: \(reason.rawValue) at byte \(offset)" }
}
