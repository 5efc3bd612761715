package import FluxGraph

/// When a delivery that has failed is tried again: `standard`, `none`, or the waits themselves, `[5s, 5m]`.
package struct RetrySchedule: OptionValue, Hashable {
  package var waits: [Duration]

  /// The schedule Standard Webhooks recommends: ten attempts over about three days.
  package static let standard = RetrySchedule(
    waits: [5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400].map { .seconds($0) })

  package static var optionType: OptionType { .list(.duration) }

  package static func parse(_ value: GraphValue) throws(OptionError) -> RetrySchedule {
    switch value.text {
    case "standard": return standard
    case "none": return RetrySchedule(waits: [])
    case .some:
      throw OptionError(
        .unknownValue, "wants `standard`, `none` or the waits, such as `[5s, 5m]`",
        candidates: ["standard", "none"])
    case nil: break
    }
    let waits = try [Duration].parse(value)
    guard waits.count <= 100 else { throw OptionError(.outOfRange, "has more than 100 waits") }
    for (index, wait) in waits.enumerated() where wait < .milliseconds(10) || wait > .seconds(7 * 86_400) {
      throw OptionError(.outOfRange, "must lie between 10ms and 168h", element: index)
    }
    return RetrySchedule(waits: waits)
  }

  package var graphText: String? {
    self == .standard ? "standard" : waits.isEmpty ? "none" : waits.graphText
  }
}
