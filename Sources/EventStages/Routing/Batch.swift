package import FluxGraph

/// How many events are sent at once: `50`, or `[50, 1s, 256kB]` with how long the first of them waits for others, and the most
/// bytes of all of them.
package struct Batch: OptionValue, Hashable {
  package var count = 1
  package var wait = Duration.seconds(1)
  /// Of what is sent. A single event may be larger.
  package var size = Self.standardSize

  private static let standardSize = ByteCount(256 << 10)

  package static var optionType: OptionType { .list(.text) }

  package static func parse(_ value: GraphValue) throws(OptionError) -> Batch {
    var values = [value]
    if case .list(let elements) = value { values = elements }
    var batch = Batch()
    guard let first = values.first, (1...3).contains(values.count), let count = try? Int.parse(first),
      (1...1000).contains(count)
    else {
      throw OptionError(
        .wrongType,
        "wants a number of events from 1 to 1000, how long the first waits for others, and the most bytes: `[50, 1s, 256kB]`",
        element: 0)
    }
    batch.count = count
    if values.count > 1 {
      guard let wait = try? Duration.parse(values[1]), wait >= .milliseconds(10), wait <= .seconds(3600)
      else {
        throw OptionError(.wrongType, "wants a time from 10ms to 1h, as in `[50, 1s]`", element: 1)
      }
      batch.wait = wait
    }
    if values.count > 2 {
      guard let size = try? ByteCount.parse(values[2]), size >= .bytes(1000), size <= .bytes(100_000_000)
      else {
        throw OptionError(.wrongType, "wants a size from 1kB to 100MB, as in `[50, 1s, 256kB]`", element: 2)
      }
      batch.size = size
    }
    return batch
  }

  package var graphText: String? {
    let size = size == Self.standardSize ? "" : ", \(size)"
    return "[\(count), \(wait.graphText ?? "1s")\(size)]"
  }
}
