// Numbers that carry their unit. A graph writes the unit with the number, so that none is ever guessed.

/// A ratio of amplitudes in decibels: 20 · log10(ratio). Written `-3dB` in a graph.
public struct Decibels: Sendable, Hashable, Comparable {
  /// Decibels, relative to no change.
  public var value: Double

  public init(_ value: Double) {
    self.value = value
  }

  /// This many decibels: for ranges of options.
  public static func decibels(_ value: Double) -> Decibels { Decibels(value) }

  /// The factor samples are multiplied by: 1 for 0 dB, about 2 for 6 dB.
  public var amplitude: Float { Float(power(10, value / 20)) }

  public static func < (left: Decibels, right: Decibels) -> Bool { left.value < right.value }
}

/// Frames a second, in Hz. Written `16k`, `48kHz` or `44100Hz` in a graph.
public struct SampleRate: Sendable, Hashable, Comparable {
  /// Frames a second.
  public var hertz: Int

  public init(_ hertz: Int) {
    self.hertz = hertz
  }

  /// This many frames a second: for ranges of options.
  public static func hertz(_ value: Int) -> SampleRate { SampleRate(value) }

  public static func < (left: SampleRate, right: SampleRate) -> Bool { left.hertz < right.hertz }
}

/// A number of vibrations a second. Written `440Hz` or `1kHz` in a graph.
public struct Frequency: Sendable, Hashable, Comparable {
  /// Hertz.
  public var hertz: Double

  public init(_ hertz: Double) {
    self.hertz = hertz
  }

  /// This many hertz: for ranges of options.
  public static func hertz(_ value: Double) -> Frequency { Frequency(value) }

  public static func < (left: Frequency, right: Frequency) -> Bool { left.hertz < right.hertz }
}

/// An amount of data in bytes. Written `64kB`, `128MB` or `2GB` in a graph (powers of 1000).
public struct ByteCount: Sendable, Hashable, Comparable {
  /// Bytes.
  public var bytes: Int

  public init(_ bytes: Int) {
    self.bytes = bytes
  }

  /// This many bytes: for ranges of options.
  public static func bytes(_ value: Int) -> ByteCount { ByteCount(value) }

  public static func < (left: ByteCount, right: ByteCount) -> Bool { left.bytes < right.bytes }
}

/// A multiple of real time. Written `1x` or `1.25x` in a graph.
public struct Speed: Sendable, Hashable, Comparable {
  /// Times real time; 1 is real time.
  public var factor: Double

  public init(_ factor: Double) {
    self.factor = factor
  }

  /// This many times real time: for ranges of options.
  public static func times(_ factor: Double) -> Speed { Speed(factor) }

  public static func < (left: Speed, right: Speed) -> Bool { left.factor < right.factor }
}

extension SampleRate: CustomStringConvertible {
  public var description: String {
    hertz % 1000 == 0
      ? "\(hertz / 1000)k" : hertz % 100 == 0 ? "\(shortText(Double(hertz) / 1000))k" : "\(hertz)Hz"
  }
}

extension Frequency: CustomStringConvertible {
  public var description: String {
    hertz >= 1000 ? shortText(hertz / 1000) + "kHz" : shortText(hertz) + "Hz"
  }
}

extension Decibels: CustomStringConvertible {
  public var description: String { shortText(value) + "dB" }
}

extension Speed: CustomStringConvertible {
  public var description: String { shortText(factor) + "x" }
}

extension ByteCount: CustomStringConvertible {
  public var description: String {
    for (unit, size) in [("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1000)]
    where bytes >= size && bytes % (size / 10) == 0 {
      return shortText(Double(bytes) / Double(size)) + unit
    }
    return "\(bytes)B"
  }
}

extension Duration {
  /// The duration as a graph writes it: `80ms`, `1.5s`, `10m`, `1h`.
  public var unitText: String {
    let value = seconds
    if value != 0 && abs(value) < 1 { return shortText(Double(nanoseconds) / 1_000_000) + "ms" }
    if value >= 3600 && value.truncatingRemainder(dividingBy: 3600) == 0 {
      return shortText(value / 3600) + "h"
    }
    if value >= 60 && value.truncatingRemainder(dividingBy: 60) == 0 { return shortText(value / 60) + "m" }
    return shortText(value) + "s"
  }
}

/// `value` in the shortest decimal form that reads back equal, without a trailing `.0`.
public func shortText(_ value: Double) -> String {
  let text = "\(value)"
  return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
}
