import FluxGraph
import Testing

@testable import FluxClient

@Suite("A link that is judged")
struct UplinkWatchTests {
  /// Whether a link is found too slow that takes so much at each moment of a minute, in steps of 80 ms; a live source gives real time.
  private func isFoundSlow(_ taken: (Double) -> Double) -> Bool {
    var watch = UplinkWatch(bound: 2)
    var (sent, given) = (0.0, 0.0)
    for step in 1...750 {
      let time = Double(step) * 0.08
      given = time
      let room = taken(time)
      sent = min(given, sent + room)
      watch.look(
        waiting: given - sent, sent: sent, isHeldUp: sent < given,
        now: Instant(nanoseconds: Int64(time * 1e9)))
      if watch.isTooSlow { return true }
    }
    return false
  }

  @Test("taking less than comes is too slow, evenly or in bursts", arguments: [0.1, 0.5, 0.9])
  func slow(_ rate: Double) {
    #expect(isFoundSlow { _ in rate * 0.08 })
    // Nothing for eight seconds, then as much as that at once.
    for period in [2.0, 5, 8] {
      let steps = Int((period / 0.08).rounded())
      #expect(
        isFoundSlow { Int(($0 / 0.08).rounded()) % steps == 0 ? rate * period : 0 }, "every \(period) s")
    }
  }

  @Test("taking all that comes, nothing at all, or more after a while is not")
  func notSlow() {
    #expect(!isFoundSlow { _ in 0.08 })
    #expect(!isFoundSlow { _ in 0 })
    for pause in [1.0, 4, 7] {
      #expect(!isFoundSlow { (10...(10 + pause)).contains($0) ? 0 : 0.3 })
      #expect(!isFoundSlow { (10...(10 + pause)).contains($0) ? 0 : 0.1 })
    }
  }
}
