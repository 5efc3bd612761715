internal import FluxGraph
internal import Platform

extension Diagnostic {
  /// The diagnostic as text for people: what is wrong, the line with a caret under the place, and what to do. Ends with a line
  /// break. What comes from the graph is written out where it is unfit for a terminal.
  /// - Parameter width: the columns there are; notes and help are broken into lines of at most that width.
  package func rendered(source: GraphSource, color: Bool, width: Int = .max) -> String {
    DiagnosticRenderer(source: source, hasColor: color, columns: max(40, width)).text(of: self)
  }
}

/// Draws diagnostics over the text they are about. Knows nothing of the language.
struct DiagnosticRenderer {
  /// Columns of a line that are shown; a longer line is cut around the place.
  static let maximumWidth = 120

  let source: GraphSource
  let hasColor: Bool
  let columns: Int

  func text(of diagnostic: Diagnostic) -> String {
    let head: Style =
      switch diagnostic.severity {
      case .error: .error
      case .warning: .warning
      case .note: .note
      }
    var lines = [
      paint("\(diagnostic.severity.rawValue)[\(diagnostic.code)]", head)
        + paint(": \(diagnostic.message.writtenOut)", .bold)
    ]
    var gutter = 1
    if let primary = diagnostic.primary {
      let labels = ([primary] + diagnostic.secondary)
      gutter = String(labels.map { source.position(of: $0.span.lower).line }.max() ?? 1).count
      lines.append(blank(gutter) + paint(" ┌─ ", .frame) + source.location(of: primary.span).writtenOut)
      lines += drawing(of: labels, diagnostic, gutter, head)
    }
    for note in diagnostic.notes {
      lines.append(blank(gutter) + paint(" = ", .frame) + wrapped(note, behind: gutter + 3))
    }
    if let help = diagnostic.help {
      lines.append(
        blank(gutter) + paint(" = ", .frame) + paint("help: ", .bold) + wrapped(help, behind: gutter + 9))
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// A text in lines that fit beside a margin. What stands in back quotes is to be copied and stays in one piece.
  private func wrapped(_ text: String, behind margin: Int) -> String {
    var pieces: [String] = [""]
    var isQuoted = false
    for character in text.writtenOut {
      if character == "`" { isQuoted.toggle() }
      if character == " ", !isQuoted { pieces.append("") } else { pieces[pieces.count - 1].append(character) }
    }
    var lines = [""]
    var width = margin
    for (index, piece) in pieces.enumerated() {
      let needed = displayColumns(piece)
      if index > 0, width + 1 + needed > columns, width > margin {
        lines.append(blank(margin) + piece)
        width = margin + needed
      } else {
        lines[lines.count - 1] += (index > 0 ? " " : "") + piece
        width += needed + (index > 0 ? 1 : 0)
      }
    }
    return lines.joined(separator: "\n")
  }

  /// The lines the labels are in, in order, each with the labels under it.
  private func drawing(
    of labels: [Diagnostic.Label], _ diagnostic: Diagnostic, _ gutter: Int, _ head: Style
  ) -> [String] {
    let primary = labels[0]
    let numbered = labels.map { (line: source.lineIndex(of: $0.span.lower), label: $0) }
    var result: [String] = []
    var file = source.file(of: primary.span.lower)
    // The primary label's file comes first; the others say where they are.
    let lines = Set(numbered.map(\.line)).sorted { left, right in
      let (isLeftHome, isRightHome) = (source.isLine(left, in: file), source.isLine(right, in: file))
      return isLeftHome == isRightHome ? left < right : isLeftHome
    }
    for line in lines {
      if !source.isLine(line, in: file) {
        guard let label = numbered.first(where: { $0.line == line })?.label else { continue }
        file = source.file(of: label.span.lower)
        result.append(blank(gutter) + paint(" ┌─ ", .frame) + source.location(of: label.span).writtenOut)
      }
      let here = numbered.filter { $0.line == line }.map(\.label)
      let bytes = source.line(line)
      let text = MaskedLine(source: source, bytes: bytes, around: here[0].span, masked: diagnostic.masked)
      let focus = text.columns(of: here[0].span)
      let window = window(around: focus, width: text.width)
      let number = String(source.lineNumber(line))
      result.append(
        paint(blank(gutter - number.count) + number + " │ ", .frame) + text.shown(window))
      for label in here {
        let (start, end) = text.columns(of: label.span)
        // The other end may lie in a part of a long line that is not shown.
        guard window.contains(start) else { continue }
        let isPrimary = label == primary
        let mark = String(
          repeating: isPrimary ? "^" : "-", count: max(1, min(end, window.upperBound) - start))
        let indent = start - window.lowerBound + (window.lowerBound > 0 ? 1 : 0)
        let marked = mark + (label.text.isEmpty ? "" : " " + label.text.writtenOut)
        result.append(
          blank(gutter) + paint(" │ ", .frame) + blank(max(0, indent))
            + paint(marked, isPrimary ? head : .frame))
      }
    }
    return result
  }

  private func window(around focus: (start: Int, end: Int), width: Int) -> Range<Int> {
    let room = min(Self.maximumWidth, columns - 8)
    guard width > room else { return 0..<max(width, focus.end) + 1 }
    let start = max(0, min(focus.start - room / 3, width - room))
    return start..<(start + room)
  }

  private func blank(_ count: Int) -> String { String(repeating: " ", count: max(0, count)) }

  // MARK: Colours

  private enum Style: String {
    case error = "1;31"
    case warning = "1;33"
    case note = "1;36"
    case frame = "34"
    case bold = "1"
  }

  private func paint(_ text: String, _ style: Style) -> String {
    hasColor ? "\u{1B}[\(style.rawValue)m\(text)\u{1B}[0m" : text
  }
}
