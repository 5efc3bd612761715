import AudioDSP
import Foundation
import TestSupport
import Testing

/// Runs a signal through a resampler, cut anyhow, and gives what comes out.
private func followed(
  _ input: [Float], channels: Int = 1, by resampler: inout DriftResampler, cut: () -> Int = { 480 },
  room: () -> Int = { 512 }, before block: (Int, inout DriftResampler) -> Void = { _, _ in }
) -> [Float] {
  var output: [Float] = []
  var space = [Float](repeating: 0, count: 4096 * channels)
  var at = 0
  while at < input.count / channels {
    block(at, &resampler)
    var left = min(cut(), input.count / channels - at)
    while left > 0 {
      let size = room()
      let (consumed, produced) = input.withUnsafeBufferPointer { input in
        space.withUnsafeMutableBufferPointer { space in
          resampler.process(
            input.baseAddress! + at * channels, frames: left, into: space.baseAddress!, room: size)
        }
      }
      #expect(consumed + produced > 0 && produced <= size)
      output += space[..<(produced * channels)]
      left -= consumed
      at += consumed
    }
  }
  return output
}

@Suite("Resampling that follows a clock") struct DriftResamplerTests {
  @Test("at a step of one everything passes to the bit, however it is cut", arguments: [1, 2, 3])
  func identity(channels: Int) {
    var random = SeededGenerator(seed: UInt64(channels))
    let input = (0..<(9_000 * channels)).map { _ in Float.random(in: -1...1, using: &random) }
    var resampler = DriftResampler(channels: channels)
    let output = followed(
      input, channels: channels, by: &resampler, cut: { Int.random(in: 1...2000, using: &random) },
      room: { Int.random(in: 1...700, using: &random) })
    #expect(output.count == input.count - DriftResampler.lookahead * channels)
    #expect(input.starts(with: output))
    #expect(resampler.slipped == 0)
  }

  @Test("how the signal is cut makes no difference")
  func cuts() {
    var random = SeededGenerator(seed: 3)
    let input = (0..<20_000).map { _ in Float.random(in: -1...1, using: &random) }
    var whole = DriftResampler(channels: 2)
    var pieces = DriftResampler(channels: 2)
    (whole.step, pieces.step) = (1.0003, 1.0003)
    let expected = followed(input, channels: 2, by: &whole)
    let output = followed(
      input, channels: 2, by: &pieces, cut: { Int.random(in: 1...999, using: &random) },
      room: { Int.random(in: 1...600, using: &random) })
    #expect(output == expected)
  }

  @Test(
    "frames that were used up and did not come out, or came out twice, are counted", arguments: [300, -300])
  func slips(millionths: Double) {
    var resampler = DriftResampler(channels: 1)
    resampler.step = 1 + millionths * 1e-6
    let output = followed([Float](repeating: 0.5, count: 200_000), by: &resampler)
    let held = 200_000 - Int(resampler.slipped) - output.count
    #expect(abs(Double(resampler.slipped) - 200_000 * millionths * 1e-6) < 2)
    #expect((DriftResampler.lookahead - 1...DriftResampler.lookahead).contains(held))
    // Behind the silence before it, a constant stays one.
    #expect(output.dropFirst(DriftResampler.lookahead).allSatisfy { abs($0 - 0.5) < 1e-6 })
  }

  /// A rate that comes in, grows to 200 ppm, turns, and goes: as following does it, ten millionths at a time.
  @Test(
    "a sine is the same sine before, during and after: nothing beside it is above -90 dB",
    arguments: zip([440, 3_000, 14_000, 20_000] as [Double], [48_000, 16_000, 48_000, 48_000] as [Double]))
  func sine(frequency: Double, rate: Double) {
    let omega = 2 * Double.pi * frequency / rate
    let input = (0..<480_000).map { Float(sin(omega * Double($0))) }
    func target(_ at: Int) -> Double { at < 150_000 ? 1.0002 : at < 300_000 ? 0.9998 : 1 }
    var resampler = DriftResampler(channels: 1)
    // Where in the input each output is, reckoned beside it.
    var places: [Double] = []
    var (step, place) = (1.0, 0.0)
    let output = followed(
      input, by: &resampler,
      before: { at, resampler in
        step += min(max(target(at) - step, -1e-5), 1e-5)
        resampler.step = step
        while Int(place) + DriftResampler.lookahead < min(at + 480, input.count) {
          places.append(place)
          place += places.count < DriftResampler.lookahead ? 1 : step
        }
      })
    #expect(output.count == places.count)
    let worst = zip(output, places).dropFirst(DriftResampler.lookahead).reduce(0.0) {
      max($0, abs(Double($1.0) - sin(omega * $1.1)))
    }
    #expect(20 * log10(worst) < -90)
  }
}
