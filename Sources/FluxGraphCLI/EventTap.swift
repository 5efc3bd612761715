internal import FluxGraph

/// The sink behind a stream that a Swift program reads.
struct EventTap: EventSink {
  static let description = StageDescription<EventTap>("reader", "Hands events to the program.")

  /// A stream and who reads it.
  struct Place: Sendable {
    var node: Int
    var port: String?
    var continuation: AsyncStream<Event>.Continuation
  }

  /// All readers of a graph, by the names of their sinks.
  struct Places: Sendable {
    let byName: [String: Place]

    init(_ byName: [String: Place]) {
      self.byName = byName
    }
  }

  private var place: Place?
  private var context: StageContext?
  private var isDropping = false

  mutating func open(_ context: StageContext) async throws {
    place = context.resource(Places.self)?.byName[context.name]
    self.context = context
  }

  mutating func write(_ event: Event) async throws {
    switch place?.continuation.yield(event) {
    case .dropped where !isDropping:
      isDropping = true
      context?.notice(
        Notice(
          "dropping", "the program does not read its events: they are being dropped until it does",
          severity: .warning))
    case .enqueued: isDropping = false
    // Nobody reads any more.
    case .terminated: throw EndOfInterest()
    default: break
    }
  }

  mutating func finish() async throws { place?.continuation.finish() }
}
