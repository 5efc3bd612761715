import FluxGraph
import Foundation
import StageTesting
import TestSupport
import Testing

@testable import EventStages

@Suite struct JSONLinesFileTests {
  private func stage(_ path: String, _ change: (inout JSONLines) -> Void = { _ in }) throws -> JSONLines {
    var stage = JSONLines()
    stage.path = PathTemplate(try Template(path))
    change(&stage)
    return stage
  }

  @Test("a file is put aside before it gets too long, and old ones are removed")
  func rotation() async throws {
    let folder = try TemporaryFolder()
    let world = TestWorld()
    var stage = try stage(folder.file("a.jsonl")) {
      $0.rotate.size = .bytes(1000)
      $0.keep = 2
    }
    try await stage.open(world.context())
    for number in 1...40 {
      try await stage.write(turn(number, spoken("A few words")))
      world.loop.advance(by: .seconds(1))
    }
    try await stage.finish()
    #expect(folder.names.count == 3)
    var turns: [Int] = []
    for name in folder.names.filter({ $0 != "a.jsonl" }) + ["a.jsonl"] {
      let text = try folder.text(name)
      #expect(text.utf8.count <= 1000)
      turns += try text.split(separator: "\n").map {
        try #require(try JSONValue.parse(Array($0.utf8).span)["turn"]?.intValue)
      }
    }
    #expect(turns == Array((41 - turns.count)...40))
  }

  @Test(
    "a period ends with the wall clock's, also over a restart",
    arguments: [(3599.0, 3601.0, true), (3601.0, 7199.0, false)])
  func period(last: Double, now: Double, isDue: Bool) {
    let rotation = FileRotation(period: .seconds(3600))
    #expect(
      rotation.isDue(count: 5, added: 5, lastWrite: WallTime(seconds: last), now: WallTime(seconds: now))
        == isDue)
    #expect(!rotation.isDue(count: 0, added: 5, lastWrite: WallTime(seconds: 0), now: WallTime(seconds: now)))
  }

  @Test("a file that was moved away is opened anew")
  func moved() async throws {
    let folder = try TemporaryFolder()
    var stage = try stage(folder.file("a.jsonl"))
    try await stage.open(TestWorld().context())
    try await stage.write(turn(1, spoken("one")))
    try FileManager.default.moveItem(atPath: folder.file("a.jsonl"), toPath: folder.file("b.jsonl"))
    try await stage.write(turn(2, spoken("two")))
    #expect(try folder.text("b.jsonl").contains("one"))
    #expect(try folder.text("a.jsonl").contains("two"))
  }

  @Test("two files put aside in one moment do not take each other's name")
  func rotationInAHurry() async throws {
    let folder = try TemporaryFolder()
    var stage = try stage(folder.file("a.jsonl")) { $0.rotate.size = .bytes(1000) }
    try await stage.open(TestWorld().context())
    for number in 1...40 { try await stage.write(turn(number, spoken("A few words"))) }
    try await stage.finish()
    let turns = try folder.names.map { try folder.text($0).split(separator: "\n").count }
    #expect(turns.reduce(0, +) == 40 && turns.count > 10)
  }

  @Test("a torn line at a file's end is cut off, and anything else is left alone", arguments: [true, false])
  func torn(hasWholeLine: Bool) async throws {
    let folder = try TemporaryFolder()
    let whole = turn(1, spoken("one")).json.serialized
    let before = hasWholeLine ? [whole] : []
    for cut in [0, 1, 5, 20, whole.utf8.count - 1, whole.utf8.count] {
      let path = folder.file("\(cut).jsonl")
      let text = before.map { $0 + "\n" }.joined() + whole.prefix(cut)
      try text.write(toFile: path, atomically: true, encoding: .utf8)
      try LineFile().append(Array("{}\n".utf8), to: path, now: .now())
      let lines = try folder.text("\(cut).jsonl").split(separator: "\n").map(String.init)
      #expect(lines == before + (cut == whole.utf8.count ? [whole] : []) + ["{}"], "cut at \(cut)")
    }
  }

  @Test(
    "a file of something else is refused and left as it is",
    arguments: [
      "RIFF\u{10}␀␀␀WAVEfmt ", "a line\n", "{\n  \"a\": 1\n}\n", "[1]\n", "\n\n", "{\"a\":\n", " ",
    ])
  func foreign(content: String) async throws {
    let folder = try TemporaryFolder()
    let path = folder.file("call.wav")
    // A NUL in an argument would cut off what the tests print.
    let content = content.replacing("␀", with: "\0")
    try content.write(toFile: path, atomically: true, encoding: .utf8)
    var fixed = try stage(path)
    let needs = try #require(fixed.needs(TestWorld().context()))
    let error = #expect(throws: StageError.self) { for need in needs { _ = try need.look() } }
    try await fixed.open(TestWorld().context())
    await #expect(throws: StageError.self) { try await fixed.write(turn(spoken("word"))) }
    #expect(error?.code == .badInput && error?.message.contains("call.wav") == true)
    var chosen = try stage(folder.file("{stream}.wav"))
    try await chosen.open(TestWorld().context())
    await #expect(throws: StageError.self) { try await chosen.write(turn(stream: "call", spoken("word"))) }
    #expect(try folder.text("call.wav") == content)
  }

  @Test("nothing an event says leads out of the directory, or to a name no file can have")
  func hostileNames() async throws {
    let folder = try TemporaryFolder()
    let world = TestWorld()
    var stage = try stage(folder.file("logs/{stream}/{transcript}.jsonl"))
    try await stage.open(world.context())
    let long = String(repeating: "ä", count: 300)
    for name in ["..", ".", "../../etc/x", "/etc", "a/../../b", "a\nb\u{1b}[2J", "", long] {
      try await stage.write(turn(stream: name, spoken(name.isEmpty ? "x" : name)))
    }
    try await stage.finish()
    #expect(world.notices.isEmpty)
    #expect(folder.names == ["logs"])
    let inside = try FileManager.default.subpathsOfDirectory(atPath: folder.file("logs"))
    #expect(inside.filter { $0.hasSuffix(".jsonl") }.count == 8)
    #expect(inside.allSatisfy { path in path.split(separator: "/").allSatisfy { !$0.hasPrefix(".") } })
    #expect(inside.allSatisfy { path in path.unicodeScalars.allSatisfy { $0.value >= 0x20 } })
  }

  @Test("events of two streams go to two files, which stay open")
  func severalFiles() async throws {
    let folder = try TemporaryFolder()
    let world = TestWorld()
    var stage = try stage(folder.file("{stream}.jsonl"))
    try await stage.open(world.context())
    for number in 1...100 { try await stage.write(turn(number, stream: "s\(number % 20)", spoken("word"))) }
    try await stage.finish()
    #expect(folder.names.count == 20)
    for name in folder.names { #expect(try folder.text(name).split(separator: "\n").count == 5) }
  }

  @Test("what was written is made safe a second later, without another event", arguments: FileSync.allCases)
  func interval(sync: FileSync) async throws {
    let folder = try TemporaryFolder()
    let world = TestWorld()
    var stage = try stage(folder.file("a.jsonl")) { $0.fsync = sync }
    try await stage.open(world.context())
    try await stage.write(turn(kind: .update, spoken("word")))
    #expect(world.loop.timerCount == (sync == .interval ? 1 : 0))
    world.loop.advance(by: .seconds(1))
    #expect(world.loop.timerCount == 0)
    try await stage.finish()
  }

  @Test("a file that was moved away is there again after a hang-up, before the next event")
  func hangUp() async throws {
    let folder = try TemporaryFolder()
    let world = TestWorld()
    var stage = try stage(folder.file("a.jsonl"))
    try await stage.open(world.context())
    try await stage.write(turn(1, spoken("one")))
    try FileManager.default.moveItem(atPath: folder.file("a.jsonl"), toPath: folder.file("a.jsonl.1"))
    world.hangUp()
    #expect(folder.names == ["a.jsonl", "a.jsonl.1"])
    try await stage.write(turn(2, spoken("two")))
    try await stage.finish()
    #expect(try folder.text("a.jsonl").contains("two") && folder.text("a.jsonl.1").contains("one"))
  }

  @Test(
    "lines wait in memory while the disk takes none, are tried again by themselves, and the user is told once"
  )
  func fullDisk() async throws {
    let folder = try TemporaryFolder()
    let world = TestWorld()
    try FileManager.default.createSymbolicLink(
      atPath: folder.file("a.jsonl"), withDestinationPath: "/dev/full")
    var stage = try stage(folder.file("a.jsonl"))
    try await stage.open(world.context())
    for number in 1...3 { try await stage.write(turn(number, spoken("word"))) }
    world.loop.advance(by: .seconds(5))
    #expect(world.notices.map(\.notice) == ["not-written"])
    #expect(world.notices[0].message.contains("No space left on device"))
    try FileManager.default.removeItem(atPath: folder.file("a.jsonl"))
    world.loop.advance(by: .seconds(1))
    #expect(try folder.text("a.jsonl").split(separator: "\n").count == 3, "without another event")
    try await stage.write(turn(4, spoken("word")))
    try await stage.finish()
    #expect(world.notices.map(\.notice) == ["not-written", "written-again"])
    #expect(try folder.text("a.jsonl").split(separator: "\n").count == 4)
  }

  @Test("a named pipe may lack its reader, or have a slow one: nothing waits for it, and it gets whole lines")
  func namedPipe() async throws {
    let folder = try TemporaryFolder()
    let path = folder.file("pipe")
    try #require(mkfifo(path, 0o600) == 0)
    let world = TestWorld()
    var stage = try stage(path)
    try await stage.open(world.context())
    for number in 1...3 { try await stage.write(turn(number, spoken("word"))) }
    #expect(world.notices.map(\.message) == ["nobody reads the pipe \(path); it is tried again every second"])
    let reader = open(path, O_RDONLY | O_NONBLOCK)
    try #require(reader >= 0)
    defer { close(reader) }
    // More than a pipe holds.
    for number in 4...1000 { try await stage.write(turn(number, spoken("word"))) }
    var text: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 1 << 16)
    for _ in 0..<200 {
      let count = read(reader, &piece, piece.count)
      if count > 0 { text += piece[..<count] } else { world.loop.advance(by: .seconds(1)) }
    }
    try await stage.finish()
    while case let count = read(reader, &piece, piece.count), count > 0 { text += piece[..<count] }
    let lines = text.split(separator: UInt8(ascii: "\n"))
    #expect(try lines.map { try JSONValue.parse(Array($0).span)["turn"]?.intValue } == (1...1000).map { $0 })
  }

  // The peers' Python validates with jsonschema.
  @Test(
    "every event is valid by the published schema, and broken ones are not", .enabled(if: Peers.havePython))
  func schema() throws {
    var events = [
      turn(spoken("Hello there")), turn(kind: .update, stream: nil, []), turn([("x", nil, nil)]),
      .notice(Notice("reconnected", "again", details: [("lost", 3)])),
    ]
    for kind in TurnEvent.Kind.known { events.append(turn(kind: kind, spoken("Hello there"))) }
    let event = events[0].json
    events.append(.notice(.undeliverable(event, reason: "it was full", stream: "crm")))
    events.append(
      .notice(
        .undeliverable(
          event, reason: "it answered with status 500", status: 500, attempts: 3, identifier: "msg_1",
          body: "x",
          stream: "crm")))
    let letter = DeadLetter(
      delivery: Delivery(id: "msg_1", stream: "", accepted: 12.5, event: event, body: "x"), reason: "no",
      status: 410
    ).json.serialized
    if case .turn(var event) = events[0] {
      event.isReplayed = true
      event.isSynthesised = true
      event.languages = ["en"]
      event.service = ["request_id": "x"]
      events.append(.turn(event))
    }
    let list = JSONValue.array([event, event]).serialized
    let good = events.map(\.json.serialized) + [letter, list]
    let undeliverable = Event.notice(.undeliverable(event, reason: "no", stream: "crm")).json.serialized
    let bad = [
      #"{"v":2,"event":"Update","time":"2026-11-20T14:02:11.123Z"}"#,
      good[0].replacing("\"turn\":1", with: "\"turn\":0"),
      good[0].replacing("\"final\":true,", with: ""), good[3].replacing("\"info\"", with: "\"bad\""),
      good[0].replacing("00Z", with: "00+01:00"), undeliverable.replacing("\"attempts\":0,", with: ""),
      undeliverable.replacing("\"turn\":1", with: "\"turn\":0"),
      letter.replacing("\"v\":1,\"reason", with: "\"reason"),
      letter.replacing("410", with: "41"), "[]", list.replacing("\"words\"", with: "\"word\""),
    ]
    let script = """
      import json, sys, jsonschema
      schema = json.loads(sys.argv[1])
      jsonschema.Draft202012Validator.check_schema(schema)
      check = jsonschema.Draft202012Validator(schema)
      for line in sys.stdin: print("yes" if check.is_valid(json.loads(line)) else "no")
      """
    let answer = try Peers.python(script, [EventSchema.text], input: (good + bad).joined(separator: "\n"))
    let verdicts = answer.split(separator: "\n").map(String.init)
    #expect(verdicts == good.map { _ in "yes" } + bad.map { _ in "no" })
  }
}
