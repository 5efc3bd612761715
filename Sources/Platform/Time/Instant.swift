internal import Glibc

/// A moment on the monotonic clock (`CLOCK_MONOTONIC`), which is never set and never runs backwards.
public struct Instant: Sendable, Hashable, Comparable {
  /// Nanoseconds since the clock's arbitrary start.
  public var nanoseconds: Int64

  public init(nanoseconds: Int64) {
    self.nanoseconds = nanoseconds
  }

  /// The present moment, read from the kernel.
  public static func now() -> Instant {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Instant(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
  }

  /// The time a duration later, or earlier when it is negative.
  public func advanced(by duration: Duration) -> Instant {
    Instant(nanoseconds: nanoseconds &+ duration.nanoseconds)
  }

  /// The time from `earlier` to this moment; negative when `earlier` is later.
  public func duration(since earlier: Instant) -> Duration {
    .nanoseconds(nanoseconds &- earlier.nanoseconds)
  }

  public static func < (left: Instant, right: Instant) -> Bool {
    left.nanoseconds < right.nanoseconds
  }
}

/// A moment of wall-clock time, in seconds since 1970-01-01 00:00 UTC.
public struct WallTime: Sendable, Hashable {
  /// Seconds since 1 January 1970, UTC, without leap seconds.
  public var seconds: Double

  /// The time this many seconds after 1 January 1970, UTC.
  public init(seconds: Double) {
    self.seconds = seconds
  }

  /// The present moment, read from the kernel.
  public static func now() -> WallTime {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return WallTime(seconds: Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9)
  }

  /// The moment in UTC as RFC 3339 prescribes, to the millisecond: `2026-11-20T14:02:11.123Z`.
  public var rfc3339: String {
    let milliseconds = Int64((bounded * 1000).rounded())
    let fraction = (milliseconds % 1000 + 1000) % 1000
    var whole = time_t((milliseconds - fraction) / 1000)
    var parts = tm()
    gmtime_r(&whole, &parts)
    return pad(Int(parts.tm_year) + 1900, 4) + "-" + pad(Int(parts.tm_mon) + 1, 2) + "-"
      + pad(Int(parts.tm_mday), 2) + "T" + pad(Int(parts.tm_hour), 2) + ":" + pad(Int(parts.tm_min), 2) + ":"
      + pad(Int(parts.tm_sec), 2) + "." + pad(Int(fraction), 3) + "Z"
  }

  /// The seconds within the years 1 to 9999, which are those RFC 3339 can write.
  private var bounded: Double { min(max(-62_135_596_800, seconds), 253_402_300_799) }

  /// Year, month, day, hour, minute and second in the local time zone.
  public var local: LocalTime {
    var whole = time_t(bounded.rounded(.down))
    var parts = tm()
    localtime_r(&whole, &parts)
    return LocalTime(
      year: Int(parts.tm_year) + 1900, month: Int(parts.tm_mon) + 1, day: Int(parts.tm_mday),
      hour: Int(parts.tm_hour), minute: Int(parts.tm_min), second: Int(parts.tm_sec))
  }
}

/// A wall-clock time as a person in the local time zone reads it.
public struct LocalTime: Sendable, Hashable {
  /// The parts: months and days count from 1, hours from 0 to 23.
  public var year, month, day, hour, minute, second: Int

  /// `2026-11-20`.
  public var date: String { pad(year, 4) + "-" + pad(month, 2) + "-" + pad(day, 2) }
  /// `14:02:11`.
  public var clock: String { pad(hour, 2) + ":" + pad(minute, 2) + ":" + pad(second, 2) }
}

/// `number` in decimal, with leading zeros up to `width` digits.
public func pad(_ number: Int, _ width: Int) -> String {
  let digits = String(number)
  return String(repeating: "0", count: max(0, width - digits.count)) + digits
}
