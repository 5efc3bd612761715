/// Where a recogniser puts its events. Any thread may emit; events of one caller keep their order.
public struct EventOutlet: Sendable {
  private let handler: @Sendable (Event) -> Void

  package init(_ handler: @escaping @Sendable (Event) -> Void) {
    self.handler = handler
  }

  /// Sends an event to everything behind the stage's main output. Never blocks.
  public func emit(_ event: Event) {
    handler(event)
  }
}
