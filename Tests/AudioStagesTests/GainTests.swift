import AudioStages
import FluxGraph
import StageTesting
import Testing

@Suite struct GainTests {
  @Test("6.0206 dB doubles, -20 dB is a tenth, on every channel")
  func levels() throws {
    var gain = Gain()
    let format = AudioFormat(.f32le, rate: 16_000, channels: 2)
    let input: [Float] = [0.1, -0.2, 0.3, 0.75]
    gain.level = .decibels(6.0206)
    let louder = try AudioHarness.run(gain, input, format: format).floats
    #expect(zip(louder, input).allSatisfy { abs($0 - 2 * $1) < 1e-5 })
    gain.level = .decibels(-20)
    let quieter = try AudioHarness.run(gain, input, format: format, cuts: [1]).floats
    #expect(zip(quieter, input).allSatisfy { abs($0 - $1 / 10) < 1e-7 })
  }
}
