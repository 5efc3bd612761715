import AudioStages
import FluxGraph
import StageTesting
import TestSupport
import Testing

@Suite struct ToneTests {
  private func tone(_ change: (inout Tone) -> Void = { _ in }) -> Tone {
    var tone = Tone()
    tone.duration = .seconds(1)
    tone.rate = .hertz(48_000)
    tone.level = .decibels(0)
    change(&tone)
    return tone
  }

  @Test("the sine equals ffmpeg's", .enabled(if: Peers.haveFFmpeg))
  func sine() throws {
    let ours = try AudioHarness.run(tone { $0.frequency = .hertz(1000) })
    // ffmpeg's source has an amplitude of 1/8; its table of sines is rounded to 16 bits.
    let theirs = samples(
      try Peers.ffmpeg("-f lavfi -i sine=frequency=1000:sample_rate=48000:duration=1 -f f32le -"),
      as: Float.self)
    #expect(ours.floats.count == 48_000 && theirs.count == 48_000)
    let worst = zip(ours.floats, theirs).map { abs($0 / 8 - $1) }.max() ?? 1
    #expect(worst < 2e-4)
  }

  @Test("a tone is the same however it is cut", arguments: Tone.Wave.allCases)
  func cuts(wave: Tone.Wave) throws {
    let stage = tone {
      $0.wave = wave
      $0.channels = 2
    }
    let whole = try AudioHarness.run(stage, cuts: [100_000])
    let cut = try AudioHarness.run(stage, cuts: [1, 7, 480, 1023])
    #expect(whole.bytes == cut.bytes)
    #expect(whole.floats.count == 96_000)
    #expect(whole.floats.allSatisfy { abs($0) <= 1 })
    if wave != .silence { #expect((whole.floats.max() ?? 0) > 0.99) }
  }

  @Test("a sweep reaches each frequency when its logarithm says")
  func sweep() throws {
    let output = try AudioHarness.run(
      tone {
        $0.wave = .sweep
        $0.frequency = .hertz(100)
        $0.duration = .seconds(8)
        $0.rate = .hertz(32_000)
      })
    // From 100 Hz to 14.4 kHz: zero crossings in a tenth of a second tell the frequency at its middle.
    for second in [1.0, 3, 5, 7] {
      let first = Int((second - 0.05) * 32_000)
      let part = output.floats[first..<(first + 3200)]
      let crossings = zip(part, part.dropFirst()).count { ($0 < 0) != ($1 < 0) }
      let expected = 100 * power(144, second / 8)
      #expect(abs(Double(crossings) / 2 * 10 / expected - 1) < 0.05)
    }
  }

  @Test("a live tone gives what the clock says, no more and no less, after a hold-up too")
  func live() throws {
    let world = TestWorld()
    var stage = tone {
      $0.live = true
      $0.duration = .seconds(30)
    }
    _ = try stage.open(world.context())
    var total = 0
    func take() throws {
      while true {
        var block = AudioBuffer(format: stage.output.format!, capacity: 1920)
        guard try stage.read(into: &block) == .produced else { return }
        let age = world.loop.now().duration(
          since: block.captureTime ?? world.loop.now().advanced(by: .seconds(1)))
        // Nothing is given before its last sample's time.
        #expect(age >= block.format.duration(ofFrames: block.frameCount) - .microseconds(1))
        total += block.frameCount
      }
    }
    try take()
    for step in [20, 20, 60, 15, 5, 500, 20, 1000] {
      world.loop.advance(by: .milliseconds(step))
      try take()
    }
    #expect(abs(total - 1640 * 48) <= 48 * 20)
    #expect(world.wakes >= 4)
    world.loop.advance(by: .seconds(40))
    try take()
    #expect(total == 30 * 48_000)
  }

  @Test("options that make no sense together are refused")
  func conflicts() {
    #expect(throws: OptionConflict.self) {
      try tone {
        $0.wave = .noise
        $0.frequency = .hertz(3)
      }.checkOptions()
    }
    #expect(throws: OptionConflict.self) {
      try tone {
        $0.frequency = .hertz(9000)
        $0.rate = .hertz(16_000)
      }.checkOptions()
    }
  }
}

extension AudioStreamType {
  /// The format, where all of it is known.
  var format: AudioFormat? {
    guard let sample, let rate, let channels else { return nil }
    return AudioFormat(sample, rate: rate, channels: channels)
  }
}
