internal import FluxGraph

/// The diagnostics of a check, collected beside its steps.
final class Findings {
  private(set) var diagnostics: [Diagnostic]
  private(set) var errorCount: Int
  /// Literals that must not be shown.
  var masked: [SourceSpan] = []

  init(_ syntaxErrors: [Diagnostic]) {
    diagnostics = syntaxErrors
    errorCount = syntaxErrors.count
  }

  func add(_ diagnostic: Diagnostic) {
    diagnostics.append(diagnostic)
    if diagnostic.severity == .error { errorCount += 1 }
  }

  /// Takes back what the diagnostic reported as number `index` proposes: it would not put things right.
  func withdrawProposal(_ index: Int) {
    diagnostics[index].replacement = nil
    diagnostics[index].help = nil
    diagnostics[index].primary?.text = ""
  }

  /// Sorted by place, the surplus dropped, secrets marked.
  func finished(_ secrets: SecretRegister) -> [Diagnostic] {
    var errors = 0
    let sorted = diagnostics.enumerated().sorted {
      ($0.element.primary?.span.lower ?? -1, $0.offset) < ($1.element.primary?.span.lower ?? -1, $1.offset)
    }
    return sorted.compactMap { _, diagnostic in
      if diagnostic.severity == .error {
        errors += 1
        if errors > Checker.maximumErrors { return nil }
      }
      return seen(diagnostic, secrets)
    }
  }

  /// A diagnostic as it may be seen. What holds a secret cannot be proposed: applied, the dots would take its place.
  private func seen(_ diagnostic: Diagnostic, _ secrets: SecretRegister) -> Diagnostic {
    var seen = diagnostic
    seen.masked = masked
    seen.message = secrets.masked(diagnostic.message)
    seen.notes = diagnostic.notes.map(secrets.masked)
    seen.help = diagnostic.help.map(secrets.masked)
    if let text = diagnostic.replacement?.text, secrets.masked(text) != text { seen.replacement = nil }
    return seen
  }
}

/// What a check goes by, and where it says what it found.
struct Grounds {
  let source: GraphSource
  let catalogue: Catalogue
  let options: Checker.Options
  let findings: Findings
}

/// A step of a check, and the value it makes: `Bindings`, `Draft`, `TypedGraph`, each out of the one before.
protocol CheckStep {
  var grounds: Grounds { get }
}

extension CheckStep {
  var source: GraphSource { grounds.source }
  var catalogue: Catalogue { grounds.catalogue }
  var options: Checker.Options { grounds.options }
  var findings: Findings { grounds.findings }
  var hasErrors: Bool { findings.errorCount > 0 }

  func add(_ diagnostic: Diagnostic) { findings.add(diagnostic) }

  func report(
    _ code: DiagnosticCode, _ message: String, at span: SourceSpan, label: String = "",
    secondary: [Diagnostic.Label] = [], notes: [String] = [], help: String? = nil,
    replacement: Diagnostic.Replacement? = nil
  ) {
    add(
      Diagnostic(
        code, message, at: .init(span, label), secondary: secondary, notes: notes, help: help,
        replacement: replacement))
  }
}

func lowercasedFirst(_ sentence: String) -> String {
  var text = sentence
  if text.hasSuffix(".") { text.removeLast() }
  guard let first = text.first, !(text.dropFirst().first?.isUppercase ?? false) else { return text }
  return first.lowercased() + text.dropFirst()
}
