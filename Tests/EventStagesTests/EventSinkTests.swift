import FluxGraph
import Foundation
import StageTesting
import TestSupport
import Testing

@testable import EventStages

func turn(
  _ number: Int, _ transcript: String, kind: TurnEvent.Kind = .endOfTurn, stream: String? = nil,
  isFinal: Bool? = true, trigger: TurnEvent.Trigger? = "model"
) -> Event {
  .turn(
    TurnEvent(
      kind: kind, stream: stream, session: "s", turn: number, isFinal: isFinal, trigger: trigger, start: 83.4,
      end: 85, time: WallTime(seconds: 1_795_183_331.123), transcript: transcript))
}

private func make<S: Stage>(_ type: S.Type, _ settings: [(String, GraphValue)] = []) throws -> S {
  let stage = try StageSpecification(type).make(settings.map { StageSetting($0.0, $0.1) })
  return try #require(stage as? S)
}

/// A directory of its own for a test, removed afterwards.
private func withDirectory(_ body: (String) async throws -> Void) async throws {
  let directory = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
  try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: directory) }
  try await body(directory.path)
}

@Suite struct WhereTests {
  @Test("only events the predicate holds for go through")
  func filter() throws {
    let predicate = Predicate.and(
      .compare(field: "event", .equal, .text("EndOfTurn")), .compare(field: "transcript", .unequal, .text(""))
    )
    var stage = try make(Where.self, [("predicate", .predicate(predicate))])
    var kept: [Int] = []
    let events = [
      turn(1, "a"), turn(2, ""), turn(3, "b", kind: .update), .notice(Notice("gap", "lost")), turn(4, "c"),
    ]
    for event in events {
      stage.process(event) { if case .turn(let turn) = $0 { kept.append(turn.turn) } }
    }
    stage.finish { _ in Issue.record("nothing follows the last event") }
    #expect(kept == [1, 4])
  }
}

@Suite struct StandardOutputTests {
  /// What the stage prints for some events, through a pipe.
  private func printed(_ settings: [(String, GraphValue)], _ events: [Event]) async throws -> String {
    let pipe = Pipe()
    var stage = try make(StandardOutput.self, settings)
    stage.descriptor = pipe.fileHandleForWriting.fileDescriptor
    try await stage.open(TestWorld().context())
    for event in events { try await stage.write(event) }
    try await stage.finish()
    try pipe.fileHandleForWriting.close()
    return String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
  }

  private let events = [
    turn(1, "Hel", kind: .update), turn(1, "Hello, how are you?", stream: "me"),
    turn(2, "cut", isFinal: false, trigger: "disconnected"),
    .notice(Notice("gap", "lost", time: WallTime(seconds: 0))),
  ]

  @Test("a line is printed for each finished turn")
  func text() async throws {
    #expect(
      try await printed([], events)
        == "[1:23.4] me: Hello, how are you?\n[1:23.4] cut (disconnected)\n")
  }

  @Test("`on` chooses the events a line is printed for")
  func on() async throws {
    #expect(
      try await printed([("on", .list([.word("Update"), .word("Notice")]))], events)
        == "[1:23.4] Update: Hel\nnotice: lost\n")
  }

  @Test("a template is filled in for each of them")
  func template() async throws {
    #expect(
      try await printed(
        [("template", .string("{turn:>3} {stream?}|{transcript}")), ("on", .list([.word("EndOfTurn")]))],
        events)
        == "  1 me|Hello, how are you?\n  2 |cut\n")
    let all = try await printed([("template", .string("{event}"))], events).split(separator: "\n")
    #expect(all.map(String.init) == events.map { $0.value(of: "event")?.description })
  }

  @Test("whatever events say, what is printed of them has nothing a terminal would obey or hide")
  func hostile() async throws {
    var generator = SeededGenerator(seed: 8)
    let template = GraphValue.string("\u{1B}[1m{transcript}\t{stream?}{trigger?}{message?}\u{9B}")
    let on = ("on", GraphValue.list([.word("EndOfTurn"), .word("Notice")]))
    // Few at a time: nobody reads the pipe meanwhile.
    for _ in 0..<20 {
      var events: [Event] = []
      for number in 0..<10 {
        let texts = (0..<3).map { _ in HostileText.random(using: &generator) }
        let kind = TurnEvent.Kind(rawValue: texts[2])
        events += [
          turn(
            number, texts[0], kind: kind, stream: texts[1], isFinal: false, trigger: .init(rawValue: texts[2])
          ),
          turn(number, texts[0], stream: texts[1], isFinal: false, trigger: .init(rawValue: texts[2])),
          .notice(Notice(texts[0], texts[1], stream: texts[2], details: [(texts[0], .string(texts[1]))])),
        ]
      }
      for settings in [[], [on], [("json", .flag)], [("template", template)]] {
        let text = try await printed(settings, events)
        #expect(text.contains("\n") && HostileText.offences(in: text, besides: "\n\t") == [])
      }
      var lines = LiveLines(isColored: false)
      for event in events {
        #expect(HostileText.offences(in: lines.take(event)) == [])
        for line in lines.lines(on: TerminalScreen(columns: 60, rows: 10)) {
          #expect(HostileText.offences(in: line, besides: "") == [])
        }
      }
    }
    let persian = turn(1, HostileText.languages)
    #expect(try await printed([], [persian]) == "[1:23.4] \(HostileText.languages)\n")
  }

  @Test("`json` prints every event, a line each")
  func json() async throws {
    let lines = try await printed([("json", .flag)], events).split(separator: "\n")
    #expect(lines.map(String.init) == events.map(\.json.serialized))
  }

  @Test("a reader that has gone ends the sink quietly")
  func brokenPipe() async throws {
    signal(SIGPIPE, SIG_IGN)
    let pipe = Pipe()
    var stage = try make(StandardOutput.self)
    stage.descriptor = pipe.fileHandleForWriting.fileDescriptor
    try await stage.open(TestWorld().context())
    try pipe.fileHandleForReading.close()
    await #expect(throws: EndOfInterest.self) { try await stage.write(turn(1, "a")) }
  }

  @Test("any other failure is told")
  func failure() async throws {
    let file = try #require(FileHandle(forWritingAtPath: "/dev/full"))
    var stage = try make(StandardOutput.self)
    stage.descriptor = file.fileDescriptor
    try await stage.open(TestWorld().context())
    let error = await #expect(throws: StageError.self) { try await stage.write(turn(1, "a")) }
    #expect(error?.code == .inputOutput)
    #expect(error?.message == "cannot write to standard output: No space left on device")
  }

  @Test("a line longer than a pipe goes out whole, to a reader that is slow and a pipe that does not block")
  func longLine() async throws {
    let pipe = Pipe()
    let descriptor = pipe.fileHandleForWriting.fileDescriptor
    _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
    let text = String(repeating: "abcdefgh", count: 50_000)
    let reader = Task.detached { pipe.fileHandleForReading.readDataToEndOfFile() }
    var stage = try make(StandardOutput.self, [("template", .string("{transcript}"))])
    stage.descriptor = descriptor
    try await stage.open(TestWorld().context())
    try await stage.write(turn(1, text))
    try pipe.fileHandleForWriting.close()
    #expect(String(decoding: await reader.value, as: UTF8.self) == text + "\n")
  }

  @Test("options that contradict each other are named")
  func conflicts() throws {
    let specification = StageSpecification(StandardOutput.self)
    let both = specification.conflicts(
      in: try make(StandardOutput.self, [("json", .flag), ("template", .string("x"))]))
    #expect(both.map(\.options) == [["json", "template"]])
    let unknown = #expect(throws: OptionConflict.self) {
      try make(StandardOutput.self, [("on", .list([.word("EndOfturn")]))]).checkOptions()
    }
    #expect(unknown?.message == "no event is called `EndOfturn`")
    try make(StandardOutput.self, [("on", .list([.word("Notice")]))]).checkOptions()
  }
}

@Suite struct JSONLinesTests {
  private func content(_ path: String) throws -> String {
    String(decoding: try Data(contentsOf: URL(fileURLWithPath: path)), as: UTF8.self)
  }

  @Test("every event is a whole line, behind what the file already had")
  func append() async throws {
    try await withDirectory { directory in
      try Data("{\"v\":1,\"event\":\"Old\"}\n".utf8).write(to: URL(fileURLWithPath: "\(directory)/a.jsonl"))
      var stage = try make(JSONLines.self, [("path", .word("a.jsonl"))])
      try await stage.open(TestWorld().context(directory: directory))
      let events = [turn(1, "a\nb"), .notice(Notice("gap", "lost")), turn(2, "ü")]
      for (index, event) in events.enumerated() {
        try await stage.write(event)
        // Safe as soon as `write` returns.
        #expect(try content("\(directory)/a.jsonl").split(separator: "\n").count == index + 2)
      }
      try await stage.finish()
      let text = try content("\(directory)/a.jsonl")
      #expect(text == "{\"v\":1,\"event\":\"Old\"}\n" + events.map { $0.json.serialized + "\n" }.joined())
    }
  }

  @Test("a path with fields leads to a file each, and directories are made")
  func fields() async throws {
    try await withDirectory { directory in
      var stage = try make(JSONLines.self, [("path", .word("logs/{date}/{stream}.jsonl"))])
      try await stage.open(TestWorld().context(directory: directory))
      try await stage.write(turn(1, "a", stream: "me"))
      try await stage.write(turn(2, "b", stream: "../you"))
      try await stage.write(turn(3, "c", stream: "me"))
      try await stage.finish()
      let date = WallTime(seconds: 1_795_183_331.123).local.date
      #expect(try content("\(directory)/logs/\(date)/me.jsonl").split(separator: "\n").count == 2)
      #expect(try content("\(directory)/logs/\(date)/_._you.jsonl").split(separator: "\n").count == 1)
    }
  }

  @Test("a path that cannot be written is told before the first event")
  func refused() async throws {
    try await withDirectory { directory in
      try Data().write(to: URL(fileURLWithPath: "\(directory)/file"))
      let stage = try make(JSONLines.self, [("path", .word("file/a.jsonl"))])
      let context = TestWorld().context(directory: directory)
      let error = #expect(throws: StageError.self) { try stage.needs(context)?.first?.look() }
      #expect(error?.code == .inputOutput)
      #expect(error?.message == "cannot make \(directory)/file/a.jsonl: \(directory)/file is no directory")
      var full = try make(JSONLines.self, [("path", .word("/dev/full"))])
      try await full.open(context)
      try await full.write(turn(1, "a"))
      let noRoom = await #expect(throws: StageError.self) { try await full.finish() }
      #expect(noRoom?.message == "1 event could not be written to /dev/full")
    }
  }

  @Test("a directory that cannot be made is told by the file's path")
  func impossible() async throws {
    // Not even root makes directories there.
    var stage = try make(JSONLines.self, [("path", .word("/proc/fluxgraph/a.jsonl"))])
    let world = TestWorld()
    let context = world.context()
    try await stage.open(context)
    try await stage.write(turn(1, "a"))
    let error = await #expect(throws: StageError.self) { try await stage.finish() }
    #expect(error?.message == "1 event could not be written to /proc/fluxgraph/a.jsonl")
    #expect(
      world.notices.first?.message
        == "cannot make the directory /proc/fluxgraph: No such file or directory; it is tried again every second"
    )
  }
}

@Suite struct WebhookTests {
  private func posted(
    _ events: [Event], _ answer: @escaping @Sendable (HTTPRequest) -> HTTPResponse?
  ) async throws -> TestWorld {
    let world = TestWorld(answers: answer)
    var stage = try make(
      Webhook.self,
      [
        ("url", .word("https://h.example/turns?k=s3cret")), ("timeout", .word("3s")),
        ("retry", .word("none")),
      ])
    try await stage.open(world.context(name: "crm"))
    for event in events { try await stage.write(event) }
    do { try await stage.finish() } catch let error as StageError { #expect(error.code == .unavailable) }
    return world
  }

  @Test("every event is posted as it is, in order, with the time it has")
  func requests() async throws {
    let events = [turn(1, "a"), turn(2, "b"), .notice(Notice("gap", "lost"))]
    let world = try await posted(events) { _ in HTTPResponse(status: 204, headers: [], body: []) }
    #expect(world.requests.map { String(decoding: $0.body, as: UTF8.self) } == events.map(\.json.serialized))
    for request in world.requests {
      #expect(request.method == "POST")
      #expect(request.url == "https://h.example/turns?k=s3cret")
      #expect(request.timeout == .seconds(3))
      #expect(request.headers.contains(HTTPHeader("Content-Type", "application/json")))
      #expect(request.headers.contains { $0.name == "User-Agent" && $0.value.hasPrefix("fluxgraph/") })
    }
    #expect(world.notices.isEmpty)
  }

  @Test(
    "without another try a status that is no success loses the event, with a notice that has it and no secret",
    arguments: [199, 300, 302, 404, 500])
  func refused(_ status: Int) async throws {
    let events = [turn(1, "a"), turn(2, "b")]
    let world = try await posted(events) { request in
      let isFirst = String(decoding: request.body, as: UTF8.self).contains(#""turn":1"#)
      return HTTPResponse(status: isFirst ? status : 200, headers: [], body: [])
    }
    #expect(world.requests.count == 2)
    #expect(world.notices.map(\.notice) == ["undelivered"])
    let notice = try #require(world.notices.first)
    #expect(
      notice.message.hasPrefix(
        "https://h.example/turns did not take an event: it answered with status \(status)"))
    #expect(notice.stream == "crm")
    #expect(world.emitted.map(\.port) == ["dead", "notices"])
    #expect(world.emitted[0].event.json["original"] == events[0].json)
  }

  @Test("a receiver that cannot be reached loses the event, and the sink goes on")
  func unreachable() async throws {
    let world = try await posted([turn(1, "a"), turn(2, "b")]) { _ in nil }
    #expect(
      world.notices.map(\.message)
        == ["https://h.example/turns did not take an event: the connection was refused"])
    #expect(world.emitted.filter { $0.port == "dead" }.count == 2)
  }

  @Test(
    "only http:// and https:// are posted to", arguments: ["ws://h.example", "wss://h.example", "h.example"])
  func schemes(_ url: String) {
    #expect(throws: OptionError.self) { try make(Webhook.self, [("url", .word(url))]) }
  }
}
