package import FluxGraph

/// How many events are sent at once: `50`, or `[50, 1s]` with how long the first of them waits for others.
package struct Batch: OptionValue, Hashable {
  package var count = 1
  package var wait = Duration.seconds(1)

  package static var optionType: OptionType { .list(.text) }

  package static func parse(_ value: GraphValue) throws(OptionError) -> Batch {
    var values = [value]
    if case .list(let elements) = value { values = elements }
    var batch = Batch()
    guard let first = values.first, (1...2).contains(values.count), let count = try? Int.parse(first),
      (1...1000).contains(count)
    else {
      throw OptionError(
        .wrongType,
        "wants a number of events from 1 to 1000, and how long the first waits for others: `[50, 1s]`",
        element: 0)
    }
    batch.count = count
    if values.count == 2 {
      guard let wait = try? Duration.parse(values[1]), wait >= .milliseconds(10), wait <= .seconds(3600)
      else {
        throw OptionError(.wrongType, "wants a time from 10ms to 1h, as in `[50, 1s]`", element: 1)
      }
      batch.wait = wait
    }
    return batch
  }

  package var graphText: String? { "[\(count), \(wait.graphText ?? "1s")]" }
}
