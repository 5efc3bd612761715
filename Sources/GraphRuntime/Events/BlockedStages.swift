internal import FluxGraph

/// Finds stages that keep an audio thread from its work: looked at from time to time, it remembers which step each chain was in.
struct BlockedStages {
  /// What is to be told.
  enum Finding: Equatable {
    /// The stage has kept its thread for so long, and still does.
    case blocks(stage: String, Duration)
    /// The stage has let go after so long.
    case hasBlocked(stage: String, Duration)
  }

  /// A step of a chain that is under way.
  struct Step: Sendable {
    /// Counts the chain's steps.
    var number: Int
    var stage: String
  }

  private struct Seen {
    var step: Step
    var since: Instant
    var isTold: Bool
  }

  /// Less is the unsteadiness of a busy machine.
  static let limit = Duration.seconds(2)
  private var seen: [ObjectIdentifier: Seen] = [:]

  /// Takes a look at all chains.
  /// - Parameter steps: the step each of them is in, by the chain; none between steps.
  mutating func look(_ steps: [ObjectIdentifier: Step], now: Instant) -> [Finding] {
    var findings: [Finding] = []
    for (chain, known) in seen where known.step.number != steps[chain]?.number {
      if known.isTold {
        findings.append(.hasBlocked(stage: known.step.stage, now.duration(since: known.since)))
      }
      seen[chain] = nil
    }
    for (chain, step) in steps {
      var entry = seen[chain] ?? Seen(step: step, since: now, isTold: false)
      let time = now.duration(since: entry.since)
      if !entry.isTold && time >= Self.limit {
        entry.isTold = true
        entry.step.stage = step.stage
        findings.append(.blocks(stage: step.stage, time))
      }
      seen[chain] = entry
    }
    return findings
  }
}
