package import FluxGraph

/// The stage `only`: leaves fields out of events' JSON.
package struct Only: EventTransform {
  package static let description = StageDescription<Only>(
    "only", "Leaves all fields but those named out of the JSON of events.",
    details: """
      The version and the kind of the event always stay. Stages behind this one still see every field, so that `where` and \
      templates work as before. Notices stay whole.
      """,
    examples: [
      "file talk.opus | flux | only fields=[turn, transcript, flux.request_id] | jsonl short.jsonl",
      "file talk.opus | flux | only [turn, transcript] | stdout json",
    ]
  ) {
    Option("fields", \Only.fields, "The fields that stay.", positional: true, required: true)
    Rule(reads: ["fields"]) { only in
      let known = EventField.all.map(\.name) + ["synthesised", "flux"]
      guard let field = only.fields.first(where: { !known.contains($0) }) else { return nil }
      return OptionConflict(
        code: "unknown-field", "no event has a field `\(field)`", option: "fields", element: field,
        candidates: known)
    }
  }

  package var fields: [String] = []

  package init() {}

  package mutating func process(_ event: Event, emit: (Event) -> Void) {
    guard case .turn(var turn) = event else { return emit(event) }
    // What an earlier `only` left out does not come back.
    turn.shownFields = turn.shownFields.map { $0.filter(fields.contains) } ?? fields
    emit(.turn(turn))
  }
}
