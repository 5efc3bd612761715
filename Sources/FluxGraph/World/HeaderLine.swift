internal import HTTPCore

/// A header of a request, written `"Name: value"`. It may come from a variable that holds the whole line, `env(NAME)`; what it says
/// is never shown.
public struct HeaderLine: OptionValue, Hashable {
  /// The name, as it was written.
  public let name: String
  private let value: Secret

  /// The header, for the one place that puts it on the wire.
  public var header: HTTPHeader { HTTPHeader(name, value.reveal()) }

  /// Whether the name says that the value shows who one is.
  public var isCredential: Bool { isNameOfSecret(name) }

  public static var optionType: OptionType { .header }

  public static func parse(_ value: GraphValue) throws(OptionError) -> HeaderLine {
    guard let text = value.text, let colon = text.firstIndex(of: ":") else { throw .wanted(.header) }
    let name = String(text[..<colon])
    let content = String(text[text.index(after: colon)...].trimmingPrefix(while: { $0 == " " }))
    // What a header may consist of (RFC 9110 §5.1, §5.5); a line break would begin another one.
    guard isToken(name) else {
      throw OptionError(.wrongType, "wants headers `Name: value`, and this is no name of a header")
    }
    guard content.utf8.allSatisfy(isValueByte) else {
      throw OptionError(.wrongType, "wants headers without line breaks and other control characters")
    }
    return HeaderLine(name: name, value: Secret(content))
  }

  public var graphText: String? { quotedText("\(name): \(value)") }
}
