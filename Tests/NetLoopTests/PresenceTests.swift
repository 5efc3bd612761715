import Glibc
import HTTPCore
import Synchronization
import TestSupport
import Testing

@testable import NetLoop

@Suite("The time a loop does not run")
struct PresenceTests {
  @Test("is what a look comes later than the wait explains, beyond half a second")
  func looks() {
    let start = SuspendingClock.now
    func at(_ seconds: Double) -> SuspendingClock.Instant { start.advanced(by: .seconds(seconds)) }
    var presence = Presence(since: start)
    #expect(presence.look(at(1), waited: 1000) == .zero)
    #expect(presence.look(at(1.4), waited: 0) == .zero)
    #expect(abs(presence.look(at(12), waited: 600) / .seconds(10) - 1) < 1e-6)
    #expect(abs(presence.look(at(15), waited: 0) / .seconds(3) - 1) < 1e-6)
    #expect(presence.look(at(4000), waited: -1) == .zero)
    #expect(presence.look(at(4000.7), waited: 250) == .zero)
  }

  @Test("is none of the time of its timers, and what came meanwhile is read before they fire")
  func timers() async throws {
    let loop = try EventLoop()
    loop.start()
    defer { loop.stop() }
    var ends: [Int32] = [0, 0]
    try #require(pipe(&ends) == 0)
    let (reading, writing) = (ends[0], ends[1])
    let seen = Mutex<[String]>([])
    let watch = await loop.call {
      try? loop.watch(reading, for: .readable) { _ in
        var byte: UInt8 = 0
        _ = read(reading, &byte, 1)
        seen.withLock { $0.append("read") }
      }
    }
    loop.schedule(after: .milliseconds(800)) { seen.withLock { $0.append("timer") } }
    loop.execute {
      // As if the process were stopped: an answer comes, and the limit passes.
      _ = write(writing, "x", 1)
      usleep(1_500_000)
    }
    let begun = SuspendingClock.now
    while seen.withLock({ $0.count }) < 2, SuspendingClock.now - begun < .seconds(10) {
      try await Task.sleep(for: .milliseconds(20))
    }
    #expect(seen.withLock { $0 } == ["read", "timer"])
    #expect(SuspendingClock.now - begun > .seconds(2))
    #expect(loop.absence >= .seconds(1.4) && loop.absence < .seconds(2))
    await loop.call { watch?.cancel() }
    close(reading)
    close(writing)
  }
}
