package import FluxGraph

/// What `explain` says about a diagnostic: why it is one, a graph that has it, and the same graph put right.
package struct Explanation: Sendable {
  package var code: String
  package var cause: String
  /// nil where it takes more than a few lines to make the mistake.
  package var example: String?
  package var fix: String?
  /// Whether the mistake is one with `--strict` only.
  package var isStrict = false

  init(_ code: DiagnosticCode, _ cause: String, _ example: String?, _ fix: String?, strict: Bool = false) {
    self.code = code.rawValue
    self.cause = cause
    self.example = example
    self.fix = fix
    isStrict = strict
  }

  private init(_ rule: RuleSpecification) {
    code = rule.code
    cause = rule.cause
    example = rule.example
    fix = rule.fix
  }

  /// The pages of all codes, the stages' own rules included, by code.
  package static func all(of catalogue: Catalogue) -> [Explanation] {
    // Stages can share a rule; the first one's example stands for all.
    var codes: Set<String> = []
    let rules = catalogue.all.flatMap(\.rules).filter { codes.insert($0.code).inserted }
    return (language + rules.map(Explanation.init)).sorted { $0.code < $1.code }
  }

  /// The page as text.
  package var text: String {
    let severity = DiagnosticCode(rawValue: code)?.severity ?? .error
    var text = "\(severity.rawValue)[\(code)]\n\n\(Self.wrapped(cause))\n"
    if let example {
      text += "\nexample" + (isStrict ? ", with --strict" : "") + "\n\n" + Self.indented(example)
    }
    if let fix { text += "\nfix\n\n" + Self.indented(fix) }
    return text
  }

  private static func wrapped(_ text: String) -> String {
    var lines = [""]
    for word in text.split(separator: " ") {
      let last = lines[lines.count - 1]
      if last.isEmpty || last.count + 1 + word.count <= 96 {
        lines[lines.count - 1] = last.isEmpty ? String(word) : "\(last) \(word)"
      } else {
        lines.append(String(word))
      }
    }
    return lines.joined(separator: "\n")
  }

  private static func indented(_ graph: String) -> String {
    graph.split(separator: "\n", omittingEmptySubsequences: false).map { "  \($0)\n" }.joined()
  }
}
