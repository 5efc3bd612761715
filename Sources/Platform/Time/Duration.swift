extension Duration {
  /// The duration in seconds, as a floating-point number.
  public var seconds: Double {
    Double(components.seconds) + Double(components.attoseconds) * 1e-18
  }

  /// The duration in whole nanoseconds; saturates far outside any time this program measures.
  public var nanoseconds: Int64 {
    let (high, overflow) = components.seconds.multipliedReportingOverflow(by: 1_000_000_000)
    if overflow { return components.seconds < 0 ? .min : .max }
    return high &+ components.attoseconds / 1_000_000_000
  }
}
