import AudioStages
import FluxGraph
import StageTesting
import Testing

@Suite struct ChunkTests {
  @Test(
    "pieces are exactly 80 ms long whatever the cuts, and the last is what is left",
    arguments: SampleFormat.allCases, [8000, 11_025, 11_127, 16_000, 22_050, 44_100, 48_000])
  func cuts(_ sample: SampleFormat, _ rate: Int) throws {
    for channels in [1, 2] {
      let format = AudioFormat(sample, rate: rate, channels: channels)
      let length = Int((Double(rate) * 0.08).rounded())
      let frames = 3 * length + 17
      let bytes = (0..<(frames * format.bytesPerFrame)).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 >> 8) }
      for cuts in [[1, 2, 3], [length], [length - 1], [length + 1], [frames], [640, 1, 5000]] {
        let output = try AudioHarness.run(Chunk(), bytes: bytes, format: format, cuts: cuts)
        #expect(output.format == format)
        #expect(output.pieces == [length, length, length, 17])
        #expect(output.bytes == bytes)
      }
    }
  }

  @Test("a stream that ends with a piece has no empty one behind it, and an empty one has none")
  func exact() throws {
    let format = AudioFormat(.s16le, rate: 16_000, channels: 1)
    let bytes = [UInt8](repeating: 1, count: 2 * 2560)
    #expect(try AudioHarness.run(Chunk(), bytes: bytes, format: format).pieces == [1280, 1280])
    #expect(try AudioHarness.run(Chunk(), bytes: [], format: format).pieces == [])
  }

  @Test("a piece was captured when its first frame was")
  func captureTime() throws {
    var chunk = Chunk()
    let format = AudioFormat(.s16le, rate: 16_000, channels: 1)
    let (_, capacity) = try chunk.prepare(input: format, TestWorld().context())
    var output = AudioBuffer(format: format, capacity: capacity)
    var times: [Int64?] = []
    for number in 0..<5 {
      var input = AudioBuffer(format: format, capacity: 640)
      input.appendSilence(640)
      input.captureTime = Instant(nanoseconds: Int64(number))
      while !input.isEmpty {
        chunk.convert(&input, into: &output)
        if !output.isEmpty { times.append(output.captureTime?.nanoseconds) }
        output.removeAll()
      }
    }
    chunk.finish(into: &output)
    times.append(output.captureTime?.nanoseconds)
    #expect(times == [0, 2, 4])
  }
}

@Suite struct ConverterTests {
  private let format = AudioFormat(.f32le, rate: 48_000, channels: 2)

  @Test("stereo becomes the mean of its channels, or one of them")
  func mix() throws {
    let samples: [Float] = (0..<2000).map { $0.isMultiple(of: 2) ? 0.5 : -0.25 }
    let expected: [(Mix.Channel, Float)] = [(.mono, 0.125), (.left, 0.5), (.right, -0.25)]
    for (channel, value) in expected {
      var mix = Mix()
      mix.channel = channel
      let output = try AudioHarness.run(mix, samples, format: format, cuts: [7, 300, 1])
      #expect(output.format == AudioFormat(.f32le, rate: 48_000, channels: 1))
      #expect(output.floats == Array(repeating: value, count: 1000))
    }
  }

  @Test("a stage is left out exactly where it would change nothing")
  func passes() {
    #expect(Mix().passes(AudioFormat(.s16le, rate: 8000, channels: 1)))
    #expect(!Mix().passes(format))
    #expect(Resample().passes(AudioFormat(.s16le, rate: 16_000, channels: 2)))
    #expect(!Resample().passes(format))
    #expect(Format().passes(AudioFormat(.s16le, rate: 8000, channels: 2)))
    #expect(!Format().passes(format))
    #expect(!Chunk().passes(format))
  }

  @Test("resampling gives the exact length and the same samples, whatever the cuts")
  func resample() throws {
    let samples: [Float] = (0..<9602).map { index in Float(index % 97) / 97 - 0.5 }
    let whole = try AudioHarness.run(Resample(), samples, format: format, cuts: [9602])
    #expect(whole.format == AudioFormat(.f32le, rate: 16_000, channels: 2))
    #expect(whole.floats.count == 2 * 1601)
    for cuts in [[1], [480, 3], [1000]] {
      #expect(try AudioHarness.run(Resample(), samples, format: format, cuts: cuts).bytes == whole.bytes)
    }
    #expect(try AudioHarness.run(Resample(), [], format: format).bytes == [])
  }

  @Test("samples are rounded to the nearest 16-bit value and limited to full scale")
  func toIntegers() throws {
    let samples: [Float] = [
      0, 0.5, -0.5, 1, -1, 2, -2, 1.4 / 32768, 1.6 / 32768, .nan, .infinity, -.infinity,
    ]
    let output = try AudioHarness.run(Format(), samples, format: format, cuts: [1, 2])
    #expect(output.format.sample == .s16le)
    #expect(output.integers == [0, 16384, -16384, 32767, -32768, 32767, -32768, 1, 2, 0, 32767, -32768])
  }

  @Test(
    "every format converts to all that can be made, and back through a wider one unchanged",
    arguments: SampleFormat.allCases, Format.Target.allCases)
  func formats(_ from: SampleFormat, _ target: Format.Target) throws {
    let to = try #require(SampleFormat(rawValue: target.rawValue))
    let source = AudioFormat(from, rate: 8000, channels: 1)
    var bytes = (0...255).map { UInt8($0) }
    if from == .f32le {
      bytes = (0..<256).map { Float($0 - 128) / 128 }.withUnsafeBytes { Array($0) }
    }
    // Negative zero of µ-law is plain zero everywhere else.
    if from.byteCount == 3 { bytes.removeLast() }
    bytes = bytes.map { from == .mulaw && $0 == 0x7F ? 0xFF : $0 }
    var stage = Format()
    stage.target = target
    let output = try AudioHarness.run(stage, bytes: bytes, format: source, cuts: [3, 100])
    #expect(output.format == AudioFormat(to, rate: 8000, channels: 1))
    #expect(output.bytes.count == bytes.count / from.byteCount * to.byteCount)
    guard to == .f32le || (to == .s16le && from != .f32le) || to == from,
      let original = Format.Target(rawValue: from.rawValue)
    else { return }
    stage.target = original
    let back = try AudioHarness.run(stage, bytes: output.bytes, format: output.format, cuts: [5])
    #expect(back.bytes == bytes)
  }
}

@Suite struct PaceTests {
  /// When blocks of 80 ms pass, in milliseconds; `stall` is how long the input hangs before a block.
  private func times(speed: Double, blocks: Int, stalls: [Int: Int] = [:]) throws -> [Int] {
    var pace = Pace()
    pace.speed = Speed(speed)
    try pace.prepare(format: AudioFormat(.s16le, rate: 16_000, channels: 1), TestWorld().context())
    var now = Instant(nanoseconds: 0)
    var block = AudioBuffer(format: AudioFormat(.s16le, rate: 16_000, channels: 1), capacity: 1280)
    return (0..<blocks).map { number in
      now = now.advanced(by: .milliseconds(stalls[number] ?? 0))
      while let until = pace.holdUntil(now: now) {
        #expect(until > now)
        now = until
      }
      block.appendSilence(1280)
      pace.process(&block)
      block.removeAll()
      return Int((Double(now.nanoseconds) / 1e6).rounded())
    }
  }

  @Test("the first block passes at once, and block k at k times 80 ms")
  func schedule() throws {
    #expect(try times(speed: 1, blocks: 100) == (0..<100).map { 80 * $0 })
    #expect(try times(speed: 2, blocks: 100) == (0..<100).map { 40 * $0 })
    #expect(try times(speed: 0.5, blocks: 10) == (0..<10).map { 160 * $0 })
  }

  @Test("a short stall is caught up")
  func shortStall() throws {
    #expect(try times(speed: 1, blocks: 10, stalls: [3: 460])[3...] == [620, 620, 620, 620, 620, 640, 720])
  }

  @Test("after a stall of more than half a second the schedule moves and no burst follows")
  func longStall() throws {
    #expect(try times(speed: 1, blocks: 6, stalls: [2: 2000]) == [0, 80, 2080, 2160, 2240, 2320])
  }
}
