internal import Synchronization

/// Wakes a stage at a time that is set on its audio thread, where a timer would cost memory and a lock.
///
/// For sources that come in their own time: when there is nothing yet, `read` sets the alarm and returns `.waiting`.
public final class Alarm: Sendable {
  /// What was set and not looked at yet, in nanoseconds of ``Instant``.
  private let wanted: Wanted
  private let signal: any GraphSignal

  private final class Wanted: Sendable {
    let time = Atomic<Int64>(.max)
    /// That of the timer there is.
    let pending = Atomic<Int64>(.max)
  }

  /// The alarm of the stage that has this context; made when the stage is opened or prepared.
  public init(_ context: StageContext) {
    let wanted = Wanted()
    self.wanted = wanted
    signal = context.loop.signal {
      let time = wanted.time.exchange(.max, ordering: .acquiringAndReleasing)
      // A timer that comes earlier will do: the stage sets the alarm again if it is too early.
      guard time < wanted.pending.load(ordering: .relaxed) else { return }
      wanted.pending.store(time, ordering: .relaxed)
      _ = context.loop.schedule(at: Instant(nanoseconds: time)) {
        wanted.pending.store(.max, ordering: .relaxed)
        context.wake()
      }
    }
  }

  /// Has the stage woken at this time, or earlier: one that finds it is too early sets the alarm again. Neither waits nor
  /// allocates.
  public func set(_ time: Instant) {
    wanted.time.store(time.nanoseconds, ordering: .releasing)
    signal.raise()
  }
}
