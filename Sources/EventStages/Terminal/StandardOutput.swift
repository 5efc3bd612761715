package import FluxGraph
internal import Glibc

internal import struct Platform.TerminalText

/// The stage `stdout`: prints events.
package struct StandardOutput: EventSink {
  package static let description = StageDescription<StandardOutput>(
    "stdout", "Prints events: a line of text for each finished turn, or one JSON object a line.",
    details: """
      Without a template a line is the place of a finished turn in the audio, and its text. With one, every event that arrives \
      is printed, unless `on` says which. Characters that a terminal would obey, or that show nothing and hide what is there, are \
      blanks or left out in what events say, whether or not standard output is a terminal. `json` prints every event, in version 1 of the \
      event format, whatever `on` says, with those characters escaped. `live` shows each turn while it is spoken, on one line that is drawn again with every \
      event, with the words coloured by confidence: green from 0.90, yellow from 0.80, orange from 0.70, red below; a turn \
      that is probably over is dimmed. Where standard output is no terminal, `live` prints finished turns. `NO_COLOR` is \
      honoured.
      """,
    examples: [
      "file talk.opus | flux | stdout", "file talk.opus | flux | stdout json",
      "file talk.opus | flux as=me eager_eot_threshold=0.5 | stdout live",
      "file talk.opus | flux as=me | stdout \"[{clock}] {stream}: {transcript}\" on=[EndOfTurn]",
    ]
  ) {
    Option("template", \StandardOutput.template, "What to print for an event.", positional: true)
    Option("json", \StandardOutput.json, "Print every event as a JSON object.")
    Option("live", \StandardOutput.live, "Show turns while they are spoken.")
    Option(
      "on", \StandardOutput.on,
      "The events a line is printed for; EndOfTurn without a template, all with one, unless given.")
    Rule(reads: ["on"]) { output in
      let known = TurnEvent.Kind.known.map(\.rawValue) + ["Notice"]
      guard let name = output.on?.first(where: { !known.contains($0) }) else { return nil }
      return OptionConflict(
        code: "unknown-event", "no event is called `\(name)`", option: "on", element: name, candidates: known)
    }
    Rule(
      "json-and-template", reads: ["json", "template"],
      "`json` prints whole events, and a template prints parts of them: a line can only be one of the two.",
      example: "file talk.opus | flux | stdout \"{transcript}\" json",
      fix: "file talk.opus | flux | stdout json"
    ) { output in
      guard output.json, output.template != nil else { return nil }
      return OptionConflict(
        "`json` prints whole events, and a template parts of them", options: ["json", "template"],
        help: "leave one of them out", fix: .remove("json"))
    }
    Rule(
      "live-and-format", reads: ["live", "json", "template"],
      "`live` redraws a turn in place, in a layout of its own: neither JSON nor a template can be shown so.",
      example: "file talk.opus | flux | stdout live json",
      fix: "file talk.opus | flux | stdout live"
    ) { output in
      guard output.live, output.json || output.template != nil else { return nil }
      return OptionConflict(
        "`live` has a layout of its own", options: ["live", output.json ? "json" : "template"],
        help: "leave one of them out", fix: .remove(output.json ? "json" : "template"))
    }
  }

  package var template: Template?
  package var json = false
  package var live = false
  package var on: [String]?
  /// Where lines go; tests have their own pipe.
  var descriptor = STDOUT_FILENO
  private var context: StageContext?
  /// The open turns; nil unless they are drawn.
  private var lines: LiveLines?
  /// The terminal, where what is printed has to go together with what else is drawn on it.
  private var region: TerminalRegion?

  package init() {}

  package mutating func open(_ context: StageContext) async throws {
    self.context = context
    region = context.resource(TerminalRegion.self)
    guard live, isatty(descriptor) == 1, context.environment("TERM") != "dumb" else { return }
    if region == nil { region = TerminalRegion(descriptor: descriptor) }
    // no-color.org: set and not empty.
    lines = LiveLines(isColored: context.environment("NO_COLOR").map(\.isEmpty) ?? true)
  }

  package mutating func write(_ event: Event) async throws {
    if let text = lines?.take(event) {
      try await draw(keeping: text)
    } else if let line = line(for: event) {
      try await run { [descriptor, region] in
        // A template may hold lines and tabs of its own.
        let text: TerminalText = "\(lines: line)\n"
        return region?.print(text) ?? writeWhole(Array(text.text.utf8), to: descriptor)
      }
    }
  }

  package mutating func finish() async throws {
    if let text = lines?.takeEnd() { try await draw(keeping: text) }
  }

  private func draw(keeping text: String) async throws {
    guard let region, let lines else { return }
    try await run { region.draw(lines.lines(on: region.screen), keeping: text) }
  }

  private func run(_ write: @escaping @Sendable () -> Int32) async throws {
    let failure = try await context?.terminal.run(write) ?? 0
    if failure == EPIPE { throw EndOfInterest() }
    if failure != 0 {
      throw StageError(.inputOutput, "cannot write to standard output: \(String(cString: strerror(failure)))")
    }
  }

  func line(for event: Event) -> String? {
    if json { return event.json.serialized }
    let wanted = on ?? (template == nil ? ["EndOfTurn"] : nil)
    guard case .text(let name)? = event.value(of: "event"), wanted?.contains(name) ?? true else { return nil }
    if let template { return template.rendered { event.value(of: $0)?.onOneLine } }
    switch event {
    case .notice(let notice): return "notice: \(notice.message)".onOneLine
    case .turn(let turn): return Self.text(turn).onOneLine
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
