/// Text that may go to a terminal: in a literal, what stands in it is the program's own, and what is put into it is written out,
/// whoever it comes from.
///
///     Terminal.error.write("error: cannot open \(path)\n")   // no path can begin a line or move the cursor
package struct TerminalText: Sendable, Hashable, ExpressibleByStringInterpolation {
  /// What is written to the terminal.
  package private(set) var text: String

  package init(stringLiteral text: String) { self.text = text }
  package init(stringInterpolation: StringInterpolation) { text = stringInterpolation.text }

  /// Lines of text, whosever they are: everything but their breaks and tabs is written out.
  package init(lines: String) { text = lines.writtenOutLines }

  /// Text in which all that comes from others has been made fit for a terminal already, with sequences of the program's own.
  package init(drawn: String) { text = drawn }

  package static func + (left: TerminalText, right: TerminalText) -> TerminalText {
    TerminalText(drawn: left.text + right.text)
  }

  package struct StringInterpolation: StringInterpolationProtocol {
    fileprivate var text = ""

    package init(literalCapacity: Int, interpolationCount: Int) {}
    package mutating func appendLiteral(_ literal: String) { text += literal }
    package mutating func appendInterpolation(_ value: TerminalText) { text += value.text }
    /// Lines of text, whosever they are, with their breaks.
    package mutating func appendInterpolation(lines: String) { text += lines.writtenOutLines }
    package mutating func appendInterpolation(_ value: some Any) { text += "\(value)".writtenOut }
  }
}
