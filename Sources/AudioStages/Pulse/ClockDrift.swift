package import FluxGraph

/// How fast a source's clock runs against the monotonic one, from the times its blocks come.
///
/// A block can come late and never early, so of every second only the earliest block counts. Their points lie on lines of one
/// slope: a new line begins where the way to us has become longer or shorter, which it does by what a server holds back and no
/// more. So a line's slope tells of the drift, as well as it is long and no change within it was too small to be noticed; and so do
/// the places of the lines, as well as they are many. Both are weighed by their errors (a linear model with random intercepts,
/// solved by generalised least squares).
package struct ClockDrift: Sendable {
  /// What was measured.
  package struct Estimate: Sendable, Hashable {
    /// Parts per million; above zero when the source's clock is the faster one.
    package var partsPerMillion: Double
    /// The standard error of that.
    package var error: Double
    /// Seconds the measurement took.
    package var seconds: Double

    /// Whether there is any drift, beyond all doubt.
    package var isCertain: Bool { abs(partsPerMillion) > 4 * error }
  }

  /// Below this many points nothing can be told.
  private static let fewestPoints = 10.0
  /// No clock drifts as far from one second to the next, in seconds: what does is a change of latency.
  private static let smallestStep = 0.002
  /// How far the earliest blocks of two seconds are apart on a quiet machine, in seconds.
  private static let smallestNoise = 0.0001

  /// When a window's earliest block came, and how far the source's clock was ahead then; both in seconds.
  private struct Point: Sendable {
    var time: Double
    var lead: Double
  }

  /// The points of one line, about their own mean.
  private struct Line: Sendable {
    var points = 0.0
    var meanTime = 0.0
    var meanLead = 0.0
    var timeTime = 0.0
    var timeLead = 0.0
    var first = 0.0
    var last: Point?

    mutating func add(_ point: Point) {
      if points == 0 { first = point.time }
      points += 1
      let (time, lead) = (point.time - meanTime, point.lead - meanLead)
      meanTime += time / points
      meanLead += lead / points
      timeTime += time * (point.time - meanTime)
      timeLead += time * (point.lead - meanLead)
      last = point
    }
  }

  /// The equations for a slope and a place, and what was used for them.
  private struct Equations: Sendable {
    var points = 0.0
    var seconds = 0.0
    var one = 0.0
    var time = 0.0
    var lead = 0.0
    var timeTime = 0.0
    var timeLead = 0.0

    /// Adds what a line says.
    /// - Parameters:
    ///   - noise: how far points are from their line.
    ///   - step: up to which size a change of latency passes unnoticed.
    ///   - spread: how far the lines are from each other.
    mutating func add(_ line: Line, noise: Double, step: Double, spread: Double) {
      guard line.points > 0, let last = line.last else { return }
      let length = last.time - line.first
      points += line.points
      seconds += length
      let weight = 1 / (noise * noise / line.points + spread * spread)
      one += weight
      time += weight * line.meanTime
      lead += weight * line.meanLead
      timeTime += weight * line.meanTime * line.meanTime
      timeLead += weight * line.meanTime * line.meanLead
      guard length > 0 else { return }
      // A step in the middle tilts a line by 1.5 steps over its length; half of the largest is what is to be expected.
      let tilt = 0.75 * step / length
      let slopeWeight = 1 / (noise * noise / line.timeTime + tilt * tilt)
      timeTime += slopeWeight
      timeLead += slopeWeight * line.timeLead / line.timeTime
    }

    /// What they say of the slope, whatever the place.
    var withoutPlace: Equations {
      var result = Equations()
      guard one > 0 else { return result }
      (result.points, result.seconds) = (points, seconds)
      result.timeTime = timeTime - time * time / one
      result.timeLead = timeLead - time * lead / one
      return result
    }
  }

  private let rate: Double
  private let spread: Double
  private var frames: Int64 = 0
  private var start: Instant?
  private var window: (end: Double, point: Point)?
  private var line = Line()
  /// A point after the line that does not fit.
  private var stray: Point?
  /// How far one point usually is from the next, in seconds.
  private var noise = 0.0
  /// Of the lines since the last interruption, and of all before it, whose places are unknown.
  private var present = Equations()
  private var past = Equations()

  /// - Parameter latency: what a server may hold back.
  package init(rate: Int, latency: Duration = .milliseconds(20)) {
    self.rate = Double(rate)
    spread = max(0.020, latency.seconds) * 0.4
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
    past = equations
    (line, present) = (Line(), Equations())
    (window, stray, start) = (nil, nil, nil)
    frames = 0
  }

  /// The drift so far; nil until it can be told.
  package var estimate: Estimate? {
    let all = equations
    guard all.points >= Self.fewestPoints, all.timeTime > 0 else { return nil }
    return Estimate(
      partsPerMillion: all.timeLead / all.timeTime * 1e6, error: 1e6 / all.timeTime.squareRoot(),
      seconds: all.seconds)
  }

  private var equations: Equations {
    var copy = self
    copy.closeWindow()
    copy.endLine()
    var all = copy.present.withoutPlace
    all.points += past.points
    all.seconds += past.seconds
    all.timeTime += past.timeTime
    all.timeLead += past.timeLead
    return all
  }

  /// The smallest change between two seconds that is a change of latency.
  private var step: Double { max(Self.smallestStep, 6 * noise) }

  private mutating func closeWindow() {
    guard let point = window?.point else { return }
    window = nil
    if let last = line.last {
      let change = abs(point.lead - last.lead)
      // Were it not bounded, one change of latency would make all that follow look like noise.
      noise += (min(change, 4 * max(noise, Self.smallestNoise)) - noise) / 32
      if change > step {
        // One second alone may have been held up from its beginning to its end. Two that agree are a new latency.
        guard let first = stray, abs(point.lead - first.lead) <= step else {
          stray = point
          return
        }
        endLine()
        line.add(first)
      }
    }
    stray = nil
    line.add(point)
  }

  private mutating func endLine() {
    present.add(line, noise: max(noise, Self.smallestNoise), step: step, spread: spread)
    line = Line()
  }
}
