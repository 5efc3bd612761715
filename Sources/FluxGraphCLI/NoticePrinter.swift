internal import FluxGraph

/// Prints notices on standard error, one line each.
struct NoticePrinter: Sendable {
  let isQuiet: Bool

  func print(_ notice: Notice, _ location: String?) {
    if isQuiet && notice.severity == .info { return }
    let word =
      switch notice.severity {
      case .info: "notice"
      case .warning: "warning"
      case .error: "error"
      }
    var line = "\(word): "
    if let stream = notice.stream, !notice.message.hasPrefix(stream) { line += "\(stream): " }
    line += notice.message
    if let location { line += " (\(location))" }
    print(line.onOneLine)
  }

  /// Prints a line of the program's own. On a terminal it takes the place of what is drawn below the cursor, which is drawn
  /// again after it.
  func print(_ line: String) {
    Terminal.error.write((Terminal.error.isTerminal ? "\r\u{1B}[J" : "") + line + "\n")
  }
}
