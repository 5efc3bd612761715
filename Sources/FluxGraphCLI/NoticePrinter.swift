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
    print(Self.onOneLine(line))
  }

  /// What a service or a file says may end up in a message; none of it may move the terminal's cursor or begin a line.
  private static func onOneLine(_ text: String) -> String {
    let isControl = { (scalar: Unicode.Scalar) in scalar.properties.generalCategory == .control }
    guard text.unicodeScalars.contains(where: isControl) else { return text }
    var line = String.UnicodeScalarView()
    for scalar in text.unicodeScalars { line.append(isControl(scalar) ? " " : scalar) }
    return String(line)
  }

  /// Prints a line of the program's own.
  func print(_ line: String) {
    Terminal.error.write(line + "\n")
  }
}
