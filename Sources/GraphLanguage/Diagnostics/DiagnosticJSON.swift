internal import FluxGraph

extension CheckResult {
  /// The diagnostics as a JSON array, for editors: the same facts as the text, with places as byte ranges of the file's UTF-8.
  package var json: String {
    "[" + diagnostics.map { $0.json(source: source) }.joined(separator: ",\n ") + "]"
  }
}

extension Diagnostic {
  /// The diagnostic as one JSON object on one line. Secrets are in none of its fields.
  package func json(source: GraphSource) -> String {
    var members = [
      ("code", quoted(code)), ("severity", quoted(severity.rawValue)), ("message", quoted(message)),
    ]
    if let primary {
      members += place(primary, source)
    } else {
      members.append(("file", quoted(source.name)))
    }
    if !secondary.isEmpty {
      let related = secondary.map { object(place($0, source)) }
      members.append(("related", "[" + related.joined(separator: ",") + "]"))
    }
    if !notes.isEmpty { members.append(("notes", "[" + notes.map(quoted).joined(separator: ",") + "]")) }
    if let help { members.append(("help", quoted(help))) }
    if let replacement {
      members.append(
        (
          "replacement",
          object([
            ("file", quoted(source.file(of: replacement.span.lower).name)),
            ("start", String(source.local(replacement.span.lower))),
            ("end", String(source.local(replacement.span.lower) + replacement.span.length)),
            ("text", quoted(replacement.text)),
          ])
        ))
    }
    return object(members)
  }

  private func place(_ label: Label, _ source: GraphSource) -> [(String, String)] {
    let (line, column) = source.position(of: label.span.lower)
    let start = source.local(label.span.lower)
    return [
      ("file", quoted(source.file(of: label.span.lower).name)), ("line", String(line)),
      ("column", String(column)), ("start", String(start)), ("end", String(start + label.span.length)),
      ("label", quoted(label.text)),
    ]
  }

  private func object(_ members: [(String, String)]) -> String {
    "{" + members.map { "\(quoted($0.0)):\($0.1)" }.joined(separator: ",") + "}"
  }

  private func quoted(_ text: String) -> String { JSONValue.string(text).serialized }
}
