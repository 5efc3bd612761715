internal import AudioDSP
internal import FluxGraph

/// Adds up mono streams of one rate, each at its place in time.
///
/// Live streams are placed by the time of capture: the output's sample 0 belongs to the earliest first sample. One that begins
/// later, or misses something, is silent there. One whose clock runs faster or slower than the machine's drifts away from its
/// place; then it is resampled, by so little that nobody hears it. Until then its samples stay what they are.
final class StreamJoin {
  /// Audio an input may be ahead by.
  private static let depth = Duration.seconds(2)
  /// How long one live stream waits for the others before they count as silent.
  private static let patience = Duration.milliseconds(300)
  /// An error of place beyond this is no drift: the stream was interrupted.
  private static let jump = Duration.milliseconds(200)
  /// In how many seconds an error of place is led back. The loop is critically damped, so that it does not swing.
  private static let haste = 3.0
  /// No clock is further off.
  private static let largestCorrection = 500e-6

  private struct Input {
    let liveness: Liveness
    var samples: [Float]
    var head = 0
    var count = 0
    var isEnded = false
    var hasBegun = false
    /// Smoothed distance from the right place, in frames; positive when it has to go on to get there.
    var error = 0.0
    /// How much faster than the clock the stream is, as far as that is known.
    var drift = 0.0
    var resampler = DriftResampler(channels: 1)
    var isResampled = false
    /// Frames that were taken and have not come out of the resampler yet.
    var held = 0

    mutating func append(_ value: Float) {
      guard count < samples.count else { return }
      samples[(head + count) % samples.count] = value
      count += 1
    }

    /// Appends frames, or silence, at the stream's present rate.
    mutating func append(_ frames: UnsafePointer<Float>?, _ frameCount: Int) {
      guard isResampled else {
        for frame in 0..<frameCount { append(frames?[frame] ?? 0) }
        return
      }
      let (before, slipped) = (count, resampler.slipped)
      var taken = 0
      while taken < frameCount && count < samples.count {
        let place = (head + count) % samples.count
        let room = min(samples.count - count, samples.count - place)
        let (consumed, produced) = Self.resample(
          frames.map { $0 + taken }, frameCount - taken, by: &resampler, into: &samples, at: place, room)
        taken += consumed
        count += produced
      }
      held += taken - (count - before) - Int(resampler.slipped - slipped)
    }

    /// Gives out what the resampler holds, and passes what follows as it is.
    mutating func stopResampling() {
      guard isResampled else { return }
      append(nil, DriftResampler.lookahead)
      resampler.reset()
      (isResampled, held, error, drift) = (false, 0, 0, 0)
    }

    private static func resample(
      _ frames: UnsafePointer<Float>?, _ frameCount: Int, by resampler: inout DriftResampler,
      into samples: inout [Float], at place: Int, _ room: Int
    ) -> (consumed: Int, produced: Int) {
      samples.withUnsafeMutableBufferPointer {
        resampler.process(frames, frames: frameCount, into: $0.baseAddress! + place, room: room)
      }
    }
  }

  private let rate: Int
  private let gain: Float
  private let clock: any GraphClock
  private let alarm: Alarm
  private var inputs: [Input]
  private var position = 0
  /// When the output's first frame was captured.
  private var epoch: Instant?

  init(rate: Int, inputs: [Liveness], _ context: StageContext) {
    self.rate = rate
    clock = context.clock
    alarm = Alarm(context)
    gain = 1 / Float(max(1, inputs.count))
    // At low rates a block is long.
    let capacity = max(Int(Self.depth.seconds * Double(rate)), 1 << 15)
    self.inputs = inputs.map { Input(liveness: $0, samples: [Float](repeating: 0, count: capacity)) }
  }

  func room(of index: Int) -> Int {
    // Room for a resampled block and a little silence before it.
    max(0, (inputs[index].samples.count - inputs[index].count) / 2)
  }

  func take(_ audio: borrowing AudioBuffer, from index: Int) {
    let frames = audio.readOnlyFloats
    guard frames.count > 0 else { return }
    if inputs[index].liveness == .live, let time = audio.captureTime {
      takeLive(frames, index, time)
    } else {
      inputs[index].hasBegun = true
      for frame in frames.indices { inputs[index].append(frames[frame]) }
    }
  }

  private func takeLive(_ frames: Span<Float>, _ index: Int, _ time: Instant) {
    let begin = epoch ?? time
    epoch = begin
    let place = Int((time.duration(since: begin).seconds * Double(rate)).rounded())
    let end = position + inputs[index].count + inputs[index].held
    let distance = place - end
    if !inputs[index].hasBegun || abs(distance) > Int(Self.jump.seconds * Double(rate)) {
      inputs[index].hasBegun = true
      inputs[index].stopResampling()
      inputs[index].error = 0
      move(frames, index, by: distance)
      return
    }
    correct(index, by: distance, Double(frames.count) / Double(rate))
    frames.withUnsafeBufferPointer { frames in inputs[index].append(frames.baseAddress, frames.count) }
  }

  /// Sets the rate of a stream so that it comes to its place, `distance` frames away, and stays there.
  private func correct(_ index: Int, by distance: Int, _ seconds: Double) {
    inputs[index].error += 0.02 * (Double(distance) - inputs[index].error)
    // Within a frame it is where it belongs: nothing is touched before it is known not to be.
    guard inputs[index].isResampled || abs(inputs[index].error) >= 1 else { return }
    inputs[index].isResampled = true
    // Late is below zero: then fewer frames make one.
    let late = inputs[index].error / Double(rate)
    // A place that is far off says nothing of the clock.
    if abs(late) < Self.haste * Self.largestCorrection {
      inputs[index].drift -= late * seconds / (4 * Self.haste * Self.haste)
    }
    let correction = inputs[index].drift - late / Self.haste
    inputs[index].resampler.step =
      1 + min(max(correction, -Self.largestCorrection), Self.largestCorrection)
  }

  /// Puts a stream where it belongs: behind silence, or without what would come too late.
  private func move(_ frames: Span<Float>, _ index: Int, by distance: Int) {
    for _ in 0..<max(0, distance) { inputs[index].append(0) }
    for frame in min(frames.count, max(0, -distance))..<frames.count { inputs[index].append(frames[frame]) }
  }

  func end(_ index: Int) {
    inputs[index].stopResampling()
    inputs[index].isEnded = true
  }

  func read(into output: inout AudioBuffer) -> SourceProgress {
    // Loops and no closures: this runs for every block, and must cost no memory.
    var (isLive, isOpen, shared, longest) = (false, false, Int.max, 0)
    for index in inputs.indices {
      longest = max(longest, inputs[index].count)
      if inputs[index].isEnded { continue }
      isOpen = true
      shared = min(shared, inputs[index].count)
      if inputs[index].liveness == .live { isLive = true }
    }
    // A finite stream does not begin before there is a time it belongs to.
    if isLive && epoch == nil { return .waiting }
    var count = isOpen ? shared : longest
    if count == 0 {
      if !isOpen { return .finished }
      guard isLive else { return .waiting }
      count = overdueFrames(longest)
      if count == 0 {
        alarm.set(clock.now().advanced(by: .milliseconds(50)))
        return .waiting
      }
    }
    count = min(count, output.freeFrames)
    if isLive, let epoch {
      output.captureTime = epoch.advanced(by: .seconds(Double(position) / Double(rate)))
    }
    add(count, to: &output)
    return .produced
  }

  /// Frames whose time is past although some stream has not given them, of which another has `longest`.
  private func overdueFrames(_ longest: Int) -> Int {
    guard let epoch else { return 0 }
    let passed = clock.now().duration(since: epoch) - Self.patience
    let due = Int(passed.seconds * Double(rate)) - position
    return due < rate / 100 ? 0 : min(due, max(rate / 100, longest))
  }

  private func add(_ count: Int, to output: inout AudioBuffer) {
    output.append { room in
      let target = room.bindMemory(to: Float.self)
      for frame in 0..<count { target[frame] = 0 }
      for index in inputs.indices {
        let taken = min(count, inputs[index].count)
        inputs[index].samples.withUnsafeBufferPointer { samples in
          var at = inputs[index].head
          for frame in 0..<taken {
            target[frame] += samples[at] * gain
            at += 1
            if at == samples.count { at = 0 }
          }
        }
        inputs[index].head = (inputs[index].head + taken) % inputs[index].samples.count
        inputs[index].count -= taken
      }
      return count
    }
    position += count
  }
}
