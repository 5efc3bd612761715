package import FluxGraph

/// The stage `null`: takes audio or events and does nothing with them.
package struct Null: AudioSink, ImmediateEventSink {
  package static let description = StageDescription<Null>(
    "null", "Takes audio or events and does nothing with them: to measure, or to end a chain.",
    examples: ["file talk.opus | chunk 80ms | null", "file talk.opus | flux | null"])

  package init() {}

  package mutating func write(_ audio: borrowing AudioBuffer) throws {}
  package mutating func take(_ event: Event) {}
}
