package import FluxGraph

/// The stage `set`: gives fields of events other values.
package struct SetFields: EventTransform {
  package static let description = StageDescription<SetFields>(
    "set", "Gives events another stream name or transcript, from a template.",
    details: "Notices only have a stream. Words keep their texts and times.",
    examples: [
      #"file talk.opus | flux | set stream="caller" | stdout"#,
      #"file talk.opus | flux | set transcript="{stream?} {transcript}" | stdout"#,
    ]
  ) {
    Option("stream", \SetFields.stream, "The new name of the stream.")
    Option("transcript", \SetFields.transcript, "The new transcript.")
    Rule(reads: ["stream", "transcript"]) { set in
      guard set.stream == nil && set.transcript == nil else { return nil }
      return OptionConflict(
        code: "missing-value", "`set` sets nothing", options: [], help: "for example `set stream=\"caller\"`")
    }
  }

  package var stream: Template?
  package var transcript: Template?

  package init() {}

  package mutating func process(_ event: Event, emit: (Event) -> Void) {
    let newStream = stream?.rendered { event.value(of: $0) }
    let newTranscript = transcript?.rendered { event.value(of: $0) }
    switch event {
    case .turn(var turn):
      if let newStream { turn.stream = newStream }
      if let newTranscript { turn.transcript = newTranscript }
      emit(.turn(turn))
    case .notice(var notice):
      if let newStream { notice.stream = newStream }
      emit(.notice(notice))
    }
  }
}
