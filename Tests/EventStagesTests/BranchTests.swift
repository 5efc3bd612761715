import FluxGraph
import Foundation
import StageTesting
import Synchronization
import TestSupport
import Testing

@testable import EventStages

/// Sinks beside each other, in whole graphs.
@Suite(.timeLimit(.minutes(10))) struct BranchTests {
  init() { signal(SIGPIPE, SIG_IGN) }

  private let catalogue = Catalogue.events.adding(Ticks.self).adding(Hear.self).adding(Take.self)

  private func run(_ graph: String, _ tally: Tally, in folder: TemporaryFolder) async throws -> (
    failures: [GraphHarness.Failure], world: TestWorld
  ) {
    let world = TestWorld(resources: [tally])
    let harness = try GraphHarness(graph, catalogue: catalogue, world: world, directory: folder.path)
    return (try await harness.run(), world)
  }

  @Test(
    "a dead, a slow and a full sink beside a healthy one: it gets the same, and each event before the next one comes"
  )
  func isolation() async throws {
    let folder = try TemporaryFolder()
    // The recogniser speaks only once the healthy sink has what it said before: if that waited for another, this would never end.
    let alone = Tally(awaits: true)
    #expect(try await run("ticks 300 | hear | take", alone, in: folder).failures.isEmpty)
    try FileManager.default.createSymbolicLink(
      atPath: folder.file("full.jsonl"), withDestinationPath: "/dev/full")
    try #require(mkfifo(folder.file("pipe"), 0o600) == 0)
    let beside = Tally(awaits: true)
    let (failures, world) = try await run(
      """
      heard = ticks 300 | hear
      full = heard | jsonl full.jsonl
      pipe = heard | jsonl pipe
      dead = heard | webhook http://127.0.0.1:1/
      slow = heard | command ["sleep", "600"] timeout=1s
      tiny = heard | queue size=1 full=drop | command ["sleep", "600"] timeout=100ms
      heard | take
      dead.dead | jsonl dead.jsonl
      """, beside, in: folder)
    #expect(beside.taken.count == 300)
    #expect(beside.taken == alone.taken)
    // Each says what it could not do.
    #expect(Set(failures.map(\.title)).isSuperset(of: ["full", "pipe", "slow"]))
    #expect(Set(failures.map(\.error.code)) == [.inputOutput, .unavailable])
    for title in ["full", "pipe"] {
      #expect(
        failures.contains {
          $0.title == title && $0.error.message.hasPrefix("300 events could not be written")
        })
    }
    let givenUp = world.notices.filter { $0.notice == "given-up" }.map(\.message)
    #expect(
      givenUp.count == 1 && givenUp[0].hasPrefix("300 events were given up, and left by the port `dead`"))
    #expect(
      try folder.text("dead.jsonl").split(separator: "\n").count == 300, "nothing accepted is lost silently")
    #expect(Set(world.notices.map(\.notice)).isSuperset(of: ["not-written", "retrying"]))
  }

  @Test("a queue with full=block holds a finite source back, and nothing is lost")
  func block() async throws {
    let folder = try TemporaryFolder()
    let tally = Tally(slowness: 30)
    let (failures, world) = try await run(
      "ticks 2000 | hear | queue size=20 full=block | take", tally, in: folder)
    #expect(failures.isEmpty && world.notices.isEmpty)
    #expect(tally.taken == (1...2000).map { $0 })
    // The queue's twenty, the one being taken and the one being said; at the end, what of the sound was on its way already:
    // 640 ms in blocks of 40 ms.
    #expect(tally.greatestLead <= 22 + 16, "\(tally.greatestLead)")
  }

  @Test("a graph that is held back can be stopped")
  func stopped() async throws {
    let folder = try TemporaryFolder()
    let tally = Tally(isShut: true)
    let world = TestWorld(resources: [tally])
    let harness = try GraphHarness(
      "ticks 1000000 | hear | queue size=20 full=block | take", catalogue: catalogue, world: world,
      directory: folder.path)
    async let failures = harness.run()
    while tally.said < 20 { try await Task.sleep(for: .milliseconds(1)) }
    harness.stop()
    tally.open()
    #expect(try await failures.isEmpty)
    #expect(tally.taken.count >= 20 && tally.taken.count < 1000)
    #expect(tally.taken == Array(1...tally.taken.count))
  }

  @Test("events that find no room leave by the port `dead`, each with the reason, and are counted")
  func overflow() async throws {
    let folder = try TemporaryFolder()
    let tally = Tally()
    let (_, world) = try await run(
      """
      heard = ticks 3000 | hear
      tiny = heard | queue size=5 full=drop | command ["sleep", "600"] timeout=300ms
      tiny.dead | jsonl dead.jsonl
      heard | take
      """, tally, in: folder)
    #expect(tally.taken.count == 3000)
    let dead = try folder.text("dead.jsonl").split(separator: "\n").map {
      try JSONValue.parse(Array($0.utf8).span)
    }
    #expect(dead.count > 2000)
    #expect(
      dead.allSatisfy { $0["notice"]?.stringValue == "undeliverable" && $0["original"]?["turn"] != nil })
    #expect(dead.contains { $0["reason"]?.stringValue == "tiny did not keep up, and its queue was full" })
    // Once, or once more where the program was ended before the last events came.
    let told = world.notices.filter { $0.notice == "dropping" && $0.message.hasPrefix("tiny ") }.count
    #expect((1...3).contains(told))
  }
}

/// What the stages of a test tell each other.
private final class Tally: Sendable {
  private struct State {
    var said = 0
    var taken: [Int] = []
    var greatestLead = 0
    var isShut = false
  }

  private let state: Mutex<State>
  /// Whether nothing more is said before everything was taken.
  let awaits: Bool
  /// So many of the first events are taken slowly.
  let slowness: Int

  init(awaits: Bool = false, slowness: Int = 0, isShut: Bool = false) {
    self.awaits = awaits
    self.slowness = slowness
    state = Mutex(State(isShut: isShut))
  }

  var said: Int { state.withLock { $0.said } }
  var taken: [Int] { state.withLock { $0.taken } }
  var greatestLead: Int { state.withLock { $0.greatestLead } }
  var isShut: Bool { state.withLock { $0.isShut } }

  func open() { state.withLock { $0.isShut = false } }
  func take(_ number: Int) { state.withLock { $0.taken.append(number) } }
  func say() -> Int {
    state.withLock { state in
      state.said += 1
      state.greatestLead = max(state.greatestLead, state.said - state.taken.count)
      return state.said
    }
  }
}

/// Gives blocks of silence as fast as they are taken.
private struct Ticks: AudioSource {
  static let description = StageDescription<Ticks>("ticks", "Gives blocks of silence.") {
    Option("blocks", \Ticks.blocks, "How many.", positional: true)
  }
  var blocks = 10
  private var given = 0

  var output: AudioStreamType {
    AudioStreamType(AudioFormat(.s16le, rate: 16_000, channels: 1), liveness: .finite)
  }

  mutating func open(_ context: StageContext) throws -> AudioFormat {
    AudioFormat(.s16le, rate: 16_000, channels: 1)
  }

  mutating func read(into audio: inout AudioBuffer) throws -> SourceProgress {
    if given == blocks { return .finished }
    given += 1
    _ = audio.appendSilence(min(640, audio.freeFrames))
    return .produced
  }
}

/// Says a turn for every block.
private struct Hear: Recogniser {
  static let description = StageDescription<Hear>("hear", "Says a turn for every block.")
  var accepts: AudioRequirement { .any }

  mutating func run(_ audio: AudioInlet, into events: EventOutlet, _ context: StageContext) async throws {
    let tally = context.resource(Tally.self)!
    while await audio.next() != nil {
      events.emit(turn(tally.say(), spoken("a few words")))
      while tally.awaits, tally.taken.count < tally.said { try await Task.sleep(for: .microseconds(200)) }
    }
  }
}

/// Keeps the numbers of the turns it is given.
private struct Take: EventSink {
  static let description = StageDescription<Take>("take", "Keeps turns.")
  private var tally: Tally?

  mutating func open(_ context: StageContext) async throws { tally = context.resource(Tally.self) }

  mutating func write(_ event: Event) async throws {
    guard let tally, let turn = event.turnEvent else { return }
    while tally.isShut { try await Task.sleep(for: .milliseconds(1)) }
    if turn.turn <= tally.slowness { try await Task.sleep(for: .milliseconds(2)) }
    tally.take(turn.turn)
  }

  mutating func finish() async throws {}
}
