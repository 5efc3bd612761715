import FluxGraph
import StageTesting
import Testing

/// A graph, its world and what its stages share.
struct Setup {
  let bench = Bench()
  let world: TestWorld
  let graph: GraphHarness

  init(_ text: String) throws {
    world = TestWorld(resources: [bench])
    graph = try GraphHarness(text, catalogue: stages, world: world)
  }

  func samples(_ sink: String) -> [Int16] { bench.read { $0.samples[sink] ?? [] } }
  func turns(_ sink: String) -> [Int] {
    bench.read { state in
      (state.events[sink] ?? []).compactMap { event in
        if case .turn(let turn) = event { turn.turn } else { nil }
      }
    }
  }
  func calls(_ sink: String) -> [String] { bench.read { $0.calls[sink] ?? [] } }
  func notices(_ name: String) -> [Notice] { world.notices.filter { $0.notice == name } }
}

@Suite(.timeLimit(.minutes(10))) struct RunningGraphTests {
  @Test("every branch of a tee gets the same audio, whole and in order")
  func fanOut() async throws {
    let setup = try Setup(
      """
      heard = counting 200
      a = heard | record
      b = heard | record
      c = heard | pieces | record
      """)
    let failures = try await setup.graph.run()
    #expect(failures.isEmpty)
    let everything = counted(0..<128_000)
    for sink in ["a", "b", "c"] { #expect(setup.samples(sink) == everything) }
    #expect(setup.bench.read { $0.pieces["c"] } == Array(repeating: 1000, count: 128))
    #expect(setup.calls("a") == ["prepare", "finish"])
  }

  @Test("a slow branch behind a finite source holds the source back, and nothing is lost")
  func heldBack() async throws {
    let setup = try Setup(
      """
      heard = counting 300 ahead=slow
      slow = heard | gate | record
      fast = heard | record
      """)
    async let failures = setup.graph.run()
    await setup.bench.wait { ($0.samples["fast"]?.count ?? 0) >= 10 * 640 }
    setup.bench.open()
    #expect(try await failures.isEmpty)
    #expect(setup.samples("slow") == counted(0..<192_000))
    #expect(setup.samples("fast") == counted(0..<192_000))
    // The queue's 640 ms, the block being read and the one being recorded.
    #expect(setup.bench.read { $0.greatestLead } <= 10_240 + 2 * 640)
    #expect(setup.world.notices.isEmpty)
  }

  @Test("a slow branch behind a live source loses its oldest audio; silence and a notice stand for it")
  func liveLoss() async throws {
    let setup = try Setup(
      """
      heard = counting 200 live behind=fast late=slow
      slow = heard | gate | record
      fast = heard | record
      """)
    async let failures = setup.graph.run()
    await setup.bench.wait { ($0.samples["fast"]?.count ?? 0) >= 150 * 640 }
    setup.bench.open()
    // It ends as what it was: with a loss.
    let losses = try await failures.map(\.error)
    #expect(losses.map(\.code) == [.unavailable])
    #expect(losses.first?.message.hasSuffix("s of audio were lost") == true)
    let everything = counted(0..<128_000)
    #expect(setup.samples("fast") == everything)
    let slow = setup.samples("slow")
    try #require(slow.count == everything.count)
    // 6 s were given while the branch stood still, and its queue holds 4 s.
    let lost = 96_000 - 64_000
    #expect(slow.prefix(lost).allSatisfy { $0 == 0 })
    #expect(slow.dropFirst(lost) == everything.dropFirst(lost))
    let notices = setup.notices("gap")
    #expect(notices.count == 1)
    #expect(notices.first?.message.hasPrefix("2.00 s of audio") == true)
    #expect(notices.first?.severity == .warning)
  }

  @Test("a failing branch ends alone, and the most severe failure comes first")
  func failingBranches() async throws {
    let setup = try Setup(
      """
      heard = counting 200
      mild = heard | record fails_after=3 code=65
      grave = heard | record fails_after=5 code=77
      middling = heard | record fails_after=4 code=69
      whole = heard | record
      """)
    let failures = try await setup.graph.run()
    #expect(failures.map(\.title) == ["grave", "middling", "mild"])
    #expect(failures.map(\.error.code) == [.refused, .unavailable, .badInput])
    #expect(setup.samples("whole") == counted(0..<128_000))
    #expect(setup.samples("mild") == counted(0..<1920))
    #expect(Set(setup.notices("failed").map(\.message)) == ["mild broke", "grave broke", "middling broke"])
  }

  @Test("a failing source ends what follows in order, with everything before the failure delivered")
  func failingSource() async throws {
    let setup = try Setup(
      """
      heard = counting 20 fails
      a = heard | pieces | record
      heard | listen | passing | collect
      """)
    let failures = try await setup.graph.run()
    #expect(failures.map(\.error.message) == ["the counter broke"])
    #expect(setup.samples("a") == counted(0..<12_800))
    #expect(setup.bench.read { $0.pieces["a"]?.last } == 800)
    #expect(setup.calls("a") == ["prepare", "finish"])
    #expect(setup.turns("collect") == Array(1...20) + [0])
    #expect(setup.calls("collect") == ["finish"])
  }

  @Test("what converters of the failing chain itself still hold is delivered, too")
  func failingChain() async throws {
    let setup = try Setup("counting 2 fails | pieces | record")
    let failures = try await setup.graph.run()
    #expect(failures.map(\.error.code) == [.badInput])
    #expect(setup.samples("record") == counted(0..<1280))
    #expect(setup.calls("record") == ["prepare", "finish"])
  }

  @Test("a source that cannot be opened is the only failure, and wakes nothing behind it")
  func refusingSource() async throws {
    let setup = try Setup(
      """
      heard = counting refuses
      heard | gate | record
      heard | listen | collect
      """)
    let failures = try await setup.graph.run()
    #expect(failures.map(\.error.message) == ["cannot open the counter"])
    #expect(setup.bench.read { !$0.reached.contains("listen runs") })
    #expect(setup.calls("record") == [])
    #expect(setup.calls("collect") == ["finish"])
  }

  @Test("stop() lets what is on its way arrive, the last partial piece included")
  func stop() async throws {
    let setup = try Setup(
      """
      heard = counting 7 live stays
      a = heard | pieces | record
      b = heard | gate | pieces | record
      """)
    async let failures = setup.graph.run()
    await setup.bench.wait { $0.reached.contains("stayed") && $0.samples["a"]?.count == 4000 }
    // The gate was never opened: a stage does not hold back a stream that ends.
    setup.graph.stop()
    #expect(try await failures.isEmpty)
    #expect(setup.samples("a") == counted(0..<4480))
    #expect(setup.samples("b") == counted(0..<4480))
    #expect(setup.bench.read { $0.pieces["a"] } == [1000, 1000, 1000, 1000, 480])
    #expect(setup.calls("b") == ["prepare", "finish"])
  }

  @Test("abort() returns although a recogniser waits and a source has no end")
  func abort() async throws {
    let setup = try Setup("counting 3 live stays | listen deaf | collect waits")
    async let failures = setup.graph.run()
    await setup.bench.wait { $0.reached.isSuperset(of: ["stayed", "listen runs", "collect opened"]) }
    setup.graph.abort()
    #expect(try await failures.isEmpty)
    setup.bench.open()
  }

  @Test(arguments: ["lacks", "refuses"])
  func `what cannot begin ends the whole graph before its source is opened`(_ how: String) async throws {
    let setup = try Setup(
      """
      heard = counting 3 live stays
      heard | record
      turns = heard | listen
      good = turns | collect
      bad = turns | collect \(how)
      """)
    let failures = try await setup.graph.run()
    #expect(failures.map(\.title) == ["bad"])
    #expect(setup.notices("failed").map(\.message) == failures.map(\.error.description))
    setup.bench.read { bench in
      #expect(!bench.reached.contains("listen runs") && bench.calls["counting"] == nil)
      #expect(bench.samples.isEmpty && bench.events.isEmpty)
      // One that was open ends in order.
      #expect(bench.calls["good"] == (how == "refuses" ? ["finish"] : nil))
    }
  }

  @Test func `a sink that does not get open holds a graph up for ten seconds`() async throws {
    let setup = try Setup("counting 3 | listen | collect stalls")
    async let failures = setup.graph.run()
    await setup.bench.wait { $0.reached.contains("collect opened") }
    setup.bench.read { #expect(!$0.reached.contains("listen runs")) }
    while setup.bench.read({ !$0.reached.contains("listen runs") }) {
      setup.world.loop.advance(by: .seconds(1))
      try await Task.sleep(for: .milliseconds(2))
    }
    setup.bench.open()
    #expect(try await failures.isEmpty)
    #expect(setup.bench.read { $0.events["collect"]?.count } ?? 0 > 0)
  }

  @Test func `a graph that is stopped while a sink is being opened ends`() async throws {
    let setup = try Setup("counting 3 live stays | listen | collect stalls")
    async let failures = setup.graph.run()
    await setup.bench.wait { $0.reached.contains("collect opened") }
    setup.graph.stop()
    setup.bench.open()
    #expect(try await failures.isEmpty)
  }

  @Test("a sink that lost interest ends quietly, and the graph ends when no sink is left")
  func endOfInterest() async throws {
    let setup = try Setup("counting 3 live stays | record bored fails_after=2")
    #expect(try await setup.graph.run().isEmpty)
    #expect(setup.samples("record") == counted(0..<1280))
    #expect(setup.world.notices.isEmpty)
    let two = try Setup(
      """
      heard = counting 5 live stays
      a = heard | record bored fails_after=2
      b = heard | listen | collect fails
      """)
    #expect(try await two.graph.run().map(\.title) == ["b"])
  }

  @Test("a recogniser that throws ends its branch; a recording beside it goes on")
  func failingRecogniser() async throws {
    let setup = try Setup(
      """
      heard = counting 200
      heard | listen fails_after=3 | collect
      tape = heard | record
      """)
    let failures = try await setup.graph.run()
    #expect(failures.map(\.error.code) == [.refused])
    #expect(setup.turns("collect") == [1, 2, 3])
    #expect(setup.calls("collect") == ["finish"])
    #expect(setup.samples("tape") == counted(0..<128_000))
  }

  @Test("an event transform behind several producers keeps the order of each and ends once")
  func manyProducers() async throws {
    let setup = try Setup(
      """
      a = counting 100 frames=100 | listen
      b = counting 100 frames=200 | listen
      c = counting 100 frames=300 | listen
      a, b, c | passing | collect
      """)
    #expect(try await setup.graph.run().isEmpty)
    let events = setup.bench.read { $0.events["collect"] ?? [] }
    #expect(events.count == 301)
    for stream in ["a", "b", "c"] {
      let turns = events.compactMap { event -> Int? in
        if case .turn(let turn) = event, turn.stream == stream { turn.turn } else { nil }
      }
      #expect(turns == Array(1...100))
    }
    #expect(setup.turns("collect").last == 0)
  }

  @Test("ports of recognisers and of sinks carry events and end with their stage")
  func ports() async throws {
    let setup = try Setup(
      """
      heard = counting 3 | listen
      first = heard | collect
      spare = first.dead | collect
      said = heard.notices | collect
      """)
    #expect(try await setup.graph.run().isEmpty)
    #expect(setup.turns("first") == [1, 2, 3])
    #expect(setup.turns("spare") == [1, 2, 3])
    #expect(setup.bench.read { $0.events["said"]?.count } == 1)
    #expect(setup.calls("said") == ["finish"])
  }

  @Test("a source that finishes at once prepares and finishes what follows")
  func emptyInput() async throws {
    let setup = try Setup(
      """
      heard = counting 0
      a = heard | pieces | record
      heard | listen | collect
      """)
    #expect(try await setup.graph.run().isEmpty)
    #expect(setup.samples("a") == [])
    #expect(setup.calls("a") == ["prepare", "finish"])
    #expect(setup.calls("collect") == ["finish"])
  }

  @Test("blocks without a frame reach nobody")
  func emptyBlocks() async throws {
    let setup = try Setup(
      """
      heard = counting 30 gaps
      a = heard | record
      b = heard | pieces | record
      """)
    #expect(try await setup.graph.run().isEmpty)
    #expect(setup.samples("a") == counted(0..<19_200))
    #expect(setup.bench.read { $0.pieces["a"]?.contains(0) } == false)
    #expect(setup.samples("b") == counted(0..<19_200))
  }

  @Test("a stage that blocks its audio thread is named, once, and how long it did")
  func watchdog() async throws {
    let bench = Bench()
    let world = TestWorld(resources: [bench])
    // The watchdog's clock and timers are the test's own: what the machine's clock does meanwhile makes no difference.
    let graph = try GraphHarness(
      "stuck = counting 1 | record blocks", catalogue: stages, world: world, clock: nil)
    async let failures = graph.run()
    await bench.wait { $0.reached.contains("blocked") }
    world.loop.advance(by: .seconds(10))
    let told = { world.notices.filter { ["blocked", "unblocked"].contains($0.notice) }.map(\.message) }
    #expect(
      told() == ["record (test.graph:1:22) has blocked its audio thread for 2.0 s, and still does"])
    bench.open()
    #expect(try await failures.isEmpty)
  }

  @Test("a sink of events that does not keep up loses the newest, counted, and holds up nobody")
  func slowSink() async throws {
    let setup = try Setup(
      """
      heard = counting 5000 frames=1 | listen
      slow = heard | collect waits
      fast = heard | collect
      """)
    async let failures = setup.graph.run()
    await setup.bench.wait { ($0.events["fast"]?.count ?? 0) >= 4200 }
    setup.bench.open()
    let losses = try await failures.map(\.error)
    #expect(losses.map(\.code) == [.unavailable])
    #expect(losses.first?.message.hasSuffix("events were lost") == true)
    #expect(setup.turns("fast") == Array(1...5000))
    let kept = setup.turns("slow")
    #expect(kept.prefix(1024) == Array(1...1024)[...])
    #expect(kept == kept.sorted())
    let dropped = setup.notices("dropped").compactMap { $0.details.first?.value.intValue }.reduce(0, +)
    #expect(dropped == 5000 - kept.count)
  }
}
