internal import FluxGraph
internal import Synchronization

/// Tells of a stage of events that has kept the thread its events come from, which is mostly that of the whole network.
///
/// Nobody can tell while it does so: whoever would is kept waiting, too. So each call is measured, and told of when it is over.
struct EventStageWatch {
  /// All the time that was told of so far, of all stages, in nanoseconds.
  private static let told = Atomic<Int64>(0)

  private let context: StageContext

  init(_ context: StageContext) {
    self.context = context
  }

  /// Runs `body`, which calls the stage and the stages behind it.
  func measure(_ body: (_ now: Instant) -> Void) {
    let begin = context.clock.now()
    let before = Self.told.load(ordering: .relaxed)
    body(begin)
    // What a stage behind has been told of is its own.
    let others = Duration.nanoseconds(Self.told.load(ordering: .relaxed) - before)
    let time = context.clock.now().duration(since: begin) - others
    guard time >= BlockedStages.limit else { return }
    Self.told.add(time.nanoseconds, ordering: .relaxed)
    context.notice(
      Notice(
        "unblocked",
        "\(context.name) blocked the thread of its events for \(fixedText(time.seconds, digits: 1)) s",
        severity: .warning, details: [("seconds", JSONValue(time.seconds, digits: 1))]))
  }
}
