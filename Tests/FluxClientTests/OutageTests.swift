import FluxGraph
import FluxProtocol
import StageTesting
import Testing

@testable import FluxClient

@Suite("A live source over outages")
struct OutageTests {
  private static let speech = Speech((1..<40).map { "w\($0)@\(Double($0) * 3)" }.joined(separator: " "))

  private func run(
    _ seconds: Double, _ outages: [ClosedRange<Double>],
    adjust: (inout FluxSessionSettings) -> Void = { _ in }
  ) -> SessionStage {
    let source = SessionStage.Source(
      liveness: .live, speech: Self.speech, seconds: seconds, outages: outages)
    return SessionStage(source, adjust: adjust).runToEnd()
  }

  @Test(
    "an outage that fits into the buffer loses nothing, nor does one after another, nor one at the beginning",
    arguments: [
      [5...45], [5...45, 60...110], [0...40], [0...30, 31...60, 61...80], [5...100],
    ] as [[ClosedRange<Double>]])
  func fits(_ outages: [ClosedRange<Double>]) {
    let stage = run(120, outages) { $0.limits.attempts = 1000 }
    #expect(stage.unheard == [])
    #expect(stage.told == [])
    #expect(!stage.notices.contains("buffer-full"))
    #expect(Set(stage.places.map { $0.prefix { $0 != "@" } }).count == 39)
    #expect(stage.brokenPromises == [])
  }

  @Test("whatever the buffer, an outage that is a second and a half shorter loses nothing")
  func anyBuffer() {
    for seed in 0..<40 as Range<UInt64> {
      let buffer = 3 + Double(seed) * 1.3
      let stage = run(80, [5...(5 + buffer - 1.5)]) { settings in
        settings.seed = seed
        settings.limits.buffer = .seconds(buffer)
      }
      #expect(stage.unheard == [], "buffer \(buffer)")
      #expect(stage.told == [])
    }
  }

  @Test("what an outage longer than the buffer costs is told once, and exactly", arguments: [10.0, 25, 39.5])
  func tooLong(_ buffer: Double) throws {
    let stage = run(120, [5...45]) { $0.limits.buffer = .seconds(buffer) }
    #expect(stage.unheard.count == 1)
    #expect(stage.told == stage.unheard)
    #expect(stage.notices.filter { $0 == "buffer-full" }.count == 1)
    // Little more is lost than does not fit.
    let lost = try #require(stage.unheard.first).split(separator: "-").compactMap { Double($0) }
    #expect(lost[1] - lost[0] < 2 * (40 - buffer) + 2)
    #expect(stage.brokenPromises == [])
  }

  @Test("two outages longer than the buffer are two losses")
  func twice() {
    let stage = run(120, [5...45, 60...100]) { $0.limits.buffer = .seconds(30) }
    #expect(stage.unheard.count == 2)
    #expect(stage.told == stage.unheard)
  }

  @Test("no wait takes more than a third of what still fits, but for what the service asks for")
  func thirds() {
    var schedule = ReconnectSchedule(last: .seconds(30), seed: 5)
    var room = 300.0
    var attempts = 0
    while room > 0.75 {
      let delay = schedule.delay(after: nil, room: .seconds(room)).seconds
      #expect(delay <= room / 3 + 1e-6)
      room -= delay
      attempts += 1
    }
    #expect(attempts < 30)
    #expect(schedule.delay(after: nil, room: .seconds(6), minimum: .seconds(10)) == .seconds(10))
    // Once audio is being lost, the delays double anew.
    let full = (0..<7).map { _ in schedule.delay(after: nil, room: .zero).seconds }
    #expect(full[0] < 1.3 && full[1] < 2.6 && full[6] > 20)
    #expect(schedule.delay(after: nil).seconds > 20)
  }
}
