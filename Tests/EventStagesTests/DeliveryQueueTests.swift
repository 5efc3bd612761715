import FluxGraph
import TestSupport
import Testing

@testable import EventStages

@Suite struct DeliveryQueueTests {
  private static let zero = Instant(nanoseconds: 0)

  private func at(_ seconds: Double) -> Instant {
    Self.zero.advanced(by: .milliseconds(Int64(seconds * 1000)))
  }

  private func delivery(_ number: UInt64, _ stream: String = "me") -> Delivery {
    var delivery = Delivery(id: "msg_\(number)", stream: stream, accepted: 0, event: .object([]))
    delivery.number = number
    return delivery
  }

  private func queue(
    _ retries: [Duration] = [.seconds(5), .seconds(300)], order: Duration = .seconds(60),
    concurrency: Int = 4,
    batch: Batch? = nil
  ) -> DeliveryQueue {
    DeliveryQueue(policy: .init(retries: retries, order: order, concurrency: concurrency, batch: batch))
  }

  private let ok = DeliveryQueue.Outcome.answered(status: 204, retryAfter: nil)
  private let failure = DeliveryQueue.Outcome.answered(status: 500, retryAfter: nil)

  @Test("one delivery of a stream is under way at a time, and streams do not wait for each other")
  func lanes() {
    var queue = queue()
    for (number, stream) in [(1, "a"), (2, "a"), (3, "b")] as [(UInt64, String)] {
      queue.add(delivery(number, stream), now: at(0))
    }
    #expect(queue.next(now: at(0))?.number == 1)
    #expect(queue.next(now: at(0))?.number == 3)
    #expect(queue.next(now: at(0)) == nil)
    #expect(queue.finish(1, ok, now: at(1)) == .delivered)
    #expect(queue.next(now: at(1))?.number == 2)
  }

  @Test("the first of a stream holds up the others while it fails, and is parked after a while")
  func parking() throws {
    var queue = queue([.seconds(50), .seconds(50), .seconds(50)])
    queue.add(delivery(1), now: at(0))
    queue.add(delivery(2), now: at(0))
    #expect(queue.next(now: at(0))?.number == 1)
    _ = queue.finish(1, failure, now: at(0))
    #expect(queue.next(now: at(49)) == nil)
    let wake = try #require(queue.wakeTime(now: at(1)))
    #expect(wake >= at(50) && wake <= at(60))
    #expect(queue.next(now: at(60))?.number == 1)
    _ = queue.finish(1, failure, now: at(61))
    // 60 s after its first failure the second moves up, whatever the first does.
    #expect(queue.next(now: at(61))?.number == 2)
    #expect(queue.finish(2, ok, now: at(61)) == .delivered)
    #expect(queue.count == 1)
    #expect(queue.next(now: at(122))?.number == 1)
    #expect(queue.finish(1, ok, now: at(122)) == .delivered)
    #expect(queue.count == 0)
  }

  @Test("a delivery is dead after the last wait, with status and number of attempts")
  func exhausted() {
    var queue = queue([.seconds(1)])
    queue.add(delivery(1), now: at(0))
    _ = queue.next(now: at(0))
    #expect(queue.finish(1, failure, now: at(0)) == .retried(reason: "it answered with status 500"))
    _ = queue.next(now: at(2))
    guard case .dead(let letters) = queue.finish(1, failure, now: at(2)) else {
      Issue.record("not dead")
      return
    }
    #expect(letters.count == 1 && letters[0].status == 500 && letters[0].delivery.attempts == 2)
    #expect(queue.count == 0)
  }

  @Test("what asks for a pause pauses all streams", arguments: [429, 502, 504])
  func throttle(status: Int) {
    var queue = queue()
    queue.add(delivery(1, "a"), now: at(0))
    queue.add(delivery(2, "b"), now: at(0))
    _ = queue.next(now: at(0))
    _ = queue.finish(1, .answered(status: status, retryAfter: .seconds(30)), now: at(0))
    #expect(queue.next(now: at(29.9)) == nil)
    #expect(queue.wakeTime(now: at(1)) == at(30))
    #expect(queue.next(now: at(30))?.number == 1)
  }

  @Test("Retry-After puts off the next attempt, as seconds or as a date")
  func retryAfterHeader() {
    let now = WallTime(seconds: 1_795_183_331)
    #expect(retryAfter("120", now: now) == .seconds(120))
    // What is beyond all limits is a very long time, and not none.
    for digits in ["31536001", "99999999999999999999"] {
      #expect(retryAfter(digits, now: now) == .seconds(31_536_000))
    }
    #expect(retryAfter("Fri, 20 Nov 2099 14:02:21 GMT", now: now) == .seconds(31_536_000))
    #expect(retryAfter("Fri, 20 Nov 2026 14:02:21 GMT", now: now) == .seconds(10))
    #expect(retryAfter("Friday, 20-Nov-26 14:02:21 GMT", now: now) == .seconds(10))
    #expect(retryAfter("Fri Nov 20 14:02:21 2026", now: now) == .seconds(10))
    #expect(retryAfter("Fri Nov  6 08:49:37 2026", now: now) == .zero)
    #expect(retryAfter("Fri, 20 Nov 2020 14:02:21 GMT", now: now) == .zero)
    for text in [
      "", "-1", "Friday, 20-Nov-2026 14:02:21 GMT", "Fri Nov 20 14:02:21", "20 Nov 26 1 2 GMT", "soon",
      "Fri, 40 Nov 2026 14:02:21 GMT",
    ] {
      #expect(retryAfter(text, now: now) == nil)
    }
    var random = SeededGenerator(seed: 3)
    let dates = [
      "Fri, 20 Nov 2026 14:02:21 GMT", "Friday, 20-Nov-26 14:02:21 GMT", "Fri Nov 20 14:02:21 2026", "120",
    ]
    for _ in 0..<5000 {
      var bytes = Array(dates.randomElement(using: &random)!.utf8)
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        bytes[Int.random(in: 0..<bytes.count, using: &random)] = .random(in: 0...255, using: &random)
      }
      if let wait = retryAfter(String(decoding: bytes, as: UTF8.self), now: now) { #expect(wait >= .zero) }
    }
    var queue = queue()
    queue.add(delivery(1), now: at(0))
    _ = queue.next(now: at(0))
    _ = queue.finish(1, .answered(status: 503, retryAfter: .seconds(100)), now: at(0))
    #expect(queue.wakeTime(now: at(0)) == at(100))
  }

  @Test("410 ends all deliveries, a redirect is a failure like another")
  func gone() {
    var queue = queue()
    for number in 1...3 { queue.add(delivery(UInt64(number)), now: at(0)) }
    _ = queue.next(now: at(0))
    #expect(
      queue.finish(1, .answered(status: 301, retryAfter: nil), now: at(0))
        == .retried(reason: "it answered with status 301, and redirects are not followed"))
    _ = queue.next(now: at(10))
    guard case .dead = queue.finish(1, .answered(status: 410, retryAfter: nil), now: at(10)) else {
      Issue.record("not dead")
      return
    }
    #expect(queue.isGone && queue.next(now: at(1000)) == nil && queue.wakeTime(now: at(10)) == nil)
    #expect(queue.takeAll().map(\.number) == [2, 3])
  }

  @Test(
    "a batch goes when it is full, or when its first event has waited long enough; the rest of its stream waits behind"
  )
  func batches() throws {
    var queue = queue([.seconds(5)], batch: Batch(count: 3, wait: .seconds(1)))
    for number in 1...4 as ClosedRange<UInt64> { queue.add(delivery(number), now: at(Double(number) / 10)) }
    queue.add(delivery(5, "b"), now: at(0.5))
    #expect(queue.wakeTime(now: at(0.5)) == at(0.3))
    let fullNext = queue.next(now: at(0.5))
    let full = try #require(fullNext)
    #expect(full.deliveries.map(\.number) == [1, 2, 3])
    #expect(queue.next(now: at(1)) == nil)
    #expect(queue.wakeTime(now: at(1)) == at(1.5))
    #expect(queue.next(now: at(1.5))?.deliveries.map(\.number) == [5])
    #expect(queue.finish(5, ok, now: at(1.5)) == .delivered)
    _ = queue.finish(1, failure, now: at(1.5))
    let againNext = queue.next(now: at(10))
    let again = try #require(againNext)
    #expect(
      again.deliveries.map(\.number) == [1, 2, 3] && again.id == full.id && again.content == full.content)
    #expect(again.deliveries.allSatisfy { $0.attempts == 1 })
    guard case .dead(let letters) = queue.finish(1, failure, now: at(10)) else {
      Issue.record("not dead")
      return
    }
    #expect(letters.map(\.delivery.number) == [1, 2, 3] && queue.count == 1)
    let lastNext = queue.next(now: at(10))
    let last = try #require(lastNext)
    #expect(last.content == Array("[{}]".utf8), "a list, were it of one")
    #expect(last.id != delivery(4).id && Set([full.id, last.id]).count == 2)
  }

  @Test("the graph's end does not wait for a batch to fill, nor for what has failed")
  func ending() {
    var queue = queue(batch: Batch(count: 3, wait: .seconds(60)))
    queue.add(delivery(1, "a"), now: at(0))
    #expect(queue.next(now: at(1)) == nil)
    queue.sealAll(now: at(1))
    #expect(queue.next(now: at(1), firstOnly: true)?.number == 1)
    _ = queue.finish(1, failure, now: at(1))
    queue.add(delivery(2, "b"), now: at(1))
    queue.sealAll(now: at(1))
    #expect(queue.next(now: at(100), firstOnly: true)?.number == 2)
    #expect(queue.isAnyFirstInFlight)
    #expect(queue.finish(2, ok, now: at(100)) == .delivered)
    #expect(queue.next(now: at(100), firstOnly: true) == nil && !queue.isAnyFirstInFlight)
    #expect(queue.takeAll().map(\.number) == [1] && queue.count == 0)
  }

  @Test(
    "whatever a receiver does, each delivery ends once, and a stream keeps its order unless one is parked")
  func random() {
    for seed in 0..<100 as Range<UInt64> {
      var random = SeededGenerator(seed: seed)
      let concurrency = Int.random(in: 1...3, using: &random)
      var queue = queue(
        [.seconds(1), .seconds(5), .seconds(40)], order: .seconds(20), concurrency: concurrency,
        batch: seed.isMultiple(of: 2) ? nil : Batch(count: 4, wait: .seconds(2)))
      var clock = 0.0
      var ended: [UInt64] = []
      var last: [String: UInt64] = [:]
      var failing: Set<UInt64> = []
      var flight: [Shipment] = []
      var added: UInt64 = 0
      for step in 0..<10_000 {
        if added < 30, step % 3 == 0 {
          added += 1
          queue.add(delivery(added, ["a", "b", "c"].randomElement(using: &random)!), now: at(clock))
        }
        while let next = queue.next(now: at(clock)) { flight.append(next) }
        #expect(flight.count <= concurrency)
        if let index = flight.indices.randomElement(using: &random) {
          let one = flight.remove(at: index)
          let isFine = Int.random(in: 0..<3, using: &random) > 0
          let status = isFine ? 200 : [500, 429, 404, 301].randomElement(using: &random)!
          switch queue.finish(one.number, .answered(status: status, retryAfter: nil), now: at(clock)) {
          case .delivered:
            ended += one.deliveries.map(\.number)
            if !failing.contains(one.number) {
              #expect(one.number > last[one.stream] ?? 0)
              last[one.stream] = one.deliveries.last?.number
            }
          case .dead(let letters): ended += letters.map(\.delivery.number)
          case .retried: failing.insert(one.number)
          case .split, .postponed: Issue.record("it was tried, and was not too large")
          }
        }
        if flight.isEmpty {
          if added == 30, queue.count == 0 { break }
          if let wake = queue.wakeTime(now: at(clock)) {
            clock = max(clock, wake.duration(since: Self.zero).seconds + 0.001)
          }
        }
      }
      #expect(ended.sorted() == Array(1...30), "seed \(seed)")
    }
  }
}
