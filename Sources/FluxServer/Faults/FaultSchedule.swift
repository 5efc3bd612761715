internal import FluxGraph
package import FluxProtocol
internal import Platform

/// Deals a server's faults out to its connections. The same plan gives the same faults to the same connections.
package struct FaultSchedule: Sendable {
  private let plan: FaultPlan
  private var connections = 0
  /// How often each fault that does not last for ever was dealt out.
  private var uses: [Int: Int] = [:]

  package init(_ plan: FaultPlan) {
    self.plan = plan
  }

  /// The faults of the next connection; nil if it has none.
  package mutating func next() -> FaultInjector? {
    guard !plan.faults.isEmpty else { return nil }
    connections += 1
    var random = SplitMix64(state: plan.seed &+ UInt64(connections) &* SplitMix64.step)
    var faults: [Fault] = []
    for (index, fault) in plan.faults.enumerated() {
      // Drawn for each, so that one fault more does not change the fate of the others before it.
      let isDrawn = random.fraction() < fault.chance
      guard isDrawn, fault.connection == nil || fault.connection == connections else { continue }
      if case .refuse(_, let times?, _) = fault.kind {
        guard uses[index, default: 0] < times else { continue }
        uses[index, default: 0] += 1
      }
      faults.append(fault)
    }
    return faults.isEmpty ? nil : FaultInjector(faults, random: random)
  }
}
