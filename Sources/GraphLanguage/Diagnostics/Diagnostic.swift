/// Something a user should know about a graph: what is wrong, where, and what to write instead.
///
/// Drawing is another matter: see `DiagnosticRenderer`.
package struct Diagnostic: Sendable, Hashable {
  package enum Severity: String, Sendable, Hashable {
    case error
    case warning
    /// Nothing is wrong, but it may not be what was expected.
    case note
  }

  /// A place in the text and what is said about it.
  package struct Label: Sendable, Hashable {
    package var span: SourceSpan
    package var text: String

    package init(_ span: SourceSpan, _ text: String = "") {
      self.span = span
      self.text = text
    }
  }

  /// Text that can stand in a span's place.
  package struct Replacement: Sendable, Hashable {
    package var span: SourceSpan
    package var text: String

    package init(_ span: SourceSpan, _ text: String) {
      self.span = span
      self.text = text
    }
  }

  /// The stable word for the mistake: a `DiagnosticCode`, or the code of a stage's `OptionConflict`.
  package var code: String
  package var severity: Severity
  /// One sentence without a full stop.
  package var message: String
  /// Where the mistake is; nil when it is not in the text, as with an unknown `--set`.
  package var primary: Label?
  /// The other ends of what is in conflict.
  package var secondary: [Label]
  package var notes: [String]
  /// What to do about it.
  package var help: String?
  /// The text that puts it right, where there is one.
  package var replacement: Replacement?
  /// Pieces of the text that must not be shown: secrets written into the graph.
  package var masked: [SourceSpan] = []

  package init(
    _ code: DiagnosticCode, _ message: String, at primary: Label?, secondary: [Label] = [],
    notes: [String] = [], help: String? = nil, replacement: Replacement? = nil
  ) {
    self.init(
      code: code.rawValue, severity: code.severity, message, at: primary, secondary: secondary, notes: notes,
      help: help, replacement: replacement)
  }

  package init(
    code: String, severity: Severity, _ message: String, at primary: Label?, secondary: [Label] = [],
    notes: [String] = [], help: String? = nil, replacement: Replacement? = nil
  ) {
    self.code = code
    self.severity = severity
    self.message = message
    self.primary = primary
    self.secondary = secondary
    self.notes = notes
    self.help = help
    self.replacement = replacement
  }
}
