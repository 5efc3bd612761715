/// Changes the sample rate of interleaved audio by any ratio of whole numbers of hertz.
///
/// A polyphase FIR low-pass with linear phase. With the lower of the two rates called `r`, the response is
/// flat within 0.0053 dB up to 7/16 r and at least 104 dB down from 9/16 r (7 and 9 kHz when one rate is 16
/// kHz). Output is aligned with input: output sample `n` shows the signal at input position `n · from / to`,
/// the delay of the filter is taken off at the start and made up for by `finish(into:)`.
///
/// The result is the same to the bit however the input is cut into calls and however small the output buffers
/// are; on processors with and without AVX2 it differs in the last bits. No call allocates. Ratios whose table would exceed 1 MiB interpolate between rows of a smaller one,
/// at twice the work and the same quality.
package struct Resampler: Sendable {
  /// The rates it accepts, in hertz.
  package static let rates = 1...768_000

  /// Input rate, in hertz.
  package let inputRate: Int
  /// Output rate, in hertz.
  package let outputRate: Int
  /// Interleaved channels, each filtered by itself.
  package let channels: Int

  private let kernel: ResamplerKernel
  /// Per channel `capacity` samples: what the next outputs still need, then what came in since.
  private var history: [Float]
  private let capacity: Int
  /// Samples held per channel.
  private var filled = 0
  /// Where the window of the next output begins, and its phase.
  private var start = 0
  private var phase = 0
  /// Once the input has ended: the samples that are input, before the zeros that follow it.
  private var end: Int?

  /// Both rates must lie in `Resampler.rates`, `channels` must be positive.
  ///
  /// Memory grows with `channels` and, when the rate falls, with `from / to`: about 256 · from / to samples per channel.
  package init(from inputRate: Int, to outputRate: Int, channels: Int) {
    self.init(from: inputRate, to: outputRate, channels: channels, mayUseAVX2: true)
  }

  /// - Parameter mayUseAVX2: whether AVX2 and FMA are used where the processor has them.
  init(from inputRate: Int, to outputRate: Int, channels: Int, mayUseAVX2: Bool) {
    precondition(Self.rates.contains(inputRate) && Self.rates.contains(outputRate), "rate out of range")
    precondition(channels > 0, "no channels")
    self.inputRate = inputRate
    self.outputRate = outputRate
    self.channels = channels
    kernel = ResamplerKernel(from: inputRate, to: outputRate, mayUseAVX2: mayUseAVX2)
    // Half of it is new input at every shift, so that moving the rest down costs next to nothing.
    capacity = kernel.taps + max(kernel.taps, 1024)
    history = [Float](repeating: 0, count: capacity * channels)
    reset()
  }

  /// Seconds between an input sample and the call that can give out the sample at its place.
  package var delay: Double { Double(kernel.taps / 2) / Double(inputRate) }

  /// Forgets all input, as if newly made.
  package mutating func reset() {
    for index in history.indices { history[index] = 0 }
    // The window of output 0 ends `taps / 2` samples after input 0: what comes before is silence.
    filled = kernel.taps / 2 - 1
    start = 0
    phase = 0
    end = nil
  }

  /// Frames that `process` gives for `frames` frames of input from here on, given the room.
  package func outputCapacity(forInput frames: Int) -> Int {
    outputs(upTo: filled + frames - kernel.taps)
  }

  /// Takes frames from `input`, writes frames to `output`, and says how many of each.
  ///
  /// When room is left in `output`, all of the input was consumed and all the output it makes possible was
  /// written. Otherwise call again with the rest of the input, if any.
  package mutating func process(
    _ input: Span<Float>, into output: inout MutableSpan<Float>
  ) -> (consumed: Int, produced: Int) {
    precondition(end == nil, "input after its end")
    let inputFrames = input.count / channels
    return output.withUnsafeMutableBufferPointer { output in
      input.withUnsafeBufferPointer { input in
        let outputFrames = output.count / channels
        var consumed = 0
        var produced = 0
        while true {
          makeRoom()
          // As much as the outputs that fit look at, and what makes no further one possible: more would be
          // held without its output.
          let room = outputFrames - produced
          let last = kernel.start(after: max(room - 1, 0), from: start, phase: phase) + kernel.taps
          let next = kernel.start(after: room, from: start, phase: phase) + kernel.taps - 1
          let wanted = (room > 0 ? max(last, next) : next) - filled
          let taken = max(0, min(inputFrames - consumed, capacity - filled, wanted))
          if taken > 0, let source = input.baseAddress {
            append(source + consumed * channels, frames: taken)
            consumed += taken
          }
          let count = min(outputs(upTo: filled - kernel.taps), room)
          if count > 0, let target = output.baseAddress {
            run(into: target + produced * channels, count: count)
            produced += count
          }
          if taken == 0 && count == 0 { return (consumed, produced) }
        }
      }
    }
  }

  /// Ends the input: writes the frames the filter still holds, as many as fit, and says how many. Call until it gives 0; the total
  /// output is then the input length times the ratio, rounded up, and the resampler is as new.
  package mutating func finish(into output: inout MutableSpan<Float>) -> Int {
    let outputFrames = output.count / channels
    precondition(outputFrames > 0, "no room for output")
    makeRoom()
    if end == nil {
      end = filled
      appendSilence(frames: kernel.taps / 2)
    }
    let produced = output.withUnsafeMutableBufferPointer { output in
      // An output belongs to the signal when the input sample at or before it does.
      let last = (end ?? filled) - kernel.taps / 2
      let count = min(outputs(upTo: last), outputFrames)
      if count > 0, let target = output.baseAddress { run(into: target, count: count) }
      return count
    }
    if produced == 0 { reset() }
    return produced
  }

  // MARK: - State

  /// Outputs whose window begins at or before `last`.
  private func outputs(upTo last: Int) -> Int {
    guard last >= start else { return 0 }
    // The largest n with start + n·wholeStep + (phase + n·phaseStep) / phases ≤ last, plus one.
    let step = kernel.wholeStep * kernel.phases + kernel.phaseStep
    return ((last - start + 1) * kernel.phases - phase - 1) / step + 1
  }

  private mutating func run(into output: UnsafeMutablePointer<Float>, count: Int) {
    history.withUnsafeBufferPointer { history in
      guard let base = history.baseAddress else { return }
      for channel in 0..<channels {
        kernel.apply(
          base + channel * capacity, start: start, phase: phase, into: output + channel, spacing: channels,
          count: count)
      }
    }
    start = kernel.start(after: count, from: start, phase: phase)
    phase = (phase + count * kernel.phaseStep) % kernel.phases
  }

  private mutating func append(_ source: UnsafePointer<Float>, frames: Int) {
    history.withUnsafeMutableBufferPointer { history in
      guard let base = history.baseAddress else { return }
      if channels == 1 {
        (base + filled).update(from: source, count: frames)
        return
      }
      for channel in 0..<channels {
        let target = base + channel * capacity + filled
        for frame in 0..<frames { target[frame] = source[frame &* channels &+ channel] }
      }
    }
    filled += frames
  }

  private mutating func appendSilence(frames: Int) {
    for channel in 0..<channels {
      for index in filled..<(filled + frames) { history[channel * capacity + index] = 0 }
    }
    filled += frames
  }

  /// Drops what no output needs any more once the room behind the held samples is used up.
  private mutating func makeRoom() {
    guard start > 0, filled + kernel.taps / 2 > capacity || filled == capacity else { return }
    history.withUnsafeMutableBufferPointer { history in
      guard let base = history.baseAddress else { return }
      for channel in 0..<channels {
        let samples = base + channel * capacity
        samples.update(from: samples + start, count: filled - start)
      }
    }
    filled -= start
    if let end { self.end = end - start }
    start = 0
  }
}
