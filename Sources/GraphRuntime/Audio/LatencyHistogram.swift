internal import FluxGraph

/// How long things took: counts in classes that are an eighth of a power of two wide, so that a quantile is off by 12 % at most,
/// whatever its size.
package struct LatencyHistogram: Sendable, Hashable {
  private static let subdivisions = 8

  private var counts: [UInt64] = []
  /// How many were recorded, and how long they took together.
  package private(set) var count: UInt64 = 0
  package private(set) var total = Duration.zero

  package init() {}

  /// Counts one; a negative duration counts as none.
  package mutating func record(_ duration: Duration) {
    let nanoseconds = UInt64(max(0, duration.nanoseconds))
    let index = Self.index(of: nanoseconds)
    if index >= counts.count { counts += [UInt64](repeating: 0, count: index + 1 - counts.count) }
    counts[index] += 1
    count += 1
    total += .nanoseconds(Int64(nanoseconds))
  }

  /// Adds what another one has counted.
  package mutating func merge(_ other: LatencyHistogram) {
    if other.counts.count > counts.count {
      counts += [UInt64](repeating: 0, count: other.counts.count - counts.count)
    }
    for (index, value) in other.counts.enumerated() { counts[index] += value }
    count += other.count
    total += other.total
  }

  /// What a part of them stayed below: 0.5 for the median. nil when nothing was counted.
  package func quantile(_ part: Double) -> Duration? {
    guard count > 0 else { return nil }
    let wanted = max(1, UInt64((part * Double(count)).rounded(.up)))
    var passed: UInt64 = 0
    for (index, value) in counts.enumerated() {
      passed += value
      if passed >= wanted { return .nanoseconds(Int64(clamping: Self.upperBound(of: index))) }
    }
    return nil
  }

  /// How many stayed surely within a bound.
  package func count(within bound: Duration) -> UInt64 {
    let limit = UInt64(max(0, bound.nanoseconds))
    var passed: UInt64 = 0
    for (index, value) in counts.enumerated() where Self.upperBound(of: index) <= limit { passed += value }
    return passed
  }

  private static func index(of nanoseconds: UInt64) -> Int {
    if nanoseconds < UInt64(subdivisions) { return Int(nanoseconds) }
    let exponent = 63 - nanoseconds.leadingZeroBitCount
    return (exponent - 2) * subdivisions + Int(nanoseconds >> UInt64(exponent - 3)) - subdivisions
  }

  /// The first number of nanoseconds beyond a class.
  private static func upperBound(of index: Int) -> UInt64 {
    if index < subdivisions { return UInt64(index) + 1 }
    let exponent = index / subdivisions + 2
    return UInt64(index % subdivisions + subdivisions + 1) << UInt64(exponent - 3)
  }
}
