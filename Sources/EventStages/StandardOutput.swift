package import FluxGraph
internal import Glibc

/// The stage `stdout`: prints events.
package struct StandardOutput: EventSink {
  package static let description = StageDescription<StandardOutput>(
    "stdout", "Prints events: a line of text for each finished turn, or one JSON object a line.",
    details: """
      Without a template a line is the turn's place in the audio and its text. `json` prints every event, in version 1 of the \
      event format, whatever `on` says.
      """,
    examples: [
      "file talk.opus | flux | stdout", "file talk.opus | flux | stdout json",
      "file talk.opus | flux as=me | stdout \"[{clock}] {stream}: {transcript}\"",
    ]
  ) {
    Option("template", \StandardOutput.template, "What to print for an event.", positional: true)
    Option("json", \StandardOutput.json, "Print every event as a JSON object.")
    Option("on", \StandardOutput.on, "The events a line is printed for.")
  }

  package var template: Template?
  package var json = false
  package var on = ["EndOfTurn"]
  /// Where lines go; tests have their own pipe.
  var descriptor = STDOUT_FILENO
  private var context: StageContext?

  package init() {}

  package func validate() throws(OptionConflict) {
    if json && template != nil {
      throw OptionConflict(
        code: "json-and-template", "`json` prints whole events, and a template parts of them",
        options: ["json", "template"], help: "leave one of them out")
    }
    let known = TurnEvent.Kind.known.map(\.rawValue) + ["Notice"]
    for name in on where !known.contains(name) {
      throw OptionConflict(
        code: "unknown-event", "no event is called `\(name)`", options: ["on"],
        help: "the events are \(known.joined(separator: ", "))")
    }
  }

  package mutating func open(_ context: StageContext) async throws {
    self.context = context
  }

  package mutating func write(_ event: Event) async throws {
    guard let line = line(for: event) else { return }
    let bytes = Array((line + "\n").utf8)
    let failure = try await context?.terminal.run { [descriptor] in writeWhole(bytes, to: descriptor) } ?? 0
    if failure == EPIPE { throw EndOfInterest() }
    if failure != 0 {
      throw StageError(.inputOutput, "cannot write to standard output: \(String(cString: strerror(failure)))")
    }
  }

  func line(for event: Event) -> String? {
    if json { return event.json.serialized }
    guard case .text(let name)? = event.value(of: "event"), on.contains(name) else { return nil }
    if let template { return template.rendered { event.value(of: $0) } }
    switch event {
    case .notice(let notice): return "notice: \(notice.message)"
    case .turn(let turn): return Self.text(turn)
    }
  }

  /// `[0:01.2] me: Hello, how are you?`
  private static func text(_ turn: TurnEvent) -> String {
    var line = "[\(positionText(turn.start))] "
    if let stream = turn.stream { line += "\(stream): " }
    if turn.kind != .endOfTurn { line += "\(turn.kind.rawValue): " }
    line += turn.transcript
    if turn.isFinal == false { line += " (\(turn.trigger ?? "not final"))" }
    return line
  }
}

/// Writes all bytes, however often it takes; returns 0 or the `errno` of the failure. Blocks.
func writeWhole(_ bytes: [UInt8], to descriptor: Int32) -> Int32 {
  bytes.withUnsafeBytes { raw in
    var written = 0
    while written < raw.count {
      let count = Glibc.write(descriptor, raw.baseAddress! + written, raw.count - written)
      if count >= 0 {
        written += count
      } else if errno == EAGAIN {
        // Someone else made the descriptor non-blocking: wait as a blocking write would.
        var entry = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        poll(&entry, 1, -1)
      } else if errno != EINTR {
        return errno
      }
    }
    return 0
  }
}
