package import FluxGraph

/// The stage `where`: lets through the events a predicate holds for.
package struct Where: EventTransform {
  package static let description = StageDescription<Where>(
    "where", "Lets through the events a predicate holds for.",
    details: """
      Fields are compared with ==, !=, <, <=, >, >=, ~ (contains, with * and ?), !~ and in, and combined with and, or, not. \
      A field an event does not have is unequal to everything.
      """,
    examples: [
      "file talk.opus | flux | where event == EndOfTurn and transcript != \"\" | stdout json",
      "file talk.opus | flux | where transcript ~ \"order\" | webhook https://example.com/turns",
    ]
  ) {
    Option("predicate", \Where.predicate, "The condition.", positional: true, required: true)
  }

  package var predicate = Predicate.compare(field: "event", .equal, .text(""))

  package init() {}

  package mutating func process(_ event: Event, emit: (Event) -> Void) {
    if predicate.holds({ event.value(of: $0) }) { emit(event) }
  }
}
