internal import FluxGraph

/// How far a batch has come, and how fast.
struct BatchProgress: Sendable {
  /// Inputs of this run; those done in earlier ones are not among them.
  let total: Int
  /// Inputs that were done already.
  let skipped: Int
  var done = 0
  var failed = 0
  var interrupted = 0
  var running = 0
  /// Seconds of audio that have gone through, those of inputs under way included.
  var audio = 0.0

  init(total: Int, skipped: Int) {
    self.total = total
    self.skipped = skipped
  }

  var ended: Int { done + failed }

  /// How many inputs are in each state.
  var states: [(state: String, count: Int)] {
    [
      ("done", done), ("failed", failed), ("interrupted", interrupted), ("running", running),
      ("skipped", skipped), ("waiting", max(0, total - ended - interrupted - running)),
    ]
  }

  /// Inputs a second, since `elapsed` seconds.
  func rate(_ elapsed: Double) -> Double { elapsed > 0 ? Double(ended) / elapsed : 0 }

  /// Seconds to go; nil when nothing tells.
  func remaining(_ elapsed: Double) -> Double? {
    ended > 0 && elapsed > 0 ? Double(total - ended) / rate(elapsed) : nil
  }

  /// One line for a person, of at most `width` columns.
  func line(_ elapsed: Double, width: Int) -> String {
    var words = ["\(ended)/\(total)"]
    if failed > 0 { words.append("\(failed) failed") }
    if running > 0 { words.append("\(running) running") }
    if ended > 0 { words.append("\(fixedText(rate(elapsed), digits: 1))/s") }
    if audio > 0, elapsed > 0 { words.append("\(fixedText(audio / elapsed, digits: 1))x real time") }
    if let remaining = remaining(elapsed), ended < total { words.append("ETA \(Self.clock(remaining))") }
    let text = words.joined(separator: "  ")
    let room = min(40, width - text.count - 4)
    guard room >= 10 else { return String(text.prefix(max(0, width - 1))) }
    let full = total == 0 ? room : room * ended / total
    return "[" + String(repeating: "#", count: full) + String(repeating: ".", count: room - full) + "] "
      + text
  }

  /// Minutes and seconds, or hours: `4:05`, `1:04:05`.
  private static func clock(_ seconds: Double) -> String {
    let whole = Int(min(seconds, 3.6e7).rounded(.up))
    let (hours, minutes) = (whole / 3600, whole / 60 % 60)
    return (hours > 0 ? "\(hours):\(pad(minutes, 2))" : "\(minutes)") + ":" + pad(whole % 60, 2)
  }

  /// The members of a line for a program.
  func members(_ elapsed: Double) -> [(String, JSONValue)] {
    [
      ("total", JSONValue(total)), ("done", JSONValue(done)), ("failed", JSONValue(failed)),
      ("skipped", JSONValue(skipped)), ("interrupted", JSONValue(interrupted)),
      ("running", JSONValue(running)),
      ("rate", JSONValue(rounded(rate(elapsed)))), ("audio", JSONValue(rounded(audio))),
      ("realtime", JSONValue(rounded(elapsed > 0 ? audio / elapsed : 0))),
      ("elapsed", JSONValue(rounded(elapsed))),
      ("eta", remaining(elapsed).map { JSONValue(rounded($0)) } ?? .null),
    ]
  }

  private func rounded(_ number: Double) -> Double { (number * 1000).rounded() / 1000 }
}
