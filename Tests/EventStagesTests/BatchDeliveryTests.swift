import FluxGraph
import TestSupport
import Testing

@testable import EventStages

/// Batches keep what they are known by, whatever becomes of them.
@Suite struct BatchDeliveryTests {
  private func at(_ seconds: Double) -> Instant {
    Instant(nanoseconds: 0).advanced(by: .milliseconds(Int64(seconds * 1000)))
  }

  private func delivery(_ number: UInt64, text: String = "") -> Delivery {
    var delivery = Delivery(id: "msg_\(number)", stream: "me", accepted: 0, event: ["text": .string(text)])
    delivery.number = number
    return delivery
  }

  private func queue(_ batch: Batch, retries: [Duration] = [.seconds(5), .seconds(5)]) -> DeliveryQueue {
    DeliveryQueue(policy: .init(retries: retries, order: .seconds(60), concurrency: 4, batch: batch))
  }

  private func answer(_ status: Int) -> DeliveryQueue.Outcome { .answered(status: status, retryAfter: nil) }

  @Test("a batch that was sent takes no more events, were it not full: its answer may only be lost")
  func sealed() throws {
    var queue = queue(Batch(count: 10, wait: .seconds(1)))
    queue.add(delivery(1), now: at(0))
    queue.add(delivery(2), now: at(0))
    let next = queue.next(now: at(1))
    let first = try #require(next)
    queue.add(delivery(3), now: at(1))
    _ = queue.finish(1, .failed("the connection was closed", canRetry: true), now: at(2))
    queue.add(delivery(4), now: at(2))
    let nextAgain = queue.next(now: at(10))
    let again = try #require(nextAgain)
    #expect(
      again.deliveries.map(\.number) == [1, 2] && again.id == first.id && again.content == first.content)
    #expect(queue.finish(1, answer(204), now: at(10)) == .delivered)
    #expect(queue.next(now: at(10))?.deliveries.map(\.number) == [3, 4])
  }

  @Test("413 halves a batch at once, in order, and gives up a single event at once")
  func tooLarge() throws {
    var queue = queue(Batch(count: 5, wait: .seconds(1)))
    for number in 1...5 as ClosedRange<UInt64> { queue.add(delivery(number), now: at(0)) }
    queue.add(delivery(6), now: at(0))
    var arrived: [[UInt64]] = []
    var dead: [DeadLetter] = []
    var ids: Set<String> = []
    while let shipment = queue.next(now: at(2)) {
      ids.insert(shipment.id)
      let numbers = shipment.deliveries.map(\.number)
      // Takes two events, and never the fourth.
      let isFine = numbers.count <= 2 && !numbers.contains(4)
      switch queue.finish(shipment.number, answer(isFine ? 200 : 413), now: at(2)) {
      case .delivered: arrived.append(numbers)
      case .split(let halves): #expect(halves.flatMap(\.deliveries).map(\.number) == numbers)
      case .dead(let letters): dead += letters
      case .retried, .postponed: Issue.record("it is not tried again as it is")
      }
    }
    #expect(arrived == [[1, 2], [3], [5], [6]])
    #expect(dead.map(\.delivery.number) == [4] && dead[0].status == 413 && dead[0].delivery.attempts == 1)
    #expect(ids.count == 8 && queue.count == 0)
  }

  @Test("an event that is sent by itself and is too large is given up at once, too")
  func single() {
    var queue = DeliveryQueue(
      policy: .init(retries: RetrySchedule.standard.waits, order: .seconds(60), concurrency: 1))
    queue.add(delivery(1), now: at(0))
    _ = queue.next(now: at(0))
    guard case .dead(let letters) = queue.finish(1, answer(413), now: at(0)) else {
      Issue.record("not dead")
      return
    }
    #expect(letters[0].status == 413 && letters[0].delivery.attempts == 1)
  }

  @Test("a batch has a limit in bytes, which only a single event may pass")
  func bytes() throws {
    var batch = Batch(count: 100, wait: .seconds(1))
    batch.size = ByteCount(1000)
    var queue = queue(batch)
    var random = SeededGenerator(seed: 5)
    for number in 1...200 as ClosedRange<UInt64> {
      let text = String(repeating: "ü", count: .random(in: 0...(number == 77 ? 3000 : 200), using: &random))
      queue.add(delivery(number, text: text), now: at(0))
    }
    var last: UInt64 = 0
    while let shipment = queue.next(now: at(1)) {
      #expect(shipment.content.count <= 1000 || shipment.deliveries.count == 1)
      #expect(shipment.number == last + 1)
      last = shipment.deliveries.last!.number
      _ = queue.finish(shipment.number, answer(200), now: at(1))
    }
    #expect(last == 200)
    #expect(try Batch.parse(.list([.word("50"), .word("1s"), .word("64kB")])).size == ByteCount(64_000))
    #expect(try Batch.parse(.word("50")).size == ByteCount(262_144))
    for words in [["50", "1s", "1B"], ["50", "1s", "many"], ["50", "64kB"], ["50", "1s", "64kB", "1"]] {
      #expect(throws: OptionError.self, "\(words)") { try Batch.parse(.list(words.map { .word($0) })) }
    }
    #expect(Batch(count: 5).graphText == "[5, 1s]" && batch.graphText == "[100, 1s, 1kB]")
  }

  @Test(
    "an event is taken under one identifier, and an identifier stands for the same events, whatever is lost or killed",
    arguments: 0..<100 as Range<UInt64>)
  func identity(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let batch = Batch(count: Int.random(in: 2...9, using: &random), wait: .seconds(1))
    let most = Int.random(in: 1...9, using: &random)
    let retries = Array(repeating: Duration.seconds(1), count: 100)
    var queue = queue(batch, retries: retries)
    var contents = SpoolContents()
    var taken: [UInt64: Set<String>] = [:]
    var bodies: [String: [UInt8]] = [:]
    var added: UInt64 = 0
    var clock = 0.0
    while added < 60 || queue.count > 0 {
      clock += 0.4
      if added < 60, Bool.random(using: &random) {
        added += 1
        contents.apply(.accepted(delivery(added)))
        queue.add(delivery(added), now: at(clock))
      }
      while let outline = queue.next(now: at(clock)) {
        let numbers = outline.deliveries.map(\.number)
        // As the spool has them.
        var shipment = outline.filled(numbers.map { delivery($0) })
        shipment.attempts = outline.attempts
        if contents.isNewBatch(numbers) { contents.apply(.batched(numbers)) }
        #expect(
          bodies.updateValue(shipment.content, forKey: shipment.id) ?? shipment.content == shipment.content)
        let fate = Int.random(in: 0..<10, using: &random)
        if numbers.count <= most, fate < 6 {
          for number in numbers { taken[number, default: []].insert(shipment.id) }
        }
        if fate == 0 { break }
        let outcome: DeliveryQueue.Outcome =
          fate < 4 || fate >= 6
          ? answer(numbers.count > most ? 413 : fate < 6 ? 200 : 500)
          : .failed("the answer was lost", canRetry: true)
        switch queue.finish(shipment.number, outcome, now: at(clock)) {
        case .postponed: break
        case .delivered: contents.apply(.done(number: shipment.number))
        case .retried: contents.apply(.attempted(number: shipment.number, attempts: shipment.attempts + 1))
        case .split(let halves):
          for half in halves { contents.apply(.batched(half.deliveries.map(\.number))) }
        case .dead(let letters):
          for letter in letters { contents.apply(.done(number: letter.delivery.number)) }
        }
      }
      guard Int.random(in: 0..<12, using: &random) == 0 || contents.count != queue.count else { continue }
      // Killed, and begun anew with what the log holds.
      contents = SpoolContents(contents.records)
      queue = self.queue(batch, retries: retries)
      for shipment in contents.shipments {
        if shipment.isBatch {
          queue.add(shipment, now: at(clock))
        } else {
          queue.add(shipment.deliveries[0], now: at(clock))
        }
      }
      // What was under way is not any more.
      #expect(contents.count == queue.count)
    }
    #expect(
      taken.count == 60 && taken.values.allSatisfy { $0.count == 1 },
      "\(taken.filter { $0.value.count != 1 })")
  }
}
