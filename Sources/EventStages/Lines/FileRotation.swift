package import FluxGraph

/// When a log file is put aside and a new one begun: `1h`, `100MB`, or both, `[1h, 100MB]`.
package struct FileRotation: OptionValue, Hashable {
  /// Files are put aside when a period of the wall clock, counted in UTC, is over: at the full hour for `1h`.
  package var period: Duration?
  /// No file gets longer, a single line aside.
  package var size: ByteCount?

  package static var optionType: OptionType { .list(.text) }

  package static func parse(_ value: GraphValue) throws(OptionError) -> FileRotation {
    var values = [value]
    if case .list(let elements) = value { values = elements }
    var rotation = FileRotation()
    for (index, value) in values.enumerated() {
      if let period = try? Duration.parse(value), rotation.period == nil, period >= .seconds(1) {
        rotation.period = period
      } else if let size = try? ByteCount.parse(value), rotation.size == nil, size.bytes >= 1000 {
        rotation.size = size
      } else {
        throw OptionError(
          .wrongType, "wants a time of at least 1s, a size of at least 1kB or both, such as `[1h, 100MB]`",
          element: index)
      }
    }
    return rotation
  }

  package var graphText: String? {
    let texts = [period?.graphText, size?.graphText].compactMap { $0 }
    return texts.isEmpty ? nil : "[" + texts.joined(separator: ", ") + "]"
  }

  /// Whether a file that was last written at `lastWrite` and holds `count` bytes is to be put aside before a line of `added` bytes.
  func isDue(count: Int, added: Int, lastWrite: WallTime, now: WallTime) -> Bool {
    guard count > 0 else { return false }
    if let size, count + added > size.bytes { return true }
    guard let seconds = period?.seconds else { return false }
    return (now.seconds / seconds).rounded(.down) > (lastWrite.seconds / seconds).rounded(.down)
  }
}

/// When what was written is made to survive a power failure.
package enum FileSync: String, OptionEnumeration {
  /// After every turn that ends.
  case turn
  /// Within a second or so, and at the end.
  case interval
  /// When the system sees fit.
  case never
}
