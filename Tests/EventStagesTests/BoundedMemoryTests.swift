import FluxGraph
import StageTesting
import Synchronization
import TestSupport
import Testing

@testable import EventStages

/// Events of a megabyte: what waits is bounded by its bytes, and what finds no room is counted.
@Suite(.timeLimit(.minutes(10))) struct BoundedMemoryTests {
  private struct Missing: Error {}

  private static let text = String(repeating: "x", count: 1_000_000)

  private func event(_ number: Int) -> Event {
    turn(number, [(Self.text, Double(number), Double(number) + 0.5)])
  }

  @Test("a receiver that is away costs a few megabytes, and every event beyond them is counted as lost")
  func withoutSpool() async throws {
    let world = TestWorld()
    var stage = Webhook()
    stage.url = .init(text: "https://example.com/turns")
    stage.retry = RetrySchedule(waits: [.seconds(600)])
    try await stage.open(world.context(name: "crm"))
    for number in 1...30 { try await stage.write(event(number)) }
    let error = await #expect(throws: StageError.self) { try await stage.finish() }
    #expect(error?.code == .unavailable && error?.message.contains("30 events were not delivered") == true)
    let balance = try #require(DeliveryBalance.all(world.metrics.samples).first?.balance)
    #expect(balance.accepted == 30 && balance.lost == 30)
    let early = world.emitted.filter { $0.port == "dead" }.filter { emitted in
      if case .notice(let notice) = emitted.event { notice.message.contains("wait already") } else { false }
    }
    #expect(early.count == 30 - 9, "two megabytes each, with the word: sixteen fill it: \(early.count)")
    #expect(world.emitted.filter { $0.port == "dead" }.count == 30)
  }

  @Test(
    "what the spool has is read from it when its turn comes, whole and in order, and after a restart, too")
  func outlines() async throws {
    let folder = try TemporaryFolder()
    let arrived = Mutex<[Int]>([])
    let isThere = Mutex(false)
    let world = TestWorld { request in
      guard isThere.withLock({ $0 }), let json = try? JSONValue.parse(request.body.span) else { return nil }
      let isWhole = json["transcript"]?.stringValue == Self.text
      arrived.withLock { $0.append(isWhole ? json["turn"]?.intValue ?? -1 : -2) }
      return HTTPResponse(status: 204, headers: [], body: [])
    }
    func stage() -> Webhook {
      var stage = Webhook()
      stage.url = .init(text: "https://example.com/turns")
      stage.retry = RetrySchedule(waits: Array(repeating: .seconds(1), count: 9))
      stage.spool = Path(folder.path)
      return stage
    }
    var first = stage()
    try await first.open(world.context(name: "crm"))
    for number in 1...20 { try await first.write(event(number)) }
    isThere.withLock { $0 = true }
    for _ in 0..<500 where arrived.withLock({ $0.count }) < 5 {
      world.loop.advance(by: .milliseconds(500))
      for _ in 0..<20 { await Task.yield() }
      try await Task.sleep(for: .milliseconds(1))
    }
    isThere.withLock { $0 = false }
    try await first.finish()
    var second = stage()
    try await second.open(world.context(name: "crm"))
    isThere.withLock { $0 = true }
    for _ in 0..<5000 where arrived.withLock({ Set($0).count }) < 20 {
      world.loop.advance(by: .milliseconds(500))
      for _ in 0..<20 { await Task.yield() }
      try await Task.sleep(for: .milliseconds(1))
    }
    try await second.finish()
    #expect(arrived.withLock { $0 } == Array(1...20))
  }

  @Test("a spool that cannot be read for a while costs no attempt, and nothing is given up for it")
  func unreadable() throws {
    var queue = DeliveryQueue(policy: .init(retries: [], order: .seconds(60), concurrency: 1))
    var delivery = Delivery(id: "a", stream: "me", accepted: 0, event: ["turn": 1])
    delivery.number = 1
    let start = Instant(nanoseconds: 0)
    queue.add(delivery.outline, now: start)
    #expect(queue.bytes < 300 && delivery.outline.size == delivery.content.count)
    for second in 0..<5 {
      let now = start.advanced(by: .seconds(second))
      guard let shipment = queue.next(now: now) else { throw Missing() }
      #expect(queue.finish(shipment.number, .notMade, now: now) == .postponed)
      #expect(queue.next(now: now) == nil && queue.wakeTime(now: now) == now.advanced(by: .seconds(1)))
    }
    guard let shipment = queue.next(now: start.advanced(by: .seconds(9))) else { throw Missing() }
    #expect(queue.finish(shipment.number, .delivered, now: start) == .delivered)
    #expect(queue.count == 0 && queue.bytes == 0)
  }

  @Test("what is held for its order is bounded by its bytes: the first goes on early")
  func merge() {
    var merge = Merge()
    merge.hold = .seconds(60)
    var out: [Int] = []
    for number in 1...30 { merge.process(event(number)) { out.append($0.turnEvent?.turn ?? 0) } }
    #expect(out == Array(1...(30 - 8)), "two megabytes each, with the word: \(out.count)")
    merge.finish { out.append($0.turnEvent?.turn ?? 0) }
    #expect(out == Array(1...30))
  }
}
