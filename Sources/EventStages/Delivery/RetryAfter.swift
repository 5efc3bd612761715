internal import FluxGraph
internal import Glibc

/// The wait a `Retry-After` header asks for (RFC 9110 §10.2.3): seconds, or a date; a year at most. Nil for anything else.
func retryAfter(_ value: String, now: WallTime) -> Duration? {
  let year = 31_536_000
  if !value.isEmpty, value.utf8.allSatisfy({ (0x30...0x39).contains($0) }) {
    return .seconds(min(Int(value) ?? year, year))
  }
  guard var date = httpDate(value) else { return nil }
  let wait = Double(timegm(&date)) - now.seconds
  return .milliseconds(Int64(min(max(0, wait), Double(year)) * 1000))
}

/// A date in one of the three forms a recipient has to know (RFC 9110 §5.6.7):
/// `Sun, 06 Nov 1994 08:49:37 GMT`, `Sunday, 06-Nov-94 08:49:37 GMT` and `Sun Nov  6 08:49:37 1994`.
private func httpDate(_ text: String) -> tm? {
  let parts = text.split(separator: " ").map(String.init)
  let day: String
  let month: String
  let year: String
  let time: String
  if parts.count == 6, parts[5] == "GMT" {
    (day, month, year, time) = (parts[1], parts[2], parts[3], parts[4])
  } else if parts.count == 4, parts[3] == "GMT" {
    let date = parts[1].split(separator: "-").map(String.init)
    guard date.count == 3, date[2].utf8.count == 2, let short = Int32(date[2]) else { return nil }
    // Two digits mean the nearest such year that is not far ahead; nobody asks for a wait of decades.
    (day, month, year, time) = (date[0], date[1], String(short < 70 ? 2000 + short : 1900 + short), parts[2])
  } else if parts.count == 5 {
    (month, day, time, year) = (parts[1], parts[2], parts[3], parts[4])
  } else {
    return nil
  }
  let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
  let clock = time.split(separator: ":").compactMap { Int32($0) }
  guard let day = Int32(day), (1...31).contains(day), let month = months.firstIndex(of: month),
    let year = Int32(year), (1970...9999).contains(year), clock.count == 3, (0...23).contains(clock[0]),
    (0...59).contains(clock[1]), (0...60).contains(clock[2])
  else { return nil }
  var date = tm()
  (date.tm_year, date.tm_mon, date.tm_mday) = (year - 1900, Int32(month), day)
  (date.tm_hour, date.tm_min, date.tm_sec) = (clock[0], clock[1], clock[2])
  return date
}
