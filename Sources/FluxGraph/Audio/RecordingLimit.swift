/// Where a file of sound, or of captions, ends and another begins: after a time of the stream, or at a size.
public enum RecordingLimit: OptionValue, Hashable {
  /// So much of the stream.
  case duration(Duration)
  /// So many bytes.
  case size(ByteCount)

  public static var optionType: OptionType { .either(.duration, .byteCount) }

  public static func parse(_ value: GraphValue) throws(OptionError) -> RecordingLimit {
    if let size = try? ByteCount.parse(value) {
      guard size.bytes >= 4096 else { throw OptionError(.outOfRange, "must be at least 4096B") }
      return .size(size)
    }
    let duration = try Duration.parse(value)
    guard duration >= .milliseconds(100) else { throw OptionError(.outOfRange, "must be at least 100ms") }
    return .duration(duration)
  }

  public var graphText: String? {
    switch self {
    case .duration(let duration): duration.graphText
    case .size(let size): size.graphText
    }
  }
}

extension [RecordingLimit] {
  /// The shortest time among them.
  public var duration: Duration? {
    compactMap { if case .duration(let duration) = $0 { duration } else { nil } }.min()
  }

  /// The smallest size among them, in bytes.
  public var size: Int? {
    compactMap { if case .size(let size) = $0 { size.bytes } else { nil } }.min()
  }
}
