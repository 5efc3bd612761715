import FluxGraph
import Foundation
import StageTesting
import Synchronization
import TestSupport
import Testing

@testable import EventStages

@Suite struct WebhookDeliveryTests {
  private func stage(_ change: (inout Webhook) -> Void = { _ in }) -> Webhook {
    var stage = Webhook()
    stage.url = .init(text: "https://example.com/turns")
    change(&stage)
    return stage
  }

  /// Lets tasks run until `condition` holds.
  private func settle(_ world: TestWorld, _ condition: () -> Bool) async throws {
    for _ in 0..<20_000 {
      world.loop.runPending()
      if condition() { return }
      await Task.yield()
      try await Task.sleep(for: .microseconds(100))
    }
    Issue.record("it did not come to that")
  }

  private func value(_ name: String, _ request: HTTPRequest) -> String? {
    request.headers.first { $0.name == name }?.value
  }

  @Test("attempts share the identifier, and each has a time of its own")
  func attempts() async throws {
    let count = Atomic<Int>(0)
    let world = TestWorld { _ in
      let isFirst = count.add(1, ordering: .relaxed).newValue == 1
      return HTTPResponse(status: isFirst ? 500 : 204, headers: [], body: [])
    }
    let secret = "whsec_" + Data((0..<32).map { UInt8($0) }).base64EncodedString()
    let headers = try [HeaderLine].parse(.list([.string("X-Room: 7"), .string("user-agent: mine")]))
    var stage = stage {
      $0.secret = SigningSecrets(secrets: [Secret(secret), Secret(secret)])
      $0.headers = headers
    }
    try await stage.open(world.context())
    try await stage.write(turn(spoken("Hello")))
    try await settle(world) { world.notices.contains { $0.notice == "retrying" } }
    world.loop.advance(by: .seconds(6))
    try await settle(world) { world.notices.contains { $0.notice == "delivering" } }
    try await stage.finish()
    let requests = world.requests
    try #require(requests.count == 2)
    #expect(value("webhook-id", requests[0])?.hasPrefix("msg_") == true)
    #expect(value("webhook-id", requests[0]) == value("webhook-id", requests[1]))
    #expect(value("webhook-timestamp", requests[0]) != value("webhook-timestamp", requests[1]))
    #expect(value("webhook-signature", requests[0]) != value("webhook-signature", requests[1]))
    #expect(value("webhook-signature", requests[0])?.split(separator: " ").count == 2)
    #expect(value("X-Room", requests[0]) == "7" && value("user-agent", requests[0]) == "mine")
    #expect(value("User-Agent", requests[0]) == nil)
    #expect(requests[0].body == requests[1].body)
  }

  @Test("fields in a body are escaped as JSON asks")
  func body() async throws {
    let world = TestWorld { _ in HTTPResponse(status: 200, headers: [], body: []) }
    let template = try Template(#"\{"text": "{transcript}", "turn": {turn}}"#)
    var stage = stage { $0.body = template }
    try await stage.open(world.context())
    try await stage.write(turn(spoken("say \"hi\\\"")))
    try await stage.finish()
    let sent = try #require(world.requests.first)
    let json = try JSONValue.parse(sent.body.span)
    #expect(json["text"]?.stringValue == "say \"hi\\\"" && json["turn"]?.intValue == 1)
  }

  @Test("what is given up leaves by the port, with reason, status and attempts")
  func dead() async throws {
    let world = TestWorld { _ in HTTPResponse(status: 400, headers: [], body: []) }
    let folder = try TemporaryFolder()
    var stage = stage {
      $0.retry = RetrySchedule(waits: [])
      $0.spool = Path(folder.path)
    }
    try await stage.open(world.context(name: "crm"))
    try await stage.write(turn(spoken("Hello")))
    try await stage.finish()
    let dead = world.emitted.filter { $0.port == "dead" }
    try #require(dead.count == 1)
    let json = dead[0].event.json
    #expect(json["status"]?.intValue == 400 && json["attempts"]?.intValue == 1)
    #expect(json["event"]?.stringValue == "Notice" && json["original"]?["turn"]?.intValue == 1)
    #expect(try folder.text("crm.dead.jsonl").contains("Hello"))
  }

  @Test("the end waits for no other try: with a spool the rest stays, and is delivered by the next run")
  func shutdown() async throws {
    let folder = try TemporaryFolder()
    let down = TestWorld()
    var stage = stage { $0.spool = Path(folder.path) }
    try await stage.open(down.context(name: "crm"))
    for number in 1...5 { try await stage.write(turn(number, spoken("Hello"))) }
    try await stage.finish()
    #expect(down.notices.map(\.notice).contains("spooled"))
    #expect(down.emitted.allSatisfy { $0.port != "dead" })
    stage = Webhook()
    let world = TestWorld { _ in HTTPResponse(status: 200, headers: [], body: []) }
    stage = self.stage { $0.spool = Path(folder.path) }
    try await stage.open(world.context(name: "crm"))
    try await stage.write(turn(6, spoken("Hello")))
    try await stage.finish()
    let turns = try world.requests.map { try JSONValue.parse($0.body.span)["turn"]?.intValue }
    #expect(turns == [1, 2, 3, 4, 5, 6])
    #expect(try Spool.summary(directory: folder.path, name: "crm").pending == 0)
  }

  @Test("without a spool the rest is lost, and said to be")
  func lost() async throws {
    let world = TestWorld()
    var stage = stage()
    try await stage.open(world.context())
    for number in 1...3 { try await stage.write(turn(number, spoken("Hello"))) }
    let error = await #expect(throws: StageError.self) { try await stage.finish() }
    #expect(error?.code == .unavailable && error?.message.hasPrefix("3 events were not delivered") == true)
    #expect(world.emitted.filter { $0.port == "dead" }.count == 3)
    #expect(world.requests.count == 1)
  }

  @Test("a batch is one request, with one identifier for every attempt, also by the next run")
  func batch() async throws {
    let folder = try TemporaryFolder()
    let secret = Secret("whsec_" + Data((0..<32).map { UInt8($0) }).base64EncodedString())
    func run(_ world: TestWorld, _ events: [Event]) async throws {
      var stage = stage {
        $0.secret = SigningSecrets(secrets: [secret])
        $0.batch = Batch(count: 3, wait: .seconds(1))
        $0.spool = Path(folder.path)
      }
      try await stage.open(world.context(name: "crm"))
      for event in events { try await stage.write(event) }
      try await stage.finish()
    }
    let down = TestWorld()
    try await run(down, (1...5).map { turn($0, spoken("Hello")) })
    let up = TestWorld { _ in HTTPResponse(status: 200, headers: [], body: []) }
    try await run(up, [turn(6, spoken("Hello"))])
    let bodies = try up.requests.map { request in
      (try JSONValue.parse(request.body.span).arrayValue ?? []).compactMap { $0["turn"]?.intValue }
    }
    #expect(bodies == [[1, 2, 3], [4, 5, 6]])
    #expect(down.requests.count == 1)
    #expect(value("webhook-id", down.requests[0]) == value("webhook-id", up.requests[0]))
    #expect(down.requests[0].body == up.requests[0].body)
    #expect(value("Content-Type", up.requests[0]) == "application/json")
    #expect(Set(up.requests.map { value("webhook-id", $0) }).count == 2)
    #expect(try Spool.summary(directory: folder.path, name: "crm").pending == 0)
  }

  @Test("a hundred lost events are told in a few lines, and each leaves by the port")
  func flood() async throws {
    let world = TestWorld { _ in HTTPResponse(status: 400, headers: [], body: []) }
    var stage = stage { $0.retry = RetrySchedule(waits: []) }
    try await stage.open(world.context())
    for number in 1...100 { try await stage.write(turn(number, spoken("Hello"))) }
    await #expect(throws: StageError.self) { try await stage.finish() }
    #expect(world.notices.map(\.notice) == ["undelivered"])
    #expect(world.emitted.filter { $0.port == "dead" }.count == 100)
  }

  @Test("the identifier of an event is the same wherever it is made, and differs between events")
  func identifiers() {
    let events =
      (1...50).map { turn($0, spoken("Hello")) } + (1...50).map { turn($0, kind: .update, spoken("Hello")) }
    #expect(Set(events.map(WebhookSigner.id)).count == 100)
    #expect(WebhookSigner.id(of: events[0]) == WebhookSigner.id(of: events[0]))
  }

  @Test("options are read as a graph writes them")
  func options() throws {
    #expect(
      try RetrySchedule.parse(.list([.word("5s"), .word("5m")])).waits == [.seconds(5), .seconds(300)])
    #expect(try RetrySchedule.parse(.word("none")).waits.isEmpty)
    #expect(try RetrySchedule.parse(.word("standard")) == .standard)
    #expect(throws: OptionError.self) { try RetrySchedule.parse(.word("sometimes")) }
    let secrets = try SigningSecrets.parse(.list([.secret(Secret("a")), .secret(Secret("b"))]))
    #expect(secrets.secrets.count == 2 && !"\(secrets)".contains("\"a\""))
    #expect(try Batch.parse(.word("50")) == Batch(count: 50, wait: .seconds(1)))
    #expect(
      try Batch.parse(.list([.word("5"), .word("200ms")])) == Batch(count: 5, wait: .milliseconds(200)))
    for text in [["0"], ["1s"], ["5", "5"], ["5", "1s", "1s"], []] {
      #expect(throws: OptionError.self) { try Batch.parse(.list(text.map { .word($0) })) }
    }
    #expect(throws: OptionConflict.self) {
      try stage {
        $0.batch = Batch()
        $0.body = .empty
      }.checkOptions()
    }
    for header in ["X", ": x", "X-A: b\nc", "X A: b"] {
      #expect(throws: OptionError.self) { try HeaderLine.parse(.string(header)) }
    }
    for header in ["Host: a", "webhook-id: 1"] {
      let line = try HeaderLine.parse(.string(header))
      #expect(throws: OptionConflict.self) { try stage { $0.headers = [line] }.checkOptions() }
    }
  }
}
