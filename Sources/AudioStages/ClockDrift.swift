package import FluxGraph

/// How fast a source's clock runs against the monotonic one, from the times its blocks come.
///
/// A block can come late and never early, so of every second only the earliest block counts. A straight line is fitted
/// through those by least squares; after an interruption a new line of the same slope begins.
package struct ClockDrift: Sendable {
  /// What was measured.
  package struct Estimate: Sendable, Hashable {
    /// Parts per million; above zero when the source's clock is the faster one.
    package var partsPerMillion: Double
    /// The standard error of that.
    package var error: Double
    /// Seconds the measurement took.
    package var seconds: Double
  }

  /// Below this many points the error is larger than any clock's drift.
  private static let fewestPoints = 10

  private let rate: Double
  private var frames: Int64 = 0
  private var start: Instant?
  private var window: (end: Double, time: Double, lead: Double)?
  // Sums of the line being fitted, about its own mean, and of all lines before it.
  private var count = 0.0
  private var meanTime = 0.0
  private var meanLead = 0.0
  private var line = Sums()
  private var all = Sums()

  private struct Sums: Sendable {
    var points = 0.0
    var lines = 0.0
    var seconds = 0.0
    var timeTime = 0.0
    var timeLead = 0.0
    var leadLead = 0.0
  }

  package init(rate: Int) {
    self.rate = Double(rate)
  }

  /// A block of `count` frames has come at `time`.
  package mutating func captured(_ count: Int, at time: Instant) {
    guard let start else {
      // The first block only says where the line begins.
      self.start = time
      return
    }
    frames += Int64(count)
    let seconds = time.duration(since: start).seconds
    let lead = Double(frames) / rate - seconds
    if var open = window, seconds < open.end {
      if lead > open.lead { (open.time, open.lead) = (seconds, lead) }
      window = open
    } else {
      closeWindow()
      window = (seconds + 1, seconds, lead)
    }
  }

  /// The source says that `count` frames were lost: its clock ran on.
  package mutating func lost(_ count: Int64) {
    frames += count
  }

  /// The source was interrupted: nobody knows for how long its clock ran on.
  package mutating func restart() {
    guard start != nil else { return }
    endLine()
    start = nil
    frames = 0
  }

  /// The drift so far; nil until it can be told.
  package var estimate: Estimate? {
    var copy = self
    copy.endLine()
    let sums = copy.all
    guard sums.points >= Double(Self.fewestPoints), sums.timeTime > 0 else { return nil }
    let slope = sums.timeLead / sums.timeTime
    let residual = max(0, sums.leadLead - slope * sums.timeLead)
    let freedom = max(1, sums.points - sums.lines - 1)
    let error = (residual / freedom / sums.timeTime).squareRoot()
    return Estimate(partsPerMillion: slope * 1e6, error: error * 1e6, seconds: sums.seconds)
  }

  private mutating func closeWindow() {
    guard let point = window else { return }
    window = nil
    count += 1
    let (time, lead) = (point.time - meanTime, point.lead - meanLead)
    meanTime += time / count
    meanLead += lead / count
    line.timeTime += time * (point.time - meanTime)
    line.timeLead += time * (point.lead - meanLead)
    line.leadLead += lead * (point.lead - meanLead)
    line.seconds = point.time
  }

  private mutating func endLine() {
    closeWindow()
    if count >= 2 {
      all.points += count
      all.lines += 1
      all.seconds += line.seconds
      all.timeTime += line.timeTime
      all.timeLead += line.timeLead
      all.leadLead += line.leadLead
    }
    (count, meanTime, meanLead, line) = (0, 0, 0, Sums())
  }
}
