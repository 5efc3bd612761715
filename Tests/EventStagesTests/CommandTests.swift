import FluxGraph
import Foundation
import StageTesting
import TestSupport
import Testing

@testable import EventStages

@Suite(.timeLimit(.minutes(10))) struct CommandTests {
  init() { signal(SIGPIPE, SIG_IGN) }

  private func stage(_ program: [String], each: Bool = false, timeout: Duration = .seconds(30)) -> Command {
    var stage = Command()
    stage.program = program
    stage.each = each
    stage.timeout = timeout
    return stage
  }

  @Test("a program reads every event, a line each, and is ended with its input")
  func one() async throws {
    let folder = try TemporaryFolder()
    let world = TestWorld()
    var stage = stage(["sh", "-c", "cat > out; echo done >&2"])
    try await stage.open(world.context(directory: folder.path))
    let events = (1...2000).map { turn($0, spoken("some words that fill the pipe's buffer")) }
    for event in events { try await stage.write(event) }
    try await stage.finish()
    #expect(try folder.text("out") == events.map { $0.json.serialized + "\n" }.joined())
    #expect(world.notices.map(\.message) == ["sh: done"])
  }

  @Test("a program that ends with a failure is told, one that has had enough is not")
  func early() async throws {
    let world = TestWorld()
    for (code, isQuiet) in [(3, false), (0, true)] {
      var stage = stage(["sh", "-c", "read line; exit \(code)"])
      try await stage.open(world.context())
      let error = await #expect(throws: (any Error).self) {
        for number in 1...100 {
          try await stage.write(turn(number, spoken("word")))
          try await Task.sleep(for: .milliseconds(5))
        }
      }
      #expect((error is EndOfInterest) == isQuiet)
      if !isQuiet { #expect((error as? StageError)?.message == "sh ended with exit code 3") }
    }
  }

  @Test("a program that does not end is ended")
  func stubborn() async throws {
    let world = TestWorld()
    var stage = stage(["sh", "-c", "trap '' TERM; echo $$ >&2; sleep 60"])
    try await stage.open(world.context())
    await #expect(throws: StageError.self) { try await stage.finish() }
    let process = try #require(world.notices.first.flatMap { Int32($0.message.dropFirst(4)) })
    #expect(kill(process, 0) != 0)
  }

  @Test("with `each` every event has a program, and what fails leaves by the port")
  func each() async throws {
    let folder = try TemporaryFolder()
    let world = TestWorld()
    var stage = stage(["sh", "-c", "grep -v '\"turn\":2' >> out"], each: true)
    try await stage.open(world.context(directory: folder.path))
    let events = (1...3).map { turn($0, spoken("word")) }
    for event in events { try await stage.write(event) }
    await #expect(throws: StageError.self) { try await stage.finish() }
    #expect(try folder.text("out") == [events[0], events[2]].map { $0.json.serialized + "\n" }.joined())
    let dead = world.emitted.filter { $0.port == "dead" }.map(\.event.json)
    #expect(dead.count == 1 && dead[0]["original"]?["turn"]?.intValue == 2)
    #expect(dead[0]["reason"]?.stringValue == "sh ended with exit code 1")
  }

  @Test("with `each` a program that takes too long is ended, and the next event has its own")
  func slow() async throws {
    let world = TestWorld()
    var stage = stage(["sleep", "60"], each: true, timeout: .milliseconds(200))
    try await stage.open(world.context())
    try await stage.write(turn(1, spoken("word")))
    await #expect(throws: StageError.self) { try await stage.finish() }
    #expect(world.notices.map(\.message) == ["sleep did not take an event: sleep was not ready in 200ms"])
  }

  @Test("with a spool an event whose program fails is kept for the next run")
  func spool() async throws {
    let folder = try TemporaryFolder()
    func run(_ world: TestWorld, _ turns: [Int]) async throws {
      var stage = self.stage(["sh", "-c", "test -e up && cat >> out"], each: true)
      stage.spool = Path("spool")
      stage.retry = RetrySchedule(waits: [.seconds(60)])
      try await stage.open(world.context(name: "crm", directory: folder.path))
      for number in turns { try await stage.write(turn(number, spoken("word"))) }
      try await stage.finish()
    }
    let down = TestWorld()
    try await run(down, [1, 2])
    #expect(down.notices.map(\.notice) == ["retrying", "spooled"])
    try Data().write(to: URL(filePath: folder.file("up")))
    try await run(TestWorld(), [3])
    #expect(
      try folder.text("out") == (1...3).map { turn($0, spoken("word")).json.serialized + "\n" }.joined())
    #expect(try Spool.summary(directory: folder.file("spool"), name: "crm").pending == 0)
    var stage = self.stage(["cat"])
    stage.spool = Path("spool")
    let wrong = stage
    #expect(throws: OptionConflict.self) { try wrong.checkOptions() }
  }

  @Test("a program that reads nothing is ended in time, and the event it stopped at leaves by the port")
  func deaf() async throws {
    let world = TestWorld()
    var stage = stage(["sleep", "60"], timeout: .milliseconds(500))
    try await stage.open(world.context())
    let error = await #expect(throws: StageError.self) {
      for number in 1...1000 {
        try await stage.write(turn(number, spoken("some words that fill the pipe's buffer")))
      }
    }
    #expect(error?.message == "sleep was not ready in 500ms")
    let dead = world.emitted.filter { $0.port == "dead" }
    #expect(dead.count == 1 && dead[0].event.json["reason"]?.stringValue == "sleep was not ready in 500ms")
  }

  @Test("a program that is not there is told before the first event, and no key reaches one that is")
  func start() async throws {
    let world = TestWorld()
    var missing = stage(["no-such-program"])
    let error = await #expect(throws: StageError.self) { try await missing.open(world.context()) }
    #expect(error?.message == "there is no program no-such-program")
    setenv("DEEPGRAM_API_KEY", "s3cret", 1)
    var stage = stage(["sh", "-c", "echo key:$DEEPGRAM_API_KEY >&2"])
    try await stage.open(world.context())
    try await stage.finish()
    #expect(world.notices.map(\.message) == ["sh: key:"])
  }
}
