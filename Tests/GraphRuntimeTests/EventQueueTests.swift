import FluxGraph
import Testing

@testable import GraphRuntime

@Suite(.timeLimit(.minutes(10))) struct EventQueueTests {
  private let start = Instant(nanoseconds: 1)

  private func event(_ number: Int) -> Event { .turn(turnEvent(number, "")) }

  private func number(_ event: Event?) -> Int? {
    if case .turn(let turn)? = event { turn.turn } else { nil }
  }

  @Test("a full queue grows as long as the patience lasts, then drops and counts")
  func patience() async {
    let queue = EventQueue(QueuePolicy(size: 2))
    let soon = start.advanced(by: .milliseconds(999))
    let late = start.advanced(by: .seconds(1))
    #expect(queue.offer(event(1), now: start) == .kept)
    #expect(queue.offer(event(2), now: start) == .kept)
    #expect(queue.offer(event(3), now: start) == .kept)
    #expect(queue.offer(event(4), now: soon) == .kept)
    #expect(queue.offer(event(5), now: late) == .firstDropped)
    #expect(queue.offer(event(6), now: late) == .dropped)
    let calm = late.advanced(by: .seconds(5))
    #expect(queue.takeDropped(now: calm) == 0, "told once there is room again")
    for expected in 1...4 { #expect(number(await queue.next()) == expected) }
    #expect(queue.takeDropped(now: late) == 0, "and not at once")
    #expect(queue.takeDropped(now: calm) == 2)
    #expect(queue.takeDropped(now: calm) == 0)
    // Room again: the patience begins anew.
    #expect(queue.offer(event(7), now: late) == .kept)
    #expect(queue.offer(event(8), now: late) == .kept)
    #expect(queue.offer(event(9), now: late) == .kept)
    queue.end()
    for expected in 7...9 { #expect(number(await queue.next()) == expected) }
    #expect(number(await queue.next()) == nil)
  }

  @Test("not even patience lets the queue grow beyond four times its capacity")
  func bound() {
    let queue = EventQueue(QueuePolicy(size: 2))
    for number in 1...8 { #expect(queue.offer(event(number), now: start) == .kept) }
    #expect(queue.offer(event(9), now: start) == .firstDropped)
  }

  @Test("large events fill a queue by their bytes, and room comes back with them")
  func bytes() async {
    let queue = EventQueue(QueuePolicy(size: 100_000))
    let large = String(repeating: "ä", count: 500_000)
    var kept = 0
    while queue.offer(.turn(turnEvent(kept + 1, large)), now: start) == .kept { kept += 1 }
    #expect(kept == 17, "16 MB of a megabyte each, and the one that fills it")
    for expected in 1...kept { #expect(number(await queue.next()) == expected) }
    #expect(queue.offer(event(18), now: start) == .kept)
    #expect(number(await queue.next()) == 18)
  }

  @Test(
    "so do notices of events that were not delivered, and events of a live source that nobody can hold back")
  func largeNotices() {
    let text = String(repeating: "x", count: 1_000_000)
    let notice = Event.notice(.undeliverable(["transcript": .string(text)], reason: "no", stream: "crm"))
    let queue = EventQueue(QueuePolicy(size: 100_000))
    var kept = 0
    while queue.offer(notice, now: start) == .kept { kept += 1 }
    #expect(kept == 17)
    // What `queue full=block` makes of a sink's own.
    let patient = EventQueue(
      QueuePolicy(size: 1000, patience: .seconds(99_999), growth: 64, holdsSource: true))
    var events = 0
    while patient.offer(.turn(turnEvent(1, text)), now: start) == .kept { events += 1 }
    #expect(events == 17)
  }

  @Test("a source that is held back may still have a little on its way")
  func onItsWay() {
    let gate = AudioGate()
    let text = String(repeating: "x", count: 1_000_000)
    let queue = EventQueue(
      QueuePolicy(size: 100_000, patience: .seconds(99_999), growth: 64, holdsSource: true), gates: [gate])
    var events = 0
    while queue.offer(.turn(turnEvent(1, text)), now: start) == .kept { events += 1 }
    #expect(events == 34, "as much again as makes it full")
  }

  @Test("a closed queue takes everything and keeps nothing")
  func closed() {
    let queue = EventQueue(QueuePolicy(size: 2))
    _ = queue.offer(event(1), now: start)
    #expect(queue.close() == 1)
    for number in 2...100 { #expect(queue.offer(event(number), now: start) == .kept) }
    #expect(queue.close() == 0)
  }

  @Test("next() waits for an event, and a cancelled task stops waiting")
  func waiting() async {
    let queue = EventQueue()
    let first = Task { await queue.next() }
    _ = queue.offer(event(1), now: start)
    #expect(number(await first.value) == 1)
    let second = Task { await queue.next() }
    second.cancel()
    #expect(number(await second.value) == nil)
  }
}
