import FluxGraph
import Foundation
import StageTesting
import Synchronization
import TestSupport
import Testing

@testable import EventStages

/// Every event a sink has accepted is delivered, in the spool, a dead letter, or counted as lost, whatever goes wrong.
@Suite(.timeLimit(.minutes(10))) struct DeliveryBalanceTests {
  /// A disk that refuses now and then.
  private final class WaywardDisk: BlockingThread {
    private let random: Mutex<SeededGenerator>
    private let failures = Mutex(0)
    private let turn = Mutex(())

    init(seed: UInt64) { random = Mutex(SeededGenerator(seed: seed)) }

    /// From now on so many of a hundred operations fail.
    func fill(_ failures: Int) { self.failures.withLock { $0 = failures } }

    func run<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
      let failures = failures.withLock { $0 }
      let fails = random.withLock { Int.random(in: 0..<100, using: &$0) < failures }
      if fails { throw StageError(.inputOutput, "cannot write crm.spool: No space left on device") }
      return try turn.withLock { _ in try body() }
    }

    func submit(_ body: @escaping @Sendable () -> Void) { body() }
  }

  private func turns(_ body: [UInt8]) throws -> [Int] {
    let json = try JSONValue.parse(body.span)
    return (json.arrayValue ?? [json]).compactMap { $0["turn"]?.intValue }
  }

  private func waiting(_ folder: String) throws -> Set<Int> {
    Set(
      SpoolRecord.waiting(in: try bytes(folder + "/crm.spool")).compactMap { $0.event["turn"]?.intValue })
  }

  private func dead(_ folder: String) throws -> Set<Int> {
    Set(
      try bytes(folder + "/crm.dead.jsonl").split(separator: UInt8(ascii: "\n")).compactMap {
        try JSONValue.parse(Array($0).span)["event"]?["turn"]?.intValue
      })
  }

  private func bytes(_ path: String) throws -> [UInt8] {
    FileManager.default.fileExists(atPath: path) ? Array(try Data(contentsOf: URL(filePath: path))) : []
  }

  @Test(
    "accepted is delivered and waiting and dead and lost, and that is true of the files",
    arguments: 0..<30 as Range<UInt64>)
  func randomFaults(seed: UInt64) async throws {
    var random = SeededGenerator(seed: seed)
    let root = try TemporaryFolder()
    let arrived = Mutex<Set<Int>>([])
    var written = 0
    for run in 0..<4 {
      let folder = root.file("\(run)")
      if run == 0 {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      }
      let mood = Mutex(SeededGenerator(seed: seed &* 7 &+ UInt64(run)))
      let refusals = [0, 30, 95, 100].randomElement(using: &random)!
      let world = TestWorld { request in
        let (answers, status) = mood.withLock { mood in
          (
            Int.random(in: 0..<100, using: &mood) >= refusals,
            [nil, 500, 404, 413, 429, 503].randomElement(using: &mood)!
          )
        }
        guard answers else { return status.map { HTTPResponse(status: $0, headers: [], body: []) } }
        let turns = (try? self.turns(request.body)) ?? []
        arrived.withLock { $0.formUnion(turns) }
        return HTTPResponse(status: 204, headers: [], body: [])
      }
      let diskFailures = [0, 0, 20, 60].randomElement(using: &random)!
      var stage = Webhook()
      stage.url = .init(text: "https://example.com/turns")
      stage.spool = Path(folder)
      stage.spoolLimit = ByteCount([2_000, 6_000, 100_000].randomElement(using: &random)!)
      stage.fsync = [.interval, .turn].randomElement(using: &random)!
      if Bool.random(using: &random) { stage.batch = Batch(count: 3) }
      let waits = Int.random(in: 0...3, using: &random)
      stage.retry = RetrySchedule(waits: Array(repeating: .milliseconds(100), count: waits))
      let resumed = try waiting(folder)
      let before = arrived.withLock { $0 }.intersection(resumed)
      let disk = WaywardDisk(seed: seed)
      try await stage.open(world.context(name: "crm", disk: disk))
      disk.fill(diskFailures)
      var mine = resumed
      for _ in 0..<Int.random(in: 0...40, using: &random) {
        written += 1
        mine.insert(written)
        try await stage.write(turn(written, spoken("Hello")))
        if Int.random(in: 0..<3, using: &random) == 0 { world.loop.advance(by: .milliseconds(300)) }
        for _ in 0..<Int.random(in: 0...3, using: &random) { await Task.yield() }
      }
      let next = root.file("\(run + 1)")
      if Int.random(in: 0..<4, using: &random) == 0 {
        // A kill: what is on the disk now is all there is.
        try FileManager.default.copyItem(atPath: folder, toPath: next)
        _ = try? await stage.finish()
        continue
      }
      var failure: StageError?
      do { try await stage.finish() } catch { failure = error as? StageError }
      let balance = try #require(DeliveryBalance.all(world.metrics.samples).first?.balance)
      let gauge = world.metrics.samples.first { $0.name == "events_waiting" }?.value
      #expect(balance.accepted == mine.count && gauge == Double(balance.waiting))
      let nowhere = try mine.subtracting(arrived.withLock { $0 }).subtracting(waiting(folder)).subtracting(
        dead(folder))
      #expect(nowhere.count <= balance.lost, "run \(run): \(balance.text), \(nowhere.sorted())")
      if diskFailures == 0 {
        let pending = try waiting(folder).count
        // What had arrived before a kill may have been given up after it.
        #expect(balance.lost <= nowhere.count + before.count, "run \(run): \(balance.text), \(nowhere.count)")
        #expect(pending == balance.waiting, "run \(run): \(balance.text), \(pending)")
      }
      #expect((failure != nil) == (balance.lost > 0) && failure.map { $0.code == .unavailable } ?? true)
      if let failure { #expect(failure.message.contains(balance.text)) }
      try FileManager.default.copyItem(atPath: folder, toPath: next)
      // Told in a few lines, however many there are.
      #expect(world.notices.count { $0.notice == "dead-letters-full" } <= 8)
    }
  }

  @Test("an event that the spool could never hold is told as what it is")
  func tooLarge() async throws {
    let folder = try TemporaryFolder()
    let world = TestWorld()
    var stage = Webhook()
    stage.url = .init(text: "https://example.com/turns")
    stage.spool = Path(folder.path)
    stage.spoolLimit = ByteCount(2_000)
    try await stage.open(world.context(name: "crm"))
    try await stage.write(turn(1, spoken(String(repeating: "x", count: 5_000))))
    try await stage.finish()
    let last = world.notices.last
    #expect(last?.message.hasSuffix("(1 accepted: 0 delivered, 0 waiting, 1 dead letter, 0 lost)") == true)
    #expect(last?.details.first { $0.name == "dead" }?.value.intValue == 1)
    let told = world.notices.first { $0.notice == "undelivered" }?.message
    #expect(told?.contains("it is larger than the spool takes") == true, "\(told ?? "")")
  }
}
