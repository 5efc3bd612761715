internal import FluxGraph
package import FluxProtocol

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
    var random = FaultRandom(state: plan.seed &+ UInt64(connections) &* 0x9E37_79B9_7F4A_7C15)
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

/// SplitMix64.
struct FaultRandom: RandomNumberGenerator, Sendable {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
    return mixed ^ mixed >> 31
  }

  /// At least 0 and less than 1.
  mutating func fraction() -> Double { Double(next() >> 11) / Double(1 << 53) }
}
