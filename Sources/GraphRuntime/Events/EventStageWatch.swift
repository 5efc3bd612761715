internal import FluxGraph
internal import Glibc
internal import Synchronization

/// Tells of a stage of events that has kept the thread its events come from, which is mostly that of the whole network.
///
/// Nobody can tell while it does so: whoever would is kept waiting, too. So each call is measured, and told of when it is over.
struct EventStageWatch {
  /// A call that was told of, with all it called.
  private struct Told {
    var number: Int
    var thread: UInt
    var time: Duration
  }

  /// Those that a call around them has yet to leave out of its own time. Most have none around them: the oldest go.
  private static let told = Mutex<[Told]>([])
  private static let mostTold = 64
  private static let count = Atomic<Int>(0)

  private let context: StageContext

  init(_ context: StageContext) {
    self.context = context
  }

  /// Runs `body`, which calls the stage and the stages behind it.
  func measure(_ body: (_ now: Instant) -> Void) {
    let begin = context.clock.now()
    let before = Self.count.load(ordering: .relaxed)
    body(begin)
    let whole = context.clock.now().duration(since: begin)
    guard whole >= BlockedStages.limit else { return }
    let thread = UInt(pthread_self())
    let time = Self.told.withLock { told in
      // What a stage behind has been told of is its own, and that of a stage on another thread is none of this one's.
      let inside = told.filter { $0.thread == thread && $0.number > before }
      let own = inside.reduce(whole) { $0 - $1.time }
      guard own >= BlockedStages.limit else { return Duration.zero }
      told.removeAll { $0.thread == thread && $0.number > before }
      let number = Self.count.add(1, ordering: .relaxed).newValue
      told.append(Told(number: number, thread: thread, time: whole))
      if told.count > Self.mostTold { told.removeFirst() }
      return own
    }
    guard time > .zero else { return }
    context.notice(
      Notice(
        "unblocked",
        "\(context.name) blocked the thread of its events for \(fixedText(time.seconds, digits: 1)) s",
        severity: .warning, details: [("seconds", JSONValue(time.seconds, digits: 1))]))
  }
}
