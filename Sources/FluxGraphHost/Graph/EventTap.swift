internal import FluxGraph
internal import Synchronization

/// The sink behind a stream that a Swift program reads.
struct EventTap: EventSink {
  static let description = StageDescription<EventTap>("reader", "Hands events to the program.")

  /// A stream and who reads it.
  struct Place: Sendable {
    var node: Int
    var port: String?
    var buffer: Buffer
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
    switch place?.buffer.offer(event) {
    case .full where !isDropping:
      isDropping = true
      context?.notice(
        Notice(
          "dropping", "the program does not read its events: they are being dropped until it does",
          severity: .warning))
    case .kept: isDropping = false
    case .closed: throw EndOfInterest()
    default: break
    }
  }

  mutating func finish() async throws { place?.buffer.end() }
}

extension EventTap {
  /// What the program's stream holds: without it nobody reads any more.
  final class Reader: Sendable {
    let buffer: Buffer

    init(_ buffer: Buffer) { self.buffer = buffer }
    deinit { buffer.close() }
  }

  /// Events that wait for a program to read them: so many, and so many bytes of them. One reader.
  final class Buffer: Sendable {
    /// What became of an event.
    enum Offer: Sendable {
      case kept, full
      /// Nobody reads any more.
      case closed
    }

    private static let countLimit = 4096
    private static let byteLimit = 16 << 20

    private struct State {
      var events: [Event] = []
      /// The first of them that waits.
      var head = 0
      var bytes = 0
      var isEnded = false
      var isClosed = false
      var waiter: CheckedContinuation<Event?, Never>?
    }

    private let state = Mutex(State())

    deinit { state.withLock { $0.waiter }?.resume(returning: nil) }

    /// Whether the reader waits for an event.
    var isAwaited: Bool { state.withLock { $0.waiter != nil } }

    func offer(_ event: Event) -> Offer {
      let (offer, waiter) = state.withLock { state -> (Offer, CheckedContinuation<Event?, Never>?) in
        if state.isClosed { return (.closed, nil) }
        if let waiter = state.waiter {
          state.waiter = nil
          return (.kept, waiter)
        }
        guard state.events.count - state.head < Self.countLimit, state.bytes < Self.byteLimit else {
          return (.full, nil)
        }
        state.events.append(event)
        state.bytes += event.footprint
        return (.kept, nil)
      }
      waiter?.resume(returning: event)
      return offer
    }

    /// Nothing more comes.
    func end() {
      let waiter = state.withLock { state in
        state.isEnded = true
        defer { state.waiter = nil }
        return state.waiter
      }
      waiter?.resume(returning: nil)
    }

    /// Nobody reads any more.
    func close() {
      let waiter = state.withLock { state in
        state.isClosed = true
        state.events = []
        state.head = 0
        state.bytes = 0
        defer { state.waiter = nil }
        return state.waiter
      }
      waiter?.resume(returning: nil)
    }

    /// The next event; nil after the last one.
    func next() async -> Event? {
      await withCheckedContinuation { continuation in
        let (event, isOver) = state.withLock { state -> (Event?, Bool) in
          guard state.head < state.events.count else {
            if state.isEnded || state.isClosed { return (nil, true) }
            state.waiter = continuation
            return (nil, false)
          }
          let event = state.events[state.head]
          state.head += 1
          state.bytes -= event.footprint
          if state.head >= 256 || state.head == state.events.count {
            state.events.removeFirst(state.head)
            state.head = 0
          }
          return (event, true)
        }
        if isOver { continuation.resume(returning: event) }
      }
    }
  }
}
