internal import FluxGraph

/// Finds stages that keep an audio thread from its work: looked at from time to time, it remembers which step each thread was in.
struct BlockedStages {
  /// What is to be told.
  enum Finding: Equatable {
    /// The stage has kept its thread for so long, and still does.
    case blocks(stage: String, Duration)
    /// The stage has let go after so long.
    case hasBlocked(stage: String, Duration)
  }

  /// A step of an audio thread that is under way.
  struct Step: Sendable {
    /// Counts the thread's steps.
    var number: Int
    var stage: String
  }

  private struct Seen {
    var step: Step
    var since: Instant
    var isTold: Bool
  }

  private static let limit = Duration.seconds(2)
  private var seen: [Int: Seen] = [:]

  /// Takes a look at all threads.
  /// - Parameter steps: the step each of them is in; nil between steps.
  mutating func look(_ steps: [Step?], now: Instant) -> [Finding] {
    var findings: [Finding] = []
    for (thread, step) in steps.enumerated() {
      if let known = seen[thread], known.step.number != step?.number {
        if known.isTold {
          findings.append(.hasBlocked(stage: known.step.stage, now.duration(since: known.since)))
        }
        seen[thread] = nil
      }
      guard let step else { continue }
      // What it was in when it was first seen is the one that blocks: no other can have been called since.
      var entry = seen[thread] ?? Seen(step: step, since: now, isTold: false)
      let time = now.duration(since: entry.since)
      if !entry.isTold && time >= Self.limit {
        entry.isTold = true
        entry.step.stage = step.stage
        findings.append(.blocks(stage: step.stage, time))
      }
      seen[thread] = entry
    }
    return findings
  }
}
