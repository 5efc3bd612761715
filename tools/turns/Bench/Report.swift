import FluxServer
import Foundation

/// What the turns of some recordings were worth.
struct Score {
  /// Seconds from where a turn begins to its `StartOfTurn`, and to where that says it began.
  var startDelays: [Double] = []
  var startErrors: [Double] = []
  var missedStarts = 0
  /// Seconds from where a turn ends to the first event that says so.
  var endDelays: [Double] = []
  var missedEnds = 0
  /// By the length of the pause: how many there were, and in how many the turn was said to end.
  var pauses: [Double: (count: Int, cut: Int)] = [:]
  /// Turns that began where nobody spoke.
  var falseTurns = 0
  var seconds = 0.0

  mutating func add(_ recording: Recording, _ hearing: Hearing, end: (TurnReport.Kind) -> Bool) {
    let starts = hearing.reports.filter { $0.kind == .startOfTurn }
    let ends = hearing.reports.filter { end($0.kind) }.map(\.time)
    seconds += hearing.reports.last?.time ?? 0
    var begins = true
    for (index, phrase) in recording.phrases.enumerated() {
      let next = index + 1 < recording.phrases.count ? recording.phrases[index + 1].start : .infinity
      if begins {
        if let start = starts.first(where: { $0.time > phrase.start && $0.time < phrase.end + 0.3 }) {
          startDelays.append(start.time - phrase.start)
          startErrors.append((start.words.first?.start ?? 0) - phrase.start)
        } else {
          missedStarts += 1
        }
      }
      begins = phrase.ends
      // What the end of the recording cuts off is not judged.
      guard next < .infinity else { continue }
      if phrase.ends {
        if let delay = ends.first(where: { $0 > phrase.end - 0.1 && $0 < next }) {
          endDelays.append(delay - phrase.end)
        } else {
          missedEnds += 1
        }
      } else {
        // An end is still a cut-in while the next phrase has hardly begun.
        let isCut = ends.contains { $0 > phrase.end - 0.1 && $0 < next + 0.15 }
        pauses[phrase.silence, default: (0, 0)].count += 1
        if isCut { pauses[phrase.silence]?.cut += 1 }
      }
    }
    falseTurns +=
      starts.filter { start in
        !recording.phrases.contains { start.time > $0.start && start.time < $0.end + 0.3 }
      }.count
  }

  func cutIns(_ lengths: ClosedRange<Double>) -> String {
    let chosen = pauses.filter { lengths.contains($0.key) }.values
    let count = chosen.reduce(0) { $0 + $1.count }
    let cut = chosen.reduce(0) { $0 + $1.cut }
    return count == 0 ? "-" : String(format: "%.1f %%", 100 * Double(cut) / Double(count))
  }
}

/// The value below which a share of the numbers lies, in milliseconds.
func quantile(_ numbers: [Double], _ share: Double) -> String {
  guard !numbers.isEmpty else { return "-" }
  let sorted = numbers.sorted()
  return String(format: "%.0f", 1000 * sorted[min(sorted.count - 1, Int(share * Double(sorted.count)))])
}

struct Table {
  private var lines: [String] = []

  init(_ columns: [String]) {
    add(columns)
    lines.append("|" + columns.indices.map { $0 == 0 ? "---|" : "--:|" }.joined())
  }

  mutating func add(_ cells: [String]) {
    lines.append("| " + cells.joined(separator: " | ") + " |")
  }

  func print() {
    Swift.print(lines.joined(separator: "\n") + "\n")
  }
}

/// How often a turn was over when the confidence was so high.
func calibration(_ recordings: [Recording]) throws -> Table {
  var bins = [(count: Int, ended: Int, sum: Double)](repeating: (0, 0, 0), count: 10)
  for recording in recordings {
    let hearing = Hearing(try recording.samples, TurnThresholds(endOfTurn: 1, timeout: 60_000))
    for report in hearing.reports where report.confidence > 0 {
      guard let index = recording.phrases.lastIndex(where: { $0.start < report.time }) else { continue }
      let phrase = recording.phrases[index]
      // A new turn that is hardly there yet does not make the one before it go on.
      if index > 0, recording.phrases[index - 1].ends, report.time < phrase.start + 0.3 { continue }
      // After a turn's end no more than the shortest silence that follows one counts, so that long ones do not
      // count more than others.
      if report.time > phrase.end + 1.2 { continue }
      let isOver = phrase.ends && report.time > phrase.end
      let bin = min(9, Int(report.confidence * 10))
      bins[bin].count += 1
      bins[bin].sum += report.confidence
      if isOver { bins[bin].ended += 1 }
    }
  }
  var table = Table(["confidence", "mean", "moments", "of them after a turn's end"])
  for (index, bin) in bins.enumerated() where bin.count > 0 {
    table.add([
      String(format: "%.1f to %.1f", Double(index) / 10, Double(index + 1) / 10),
      String(format: "%.2f", bin.sum / Double(bin.count)), "\(bin.count)",
      String(format: "%.0f %%", 100 * Double(bin.ended) / Double(bin.count)),
    ])
  }
  return table
}
