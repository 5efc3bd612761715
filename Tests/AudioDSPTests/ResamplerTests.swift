import Glibc
import TestSupport
import Testing

@testable import AudioDSP

/// Everything `resampler` makes of `input`, offered in pieces of `cut()` frames into buffers of `room()`
/// frames.
func resampled(
  _ input: [Float], with resampler: inout Resampler, cut: () -> Int = { 1 << 20 },
  room: () -> Int = { 1 << 14 }
) -> [Float] {
  let channels = resampler.channels
  var output: [Float] = []
  var offset = 0
  while offset < input.count {
    let end = min(offset + cut() * channels, input.count)
    while offset < end {
      var buffer = [Float](repeating: .nan, count: room() * channels)
      var span = buffer.mutableSpan
      let (consumed, produced) = resampler.process(input[offset..<end].span, into: &span)
      offset += consumed * channels
      output += buffer[..<(produced * channels)]
    }
  }
  while true {
    var buffer = [Float](repeating: .nan, count: max(room(), 1) * channels)
    var span = buffer.mutableSpan
    let produced = resampler.finish(into: &span)
    if produced == 0 { return output }
    output += buffer[..<(produced * channels)]
  }
}

func resampled(_ input: [Float], from: Int, to: Int, channels: Int = 1) -> [Float] {
  var resampler = Resampler(from: from, to: to, channels: channels)
  return resampled(input, with: &resampler)
}

/// The impulse response in continuous time, measured: impulses at every phase of the input, each output
/// sorted by its distance from the impulse.
struct MeasuredResponse {
  var times: [Double] = []
  var values: [Double] = []
  var phases: Int

  init(from: Int, to: Int) {
    var (a, b) = (from, to)
    while b != 0 { (a, b) = (b, a % b) }
    let (step, phases) = (from / a, to / a)
    self.phases = phases
    // Far enough apart not to touch, and prime to the step, so that every phase has its impulse.
    var spacing = 200 * max(1, from / to) + 1
    while spacing % step != 1 && step != 1 { spacing += 1 }
    var input = [Float](repeating: 0, count: spacing * step + spacing)
    for impulse in 0..<step { input[spacing / 2 + impulse * spacing] = 1 }
    let output = resampled(input, from: from, to: to)
    for (index, value) in output.enumerated() where value != 0 {
      let position = Double(index) * Double(step) / Double(phases)
      let impulse = ((position - Double(spacing / 2)) / Double(spacing)).rounded()
      times.append(position - Double(spacing / 2) - impulse * Double(spacing))
      values.append(Double(value))
    }
  }

  /// The response at `frequency`, in cycles per input sample.
  func response(at frequency: Double) -> (real: Double, imaginary: Double) {
    var (real, imaginary) = (0.0, 0.0)
    for index in times.indices {
      let angle = 2 * Double.pi * frequency * times[index]
      real += values[index] * cos(angle)
      imaginary -= values[index] * sin(angle)
    }
    return (real / Double(phases), imaginary / Double(phases))
  }

  func decibels(at frequency: Double) -> Double {
    let (real, imaginary) = response(at: frequency)
    return 10 * log10(real * real + imaginary * imaginary)
  }
}

@Suite struct ResamplerTests {
  @Test(
    "the pass band is flat within 0.01 dB to 7 kHz, the stop band 100 dB down from 9 kHz, phase is zero",
    arguments: [(48000, 16000), (44100, 16000), (8000, 16000), (32000, 16000), (16000, 24000)])
  func response(from: Int, to: Int) {
    let measured = MeasuredResponse(from: from, to: to)
    let lower = Double(min(from, to))
    var pass: [Double] = []
    for step in 0...60 {
      let frequency = Double(step) / 60 * 0.4375 * lower / Double(from)
      pass.append(measured.decibels(at: frequency))
      #expect(abs(measured.response(at: frequency).imaginary) < 1e-6)
    }
    #expect((pass.max() ?? 1) - (pass.min() ?? 0) <= 0.01)
    #expect(abs(pass[0]) <= 0.01)
    var stop = -Double.infinity
    // Up to where the response begins to repeat itself.
    let highest = min(max(Double(from) / 2, lower * 1.5), Double(from * measured.phases) / 2)
    for step in 0...120 {
      let frequency = 0.5625 * lower + Double(step) / 120 * (highest - 0.5625 * lower)
      stop = max(stop, measured.decibels(at: frequency / Double(from)))
    }
    #expect(stop <= -100)
  }

  /// Least-squares amplitude of a tone in `signal`, in dB, and that of everything else.
  func tone(_ signal: ArraySlice<Float>, frequency: Double, rate: Int) -> (level: Double, rest: Double) {
    var (cosine, sine) = (0.0, 0.0)
    let angles = signal.indices.map { 2 * Double.pi * frequency * Double($0) / Double(rate) }
    for (angle, value) in zip(angles, signal) {
      cosine += Double(value) * cos(angle)
      sine += Double(value) * sin(angle)
    }
    let (a, b) = (2 * cosine / Double(signal.count), 2 * sine / Double(signal.count))
    var rest = 0.0
    for (angle, value) in zip(angles, signal) {
      let difference = Double(value) - a * cos(angle) - b * sin(angle)
      rest += difference * difference
    }
    return (10 * log10(a * a + b * b), 10 * log10(2 * rest / Double(signal.count)))
  }

  @Test(
    "tones pass unchanged and in place, or vanish",
    arguments: [(48000, 16000), (44100, 16000), (47999, 16000), (8000, 16000), (192_000, 16000)])
  func tones(from: Int, to: Int) {
    func sine(_ frequency: Double, _ rate: Int, _ count: Int) -> [Float] {
      (0..<count).map { Float(sin(2 * Double.pi * frequency * Double($0) / Double(rate))) }
    }
    let lower = Double(min(from, to))
    // Whole periods in the 1600 frames looked at.
    let inside = 0.0625 * lower * 7
    let output = resampled(sine(inside, from, from / 4), from: from, to: to)
    let settled = output[400..<2000]
    let expected = sine(inside, to, 2000)[400..<2000]
    for (value, wanted) in zip(settled, expected) { #expect(abs(value - wanted) < 1e-3) }
    let (level, rest) = tone(settled, frequency: inside, rate: to)
    #expect(abs(level) < 0.01)
    #expect(rest < -100)
    guard from > to else { return }
    let outside = resampled(sine(0.6 * lower, from, from / 4), from: from, to: to)[400..<2000]
    let power = outside.reduce(0.0) { $0 + Double($1) * Double($1) } / 1600
    #expect(10 * log10(2 * power) < -100)
  }

  @Test("the output is the same to the bit however the input is cut and however small the buffers are")
  func cuts() {
    var random = SeededGenerator(seed: 1)
    let pairs = [
      (48000, 16000), (44100, 16000), (16000, 44100), (8000, 16000), (47999, 16000), (16000, 16000),
    ]
    for (from, to) in pairs {
      for channels in 1...3 {
        let frames = Int.random(in: 1...3000, using: &random)
        let input = (0..<(frames * channels)).map { _ in Float.random(in: -1...1, using: &random) }
        let whole = resampled(input, from: from, to: to, channels: channels)
        var resampler = Resampler(from: from, to: to, channels: channels)
        for largest in [1, 7, 400] {
          let cut = resampled(
            input, with: &resampler, cut: { Int.random(in: 0...largest, using: &random) },
            room: { Int.random(in: 0...largest, using: &random) })
          #expect(cut == whole, "\(from) to \(to), \(channels) channels, pieces up to \(largest)")
        }
      }
    }
  }

  @Test(
    "with AVX2 and without the output is the same but for rounding",
    arguments: [(48000, 16000), (44100, 16000), (47999, 16000), (8000, 16000), (192_000, 16000)])
  func vectors(from: Int, to: Int) {
    var random = SeededGenerator(seed: 7)
    let input = (0..<20_000).map { _ in Float.random(in: -1...1, using: &random) }
    var plain = Resampler(from: from, to: to, channels: 1, mayUseAVX2: false)
    var fast = Resampler(from: from, to: to, channels: 1, mayUseAVX2: true)
    let (one, other) = (resampled(input, with: &plain), resampled(input, with: &fast))
    #expect(one.count == other.count)
    #expect(zip(one, other).allSatisfy { abs($0 - $1) < 2e-6 })
    // Plain code has to be the same to the bit however it is cut, too.
    var cut = Resampler(from: from, to: to, channels: 1, mayUseAVX2: false)
    #expect(resampled(input, with: &cut, cut: { Int.random(in: 1...999, using: &random) }) == one)
  }

  @Test("the output is as long as the input times the ratio, rounded up")
  func length() {
    var random = SeededGenerator(seed: 2)
    let rates = [1, 8000, 11025, 16000, 22050, 44100, 48000, 96000]
    for from in rates {
      for to in rates where max(from, to) < 1000 * min(from, to) {
        var resampler = Resampler(from: from, to: to, channels: 1)
        for frames in [0, 1, Int.random(in: 2...700, using: &random)] {
          let output = resampled([Float](repeating: 0.5, count: frames), with: &resampler)
          #expect(output.count == (frames * to + from - 1) / from, "\(frames) frames, \(from) to \(to)")
        }
      }
    }
  }

  @Test("the room asked for is what the input gives, to the frame")
  func capacity() {
    var random = SeededGenerator(seed: 3)
    for (from, to) in [(48000, 16000), (44100, 16000), (8000, 48000), (47999, 16000), (16000, 16000)] {
      var resampler = Resampler(from: from, to: to, channels: 1)
      for _ in 0..<50 {
        let input = [Float](repeating: 0, count: Int.random(in: 0...2000, using: &random))
        let room = resampler.outputCapacity(forInput: input.count)
        var output = [Float](repeating: 0, count: room)
        var span = output.mutableSpan
        let (consumed, produced) = resampler.process(input.span, into: &span)
        #expect(consumed == input.count)
        #expect(produced == room)
      }
    }
  }

  @Test("the first output comes after the delay, which is below 6 ms", arguments: [48000, 44100])
  func delay(from: Int) {
    var resampler = Resampler(from: from, to: 16000, channels: 1)
    #expect(resampler.delay <= 0.006)
    var frames = 0
    var output: [Float] = [0]
    while true {
      var span = output.mutableSpan
      if resampler.process([Float(0)].span, into: &span).produced == 1 { break }
      frames += 1
    }
    // The first output stands at input 0: what came in after it is the delay.
    #expect(Double(frames) / Double(from) == resampler.delay)
  }

  @Test("channels do not touch each other")
  func channels() {
    var random = SeededGenerator(seed: 4)
    let input = (0..<3000).map { _ in Float.random(in: -1...1, using: &random) }
    let both = resampled(input, from: 44100, to: 16000, channels: 2)
    for channel in 0...1 {
      let one = resampled(stride(from: channel, to: 3000, by: 2).map { input[$0] }, from: 44100, to: 16000)
      #expect(stride(from: channel, to: both.count, by: 2).map { both[$0] } == one)
    }
  }

  @Test("equal rates change nothing")
  func identity() {
    var random = SeededGenerator(seed: 5)
    let input = (0..<5000).map { _ in Float.random(in: -1...1, using: &random) }
    #expect(resampled(input, from: 44100, to: 44100) == input)
  }

  @Test("a finished or reset resampler is as new")
  func reset() {
    var random = SeededGenerator(seed: 6)
    let input = (0..<2000).map { _ in Float.random(in: -1...1, using: &random) }
    var resampler = Resampler(from: 48000, to: 16000, channels: 1)
    let first = resampled(input, with: &resampler)
    #expect(resampled(input, with: &resampler) == first)
    let part = Array(input[..<200])
    var output = [Float](repeating: 0, count: 100)
    var span = output.mutableSpan
    _ = resampler.process(part.span, into: &span)
    resampler.reset()
    #expect(resampled(input, with: &resampler) == first)
  }

  @Test("a constant stays constant at ratios far from any in use")
  func extremes() {
    let down = resampled([Float](repeating: 0.5, count: 96_000), from: 96_000, to: 50)
    #expect(down.count == 50)
    #expect(abs(down[25] - 0.5) < 1e-3)
    // The other way round, and a ratio of two primes: the beginning is enough.
    for (from, to) in [(500, 768_000), (701, 65_537)] {
      let settled = 24 * to / from
      var resampler = Resampler(from: from, to: to, channels: 1)
      var output = [Float](repeating: 0, count: settled + 100)
      var span = output.mutableSpan
      let input = [Float](repeating: 0.5, count: 60)
      let produced = resampler.process(input.span, into: &span).produced
      #expect(produced == output.count)
      #expect(output[settled...].allSatisfy { abs($0 - 0.5) < 1e-3 })
    }
  }

  @Test("buffers of one frame get everything, also where one input frame makes many")
  func oneByOne() {
    var resampler = Resampler(from: 8000, to: 48000, channels: 2)
    let input = (0..<400).map { Float($0) / 400 }
    let whole = resampled(input, with: &resampler)
    #expect(resampled(input, with: &resampler, cut: { 1 }, room: { 1 }) == whole)
    #expect(resampled(input, with: &resampler, room: { 1 }) == whole)
  }
}
