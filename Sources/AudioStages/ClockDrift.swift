package import FluxGraph

/// How fast a source's clock runs against the monotonic one, from the times its blocks come.
///
/// A block can come late and never early, so of every second only the earliest block counts. A straight line is fitted
/// through those by least squares; after an interruption, and where the way to us has become longer or shorter, a new line of the
/// same slope begins.
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
  /// No clock drifts as far from one second to the next: what does is a change of latency.
  private static let smallestStep = 0.002
  /// How many times its error a drift has to be before it is taken for real.
  private static let confidence = 4.0

  private let rate: Double
  private var frames: Int64 = 0
  private var start: Instant?
  private var window: (end: Double, point: Point)?
  /// The last point of the line, and one after it that does not fit.
  private var last: Point?
  private var stray: Point?
  /// How far one point usually is from the next, in seconds.
  private var noise = 0.0
  // Sums of the line being fitted, about its own mean, and of all lines before it.
  private var count = 0.0
  private var meanTime = 0.0
  private var meanLead = 0.0
  private var firstTime = 0.0
  private var line = Sums()
  private var all = Sums()

  /// When a window's earliest block came, and how far the source's clock was ahead then; both in seconds.
  private struct Point: Sendable {
    var time: Double
    var lead: Double
  }

  private struct Sums: Sendable {
    var points = 0.0
    var lines = 0.0
    var seconds = 0.0
    var timeTime = 0.0
    var timeLead = 0.0
    var leadLead = 0.0
    /// Of the lines: the square of what a step that was not noticed may have added to `timeLead`.
    var doubt = 0.0
  }

  package init(rate: Int) {
    self.rate = Double(rate)
  }

  /// A block of `count` frames has come at `time`. Returns whether a second has ended before it.
  @discardableResult
  package mutating func captured(_ count: Int, at time: Instant) -> Bool {
    guard let start else {
      // The first block only says where the line begins.
      self.start = time
      return false
    }
    frames += Int64(count)
    let seconds = time.duration(since: start).seconds
    let point = Point(time: seconds, lead: Double(frames) / rate - seconds)
    if let open = window, seconds < open.end {
      if point.lead > open.point.lead { window = (open.end, point) }
      return false
    }
    let hasEnded = window != nil
    closeWindow()
    window = (seconds + 1, point)
    return hasEnded
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
    let sums = sumsSoFar
    guard let (slope, error) = slope(of: sums) else { return nil }
    return Estimate(partsPerMillion: slope * 1e6, error: error * 1e6, seconds: sums.seconds)
  }

  /// The drift as a part of one, once it is certain that there is any: beyond the error of its measurement, and beyond what a
  /// change of latency could look like that is too small to be noticed.
  package var established: Double? {
    let sums = sumsSoFar
    guard let (slope, error) = slope(of: sums) else { return nil }
    let doubt = sums.doubt.squareRoot() / sums.timeTime
    return abs(slope) > Self.confidence * (error * error + doubt * doubt).squareRoot() ? slope : nil
  }

  private var sumsSoFar: Sums {
    var copy = self
    copy.endLine()
    return copy.all
  }

  private func slope(of sums: Sums) -> (slope: Double, error: Double)? {
    guard sums.points >= Double(Self.fewestPoints), sums.timeTime > 0 else { return nil }
    let slope = sums.timeLead / sums.timeTime
    let residual = max(0, sums.leadLead - slope * sums.timeLead)
    let freedom = max(1, sums.points - sums.lines - 1)
    return (slope, (residual / freedom / sums.timeTime).squareRoot())
  }

  /// The smallest change between two seconds that is a change of latency.
  private var step: Double { max(Self.smallestStep, 6 * noise) }

  private mutating func closeWindow() {
    guard let point = window?.point else { return }
    window = nil
    if let last {
      let change = abs(point.lead - last.lead)
      // Were it not bounded, one change of latency would make all that follow look like noise.
      noise += (min(change, 4 * max(noise, 0.0005)) - noise) / 32
      if change > step {
        // One second alone may have been held up from its beginning to its end. Two that agree are a new latency.
        guard let first = stray, abs(point.lead - first.lead) <= step else {
          stray = point
          return
        }
        endLine()
        add(first)
      }
    }
    stray = nil
    add(point)
  }

  private mutating func add(_ point: Point) {
    last = point
    count += 1
    let (time, lead) = (point.time - meanTime, point.lead - meanLead)
    meanTime += time / count
    meanLead += lead / count
    line.timeTime += time * (point.time - meanTime)
    line.timeLead += time * (point.lead - meanLead)
    line.leadLead += lead * (point.lead - meanLead)
    if count == 1 { firstTime = point.time }
  }

  private mutating func endLine() {
    closeWindow()
    if count >= 2, let last {
      let length = last.time - firstTime
      all.points += count
      all.lines += 1
      all.seconds += length
      all.timeTime += line.timeTime
      all.timeLead += line.timeLead
      all.leadLead += line.leadLead
      // A step in the middle of a line of length T tilts it by 1.5 steps / T; half of the largest is what is to be expected.
      let tilt = 0.75 * step / length
      all.doubt += tilt * tilt * line.timeTime * line.timeTime
    }
    (count, meanTime, meanLead, line) = (0, 0, 0, Sums())
    (last, stray) = (nil, nil)
  }
}
