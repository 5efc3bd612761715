internal import FluxGraph
internal import Platform

/// Prints notices on standard error, one line each.
struct NoticePrinter: Sendable {
  let isQuiet: Bool
  /// Whether every line is a JSON object.
  var isJSON = false
  /// The terminal, where it is drawn on; nil to write to standard error as it is.
  var region: TerminalRegion?

  func print(_ notice: Notice, _ location: String?) {
    if isQuiet && notice.severity == .info { return }
    if isJSON {
      var members = Event.notice(notice).json.members ?? []
      if let location { members.append(("location", .string(location))) }
      write(JSONValue.object(members).serialized)
      return
    }
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

  /// Prints a line of the program's own, above what is drawn.
  func print(_ line: String) {
    write(isJSON ? ProgramLog.json("info", "fluxgraph", line) : line)
  }

  /// Prints a line, or several.
  func write(_ line: String) {
    if let region {
      ErrorQueue.shared.submit(size: line.utf8.count) { region.print("\(lines: line)\n") }
    } else {
      // What a `live` stage draws below the cursor of a terminal is drawn again after the line.
      Terminal.error.write((Terminal.error.isTerminal ? "\r\u{1B}[J" : "") + "\(lines: line)\n")
    }
  }
}
