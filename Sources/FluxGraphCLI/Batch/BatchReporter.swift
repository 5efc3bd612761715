internal import FluxGraph
internal import Glibc
internal import Platform
internal import Synchronization

/// Tells on standard error how a batch goes: a bar and lines of text on a terminal, JSON lines elsewhere.
final class BatchReporter: Sendable {
  /// Whether a bar is drawn, and whether lines are JSON: on a terminal it is, elsewhere they are.
  private let drawsBar: Bool
  let isJSON: Bool
  private let isQuiet: Bool
  private let state: Mutex<BatchProgress>
  private let began = Instant.now()
  /// What has gone through so far of inputs under way, by their numbers.
  private let lastLine = Mutex<Instant>(Instant(nanoseconds: .min))

  init(_ progress: BatchProgress, isQuiet: Bool) {
    state = Mutex(progress)
    self.isQuiet = isQuiet
    isJSON = LogSettings.current.format.map { $0 == .json } ?? !Terminal.error.isTerminal
    drawsBar = Terminal.error.isTerminal && !isJSON
  }

  var progress: BatchProgress { state.withLock { $0 } }

  /// Changes what is shown, and shows it when it is time.
  func update(_ change: (inout BatchProgress) -> Void) {
    state.withLock { change(&$0) }
    show()
  }

  /// Draws the bar, five times a second at most, or writes a line, once a second at most.
  func show(isLast: Bool = false) {
    let now = Instant.now()
    let pause: Duration = drawsBar ? .milliseconds(200) : .seconds(1)
    let isDue = lastLine.withLock { last in
      guard isLast || last.nanoseconds == .min || now.duration(since: last) >= pause else { return false }
      last = now
      return true
    }
    guard isDue, !isQuiet else { return }
    let progress = progress
    let elapsed = now.duration(since: began).seconds
    if drawsBar {
      Terminal.error.write("\r\u{1B}[K\(progress.line(elapsed, width: Self.columns))" + (isLast ? "\n" : ""))
    } else if !isJSON {
      Terminal.error.write("\(progress.line(elapsed, width: 100))\n")
    } else {
      line([("event", .string(isLast ? "Finished" : "Progress"))] + progress.members(elapsed))
    }
  }

  /// Something the user should know, of an input or of the batch itself.
  func tell(
    _ severity: Notice.Severity, _ message: String, input: String? = nil, code: String? = nil,
    members: [(String, JSONValue)] = []
  ) {
    if isQuiet && severity == .info { return }
    if !isJSON {
      let text =
        "\(severity == .info ? "notice" : severity.rawValue): " + (input.map { "\($0): " } ?? "") + message
      write(text.onOneLine)
      return
    }
    var all: [(String, JSONValue)] = [("event", "Notice"), ("severity", .string(severity.rawValue))]
    if let input { all.append(("input", .string(input))) }
    if let code { all.append(("notice", .string(code))) }
    line(all + [("message", .string(message))] + members)
  }

  /// Writes a line above the bar.
  func write(_ line: String) {
    Terminal.error.write((drawsBar ? "\r\u{1B}[K" : "") + "\(lines: line)\n")
  }

  private func line(_ members: [(String, JSONValue)]) {
    let all = [("v", JSONValue(1)), ("time", JSONValue.string(WallTime.now().rfc3339))] + members
    Terminal.error.write(lines: JSONValue.object(all).serialized + "\n")
  }

  private static var columns: Int {
    var size = winsize()
    return ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0 ? Int(size.ws_col) : 80
  }
}
