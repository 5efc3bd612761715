package import FluxGraph

/// The stage `merge`: puts the events of several streams in the order of the audio.
package struct Merge: EventTransform {
  package static let description = StageDescription<Merge>(
    "merge", "Puts the events of several streams on one timeline: in the order in which they were spoken.",
    details: """
      Each event is held for a while, in case another stream tells of something earlier later. Its place is that of its end \
      in the stream's time, so that the streams should begin together. Events of one session keep their order. What comes \
      after its place has gone by is passed on at once.
      """,
    examples: [
      "me = file me.wav | flux as=me; you = file you.wav | flux as=you; me, you | merge by=audio_time hold=2s | stdout",
      "a = file a.wav | flux as=a; b = file b.wav | flux as=b; a, b | merge | jsonl both.jsonl",
    ]
  ) {
    Option("by", \Merge.by, "What decides the order.")
    Option("hold", \Merge.hold, "How long each event is held.", in: .zero...(.seconds(60)))
  }

  /// What decides the order of events.
  package enum Order: String, OptionEnumeration {
    case audioTime = "audio_time"
  }

  private struct Held {
    var event: Event
    var place: Double
    var due: Instant
  }

  /// More events than this, or more bytes of them, are not held: the first goes on early.
  private static let limit = 10_000
  private static let byteLimit = 16 << 20

  package var by = Order.audioTime
  package var hold = Duration.seconds(2)
  /// In the order of their places.
  private var held: [Held] = []
  private var bytes = 0
  private var places: [String: Double] = [:]
  private var passed = -Double.infinity
  private var now = Instant(nanoseconds: 0)

  package init() {}

  package var deadline: Instant? { held.map(\.due).min() }

  package mutating func advance(to now: Instant, emit: (Event) -> Void) {
    self.now = now
    // Whatever lies before an event whose time has come goes with it.
    guard let last = held.lastIndex(where: { $0.due <= now }) else { return }
    release(last + 1, emit)
  }

  package mutating func process(_ event: Event, emit: (Event) -> Void) {
    guard case .turn(let turn) = event else { return emit(event) }
    let speaker = (turn.stream ?? "") + "\u{0}" + turn.session
    let place = max(turn.end, places[speaker] ?? -.infinity)
    places[speaker] = place
    if place < passed { return emit(event) }
    // From the end: most events are the latest so far.
    let index = held.lastIndex { $0.place <= place }.map { $0 + 1 } ?? 0
    held.insert(Held(event: event, place: place, due: now.advanced(by: hold)), at: index)
    bytes += event.footprint
    while held.count > Self.limit || bytes > Self.byteLimit && held.count > 1 { release(1, emit) }
  }

  package mutating func finish(emit: (Event) -> Void) {
    release(held.count, emit)
  }

  private mutating func release(_ count: Int, _ emit: (Event) -> Void) {
    for entry in held.prefix(count) {
      passed = entry.place
      bytes -= entry.event.footprint
      emit(entry.event)
    }
    held.removeFirst(count)
  }
}
