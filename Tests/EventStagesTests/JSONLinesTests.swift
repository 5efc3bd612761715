import FluxGraph
import Foundation
import StageTesting
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
    let folder = try Folder()
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
    let folder = try Folder()
    var stage = try stage(folder.file("a.jsonl"))
    try await stage.open(TestWorld().context())
    try await stage.write(turn(1, spoken("one")))
    try FileManager.default.moveItem(atPath: folder.file("a.jsonl"), toPath: folder.file("b.jsonl"))
    try await stage.write(turn(2, spoken("two")))
    #expect(try folder.text("b.jsonl").contains("one"))
    #expect(try folder.text("a.jsonl").contains("two"))
  }

  @Test("a torn line at a file's end is cut off, and anything else is left alone")
  func torn() async throws {
    let folder = try Folder()
    let whole = turn(1, spoken("one")).json.serialized
    for cut in [0, 1, 5, 20, whole.utf8.count - 1, whole.utf8.count] {
      let path = folder.file("\(cut).jsonl")
      try (whole + "\n" + whole.prefix(cut)).write(toFile: path, atomically: true, encoding: .utf8)
      try LineFile().append(Array("x\n".utf8), to: path, now: .now())
      let lines = try folder.text("\(cut).jsonl").split(separator: "\n").map(String.init)
      // The first four bytes could begin anything, and stay, on a line of their own.
      let rest = cut == whole.utf8.count ? [whole] : cut > 0 && cut < 5 ? [String(whole.prefix(cut))] : []
      #expect(lines == [whole] + rest + ["x"])
    }
  }

  @Test("lines wait in memory while the disk takes none, and the user is told once")
  func fullDisk() async throws {
    let folder = try Folder()
    let world = TestWorld()
    try FileManager.default.createSymbolicLink(
      atPath: folder.file("a.jsonl"), withDestinationPath: "/dev/full")
    var stage = try stage(folder.file("a.jsonl"))
    try await stage.open(world.context())
    for number in 1...3 { try await stage.write(turn(number, spoken("word"))) }
    #expect(world.notices.map(\.notice) == ["not-written"])
    #expect(world.notices[0].message.contains("No space left on device"))
    try FileManager.default.removeItem(atPath: folder.file("a.jsonl"))
    try await stage.write(turn(4, spoken("word")))
    try await stage.finish()
    #expect(world.notices.map(\.notice) == ["not-written", "written-again"])
    #expect(try folder.text("a.jsonl").split(separator: "\n").count == 4)
  }

  // The peers' Python validates with jsonschema.
  @Test(
    "every event is valid by the published schema, and broken ones are not", .enabled(if: Peers.hasPython))
  func schema() throws {
    var events = [
      turn(spoken("Hello there")), turn(kind: .update, stream: nil, []), turn([("x", nil, nil)]),
      .notice(Notice("reconnected", "again", details: [("lost", 3)])),
    ]
    if case .turn(var event) = events[0] {
      event.isReplayed = true
      event.isSynthesised = true
      event.languages = ["en"]
      event.service = ["request_id": "x"]
      events.append(.turn(event))
    }
    let good = events.map(\.json.serialized)
    let bad = [
      #"{"v":2,"event":"Update","time":"2026-11-20T14:02:11.123Z"}"#,
      good[0].replacing("\"turn\":1", with: "\"turn\":0"),
      good[0].replacing("\"final\":true,", with: ""), good[3].replacing("\"info\"", with: "\"bad\""),
      good[0].replacing("00Z", with: "00+01:00"),
    ]
    let script = """
      import json, sys, jsonschema
      schema = json.loads(sys.argv[1])
      jsonschema.Draft202012Validator.check_schema(schema)
      check = jsonschema.Draft202012Validator(schema)
      for line in sys.stdin: print("yes" if check.is_valid(json.loads(line)) else "no")
      """
    let answer = try Peers.run(
      Peers.python, ["-c", script, EventSchema.text], input: (good + bad).joined(separator: "\n"))
    let verdicts = answer.split(separator: "\n").map(String.init)
    #expect(verdicts == good.map { _ in "yes" } + bad.map { _ in "no" })
  }
}
