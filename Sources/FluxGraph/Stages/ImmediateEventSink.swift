/// A sink of events that is done with each at once. It gets them where they come from, on whatever thread, one at a time, without a
/// queue and a task of its own: a thousand of them cost next to nothing.
public protocol ImmediateEventSink: EventSink {
  /// Takes an event. Must not block: what the event comes from waits meanwhile.
  mutating func take(_ event: Event)
}

extension ImmediateEventSink {
  public var immediate: (any ImmediateEventSink)? { self }
  public mutating func write(_ event: Event) async throws { take(event) }
}
