internal import FluxGraph
internal import Glibc

/// The wait a `Retry-After` header asks for (RFC 9110 §10.2.3): seconds, or a date. Nil for anything else.
func retryAfter(_ value: String, now: WallTime) -> Duration? {
  if let seconds = Int(value) { return (0...31_536_000).contains(seconds) ? .seconds(seconds) : nil }
  // `Fri, 20 Nov 2026 14:02:11 GMT`, the only form there is today.
  let parts = value.split(separator: " ")
  let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
  guard parts.count == 6, parts[5] == "GMT", let day = Int32(parts[1]), (1...31).contains(day),
    let month = months.firstIndex(of: String(parts[2])), let year = Int32(parts[3]),
    (1970...9999).contains(year)
  else { return nil }
  let clock = parts[4].split(separator: ":").compactMap { Int32($0) }
  guard clock.count == 3, (0...23).contains(clock[0]), (0...59).contains(clock[1]),
    (0...60).contains(clock[2])
  else { return nil }
  var date = tm()
  (date.tm_year, date.tm_mon, date.tm_mday) = (year - 1900, Int32(month), day)
  (date.tm_hour, date.tm_min, date.tm_sec) = (clock[0], clock[1], clock[2])
  let wait = Double(timegm(&date)) - now.seconds
  return .milliseconds(Int64(min(max(0, wait), 3.2e9) * 1000))
}
