import FluxGraph
import TestSupport
import Testing

@testable import AudioStages

@Suite("The drift of a live source's clock") struct ClockDriftTests {
  @Test("is measured within its error, whatever the jitter", arguments: [0.0, 50, -50, 300, -300])
  func measured(partsPerMillion: Double) throws {
    var random = SeededGenerator(seed: UInt64(bitPattern: Int64(partsPerMillion)))
    var drift = ClockDrift(rate: 48_000)
    for number in 0..<30_000 {
      let time = Double(number) * 20e6 / (1 + partsPerMillion * 1e-6)
      let jitter = Double.random(in: 0...2e6, using: &random)
      drift.captured(960, at: Instant(nanoseconds: Int64(time + jitter)))
      // Interruptions of unknown length do not count.
      if number == 10_000 || number == 21_000 { drift.restart() }
      if number == 15_000 { drift.lost(0) }
    }
    let measured = drift.estimate
    let estimate = try #require(measured)
    #expect(abs(estimate.partsPerMillion - partsPerMillion) < 1)
    #expect(estimate.error < 6)
    #expect(estimate.seconds > 590 && estimate.seconds < 610)
  }

  @Test("is not told before it is known")
  func tooShort() {
    var drift = ClockDrift(rate: 16_000)
    for number in 0..<400 { drift.captured(320, at: Instant(nanoseconds: Int64(number) * 20_000_000)) }
    #expect(drift.estimate == nil)
  }

  @Test("a reported loss does not look like drift")
  func holes() throws {
    var drift = ClockDrift(rate: 16_000)
    var time: Int64 = 0
    for number in 0..<3000 {
      time += 20_000_000
      if number % 500 == 499 {
        drift.lost(1600)
        time += 100_000_000
      }
      drift.captured(320, at: Instant(nanoseconds: time))
    }
    let measured = drift.estimate
    let estimate = try #require(measured)
    #expect(abs(estimate.partsPerMillion) < 0.01)
  }
}
