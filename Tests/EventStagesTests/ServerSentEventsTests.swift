import FluxGraph
import Foundation
import StageTesting
import TestSupport
import Testing

@testable import EventStages

@Suite struct ServerSentEventsTests {
  /// A running stage and its world.
  private struct Running {
    let world: TestWorld
    var stage: ServerSentEvents

    init(_ address: String = "127.0.0.1:0", isPublic: Bool = false) async throws {
      world = TestWorld()
      stage = ServerSentEvents()
      stage.address = try ServerAddress.parse(.word(address))
      stage.isPublic = isPublic
      try await stage.open(world.context(name: "sse"))
      world.loop.runPending()
    }

    func request(
      _ path: String, method: String = "GET", _ headers: HTTPHeaders = []
    ) throws -> FakeHTTPServer.Reply {
      let listener = try #require(world.httpServer.listeners.last)
      let hasHost = headers.contains { $0.name == "Host" }
      let host: HTTPHeaders = hasHost ? [] : [HTTPHeader("Host", "localhost:\(listener.port)")]
      return listener.give(HTTPServerRequest(method: method, path: path, headers: host + headers))
    }

    mutating func write(_ events: [Event]) async throws {
      for event in events { try await stage.write(event) }
      world.loop.runPending()
    }
  }

  private func text(_ reply: FakeHTTPServer.Reply) -> String { String(decoding: reply.body, as: UTF8.self) }

  /// The turns of the events in an answer.
  private func turns(_ reply: FakeHTTPServer.Reply) -> [Int] {
    text(reply).split(separator: "\n").compactMap { line in
      guard line.hasPrefix("data: "), let json = try? JSONValue.parse(String(line.dropFirst(6))) else {
        return nil
      }
      return json["turn"]?.doubleValue.map { Int($0) }
    }
  }

  private func identifiers(_ reply: FakeHTTPServer.Reply) -> [String] {
    text(reply).split(separator: "\n").filter { $0.hasPrefix("id: ") }.map { String($0.dropFirst(4)) }
  }

  private func numbered(_ range: ClosedRange<Int>, _ kind: TurnEvent.Kind = .endOfTurn) -> [Event] {
    range.map { turn($0, kind: kind, spoken("Hello")) }
  }

  @Test("an event is a number, a kind and its JSON; a client that comes late gets what was said before")
  func events() async throws {
    var running = try await Running()
    #expect(running.world.notices.map(\.message) == ["live captions at http://127.0.0.1:40000/"])
    let early = try running.request("/events")
    #expect(early.status == 200 && early.header("Content-Type") == "text/event-stream; charset=utf-8")
    #expect(early.header("X-Accel-Buffering") == "no")
    #expect(early.header("Cache-Control") == "no-store, no-transform")
    let event = turn(1, spoken("Hello,\nyou"))
    try await running.write([event])
    let id = try #require(identifiers(early).first)
    #expect(text(early) == "id: \(id)\nevent: EndOfTurn\ndata: \(event.json.serialized)\n\n")
    #expect(text(try running.request("/events")) == text(early))
  }

  @Test("Last-Event-ID goes on behind that event; one of another run gets everything")
  func resume() async throws {
    var running = try await Running()
    try await running.write(numbered(1...5))
    let all = identifiers(try running.request("/events"))
    #expect(all.count == 5)
    func after(_ id: String) throws -> [Int] {
      turns(try running.request("/events", [HTTPHeader("last-event-id", id)]))
    }
    #expect(try after(all[2]) == [4, 5])
    #expect(try after(all[4]) == [])
    for foreign in [
      "", "x", "other-3", all[0].dropLast() + "6", all[0].dropLast() + "-1", "\(all[0])9999999999999999999",
    ] {
      #expect(try after(String(foreign)) == [1, 2, 3, 4, 5], "\(foreign)")
    }
  }

  @Test("HEAD has no events and takes no place, other methods, paths, hosts and sites are refused")
  func refusals() async throws {
    var running = try await Running()
    try await running.write(numbered(1...1))
    let head = try running.request("/events", method: "HEAD")
    #expect(head.status == 200 && head.body.isEmpty)
    let post = try running.request("/events", method: "POST")
    #expect(post.status == 405 && post.header("Allow") == "GET, HEAD")
    #expect(try running.request("/event").status == 404)
    #expect(try running.request("/events/").status == 404)
    for host in [
      "localhost", "LOCALHOST:1", "127.0.0.1:80", "127.9.9.9", "[::1]:8090", "[::1]", "a.localhost:1",
    ] {
      #expect(try running.request("/", [HTTPHeader("Host", host)]).status == 200, "\(host)")
    }
    for host in [
      "evil.example", "evil.example:80", "127.0.0.1.evil.example", "localhost.evil.example",
      "127.0.0.1:80@evil",
      "0.0.0.0", "10.0.0.1", "[::2]", "::1", "", "localhost:x", "notlocalhost",
    ] {
      #expect(try running.request("/", [HTTPHeader("Host", host)]).status == 421, "\(host)")
      #expect(try running.request("/events", [HTTPHeader("Host", host)]).status == 421, "\(host)")
    }
    let twice: HTTPHeaders = [HTTPHeader("Host", "localhost"), HTTPHeader("host", "localhost")]
    #expect(try running.request("/", twice).status == 400)

    let listener = try #require(running.world.httpServer.listeners.last)
    func events(_ name: String, _ value: String) throws -> Int? {
      try running.request("/events", [HTTPHeader(name, value)]).status
    }
    #expect(try events("Origin", "http://localhost:\(listener.port)") == 200)
    #expect(try events("Origin", "http://localhost:1") == 403)
    #expect(try events("Origin", "null") == 403)
    #expect(try events("Sec-Fetch-Site", "same-origin") == 200)
    #expect(try events("Sec-Fetch-Site", "none") == 200)
    #expect(try events("Sec-Fetch-Site", "cross-site") == 403)
    #expect(try running.request("/", [HTTPHeader("Sec-Fetch-Site", "cross-site")]).status == 200)
    #expect(try running.request("/events").header("Access-Control-Allow-Origin") == nil)
  }

  @Test("a public server answers to every name")
  func everybody() async throws {
    let running = try await Running("0.0.0.0:8090", isPublic: true)
    #expect(try running.request("/", [HTTPHeader("Host", "captions.example")]).status == 200)
  }

  @Test("the page loads nothing from elsewhere, and its policy names its own script and style")
  func page() async throws {
    let running = try await Running()
    let reply = try running.request("/")
    #expect(reply.status == 200 && reply.header("Content-Type") == "text/html; charset=utf-8")
    let page = text(reply)
    #expect(
      !page.contains("http://") && !page.contains("https://") && !page.contains("src=")
        && !page.contains("innerHTML"))
    let policy = try #require(reply.header("Content-Security-Policy"))
    #expect(policy.hasPrefix("default-src 'none'; script-src 'sha256-"))
    #expect(!policy.contains("unsafe") && policy.contains("frame-ancestors 'none'"))
    for part in [CaptionPage.script, CaptionPage.style] { #expect(page.contains(">\(part)</")) }
  }

  @Test("of many events the newest stay whole, of older ones the ends of turns, and no more than the limits")
  func history() {
    var history = EventHistory(count: 10, bytes: 1000)
    func numbers(after number: Int = 0) -> [Int] {
      var (numbers, position) = ([Int](), number)
      while let entry = history.first(after: position) {
        numbers.append(entry.number)
        position = entry.number
      }
      return numbers
    }
    for number in 1...100 {
      history.append(isLasting: number % 5 == 0) { _ in [UInt8](repeating: 1, count: 10) }
    }
    #expect(history.newest == 100)
    #expect(numbers() == Array(stride(from: 45, through: 90, by: 5)) + Array(91...100))
    #expect(
      numbers(after: 60).first == 65 && numbers(after: 93) == Array(94...100) && numbers(after: 100) == [])
    // Bytes count, too: three of these fit, and one alone is kept however large it is.
    for _ in 1...9 { history.append(isLasting: false) { _ in [UInt8](repeating: 1, count: 300) } }
    #expect(numbers(after: 100) == [107, 108, 109])
    history.append(isLasting: true) { _ in [UInt8](repeating: 1, count: 5000) }
    #expect(numbers(after: 100) == [110])
  }

  @Test("a client that takes nothing is sent no more than its window, misses what is not kept, and is let go")
  func slowClient() async throws {
    var running = try await Running()
    let slow = try running.request("/events")
    let quick = try running.request("/events")
    slow.block(bufferedBytes: 300 << 10, since: running.world.loop.now())
    let before = slow.body.count
    for start in stride(from: 1, to: 3001, by: 1000) {
      try await running.write(numbered(start...(start + 999), .update))
    }
    #expect(slow.body.count == before)
    #expect(turns(quick) == Array(1...3000))
    slow.block(bufferedBytes: 0, since: nil)
    slow.give(.drained)
    #expect(turns(slow) == Array(2001...3000))
    slow.block(bufferedBytes: 1, since: running.world.loop.now())
    running.world.loop.advance(by: .seconds(19))
    #expect(!slow.isAborted)
    running.world.loop.advance(by: .seconds(12))
    #expect(slow.isAborted && !quick.isAborted)
  }

  @Test("silence is told as a comment, which is no event")
  func heartbeat() async throws {
    var running = try await Running()
    let reply = try running.request("/events")
    running.world.loop.advance(by: .seconds(20))
    #expect(text(reply).hasSuffix(": still here\n"))
    let count = reply.body.count
    try await running.write(numbered(1...1))
    let withEvent = reply.body.count
    running.world.loop.advance(by: .seconds(10))
    #expect(withEvent > count && reply.body.count == withEvent)
  }

  @Test("more readers than there are places are asked to come again, and a place that is left is free")
  func places() async throws {
    let running = try await Running()
    let replies = try (0..<64).map { _ in try running.request("/events") }
    let refused = try running.request("/events")
    #expect(refused.status == 503 && refused.header("Retry-After") == "5")
    #expect(try running.request("/").status == 200)
    replies[7].give(.ended)
    #expect(try running.request("/events").status == 200)
    #expect(try running.request("/events").status == 503)
  }

  @Test("at the end clients get the last events, and those that do not take them are not waited for")
  func end() async throws {
    var running = try await Running()
    let quick = try running.request("/events")
    let slow = try running.request("/events")
    slow.block(bufferedBytes: 300 << 10, since: running.world.loop.now())
    try await running.write(numbered(1...2))
    let stage = running.stage
    let ending = Task {
      var stage = stage
      try await stage.finish()
    }
    let loop = running.world.loop
    let listener = try #require(running.world.httpServer.listeners.last)
    while !listener.isClosed {
      await Task.yield()
      loop.runPending()
    }
    #expect(turns(quick) == [1, 2] && text(quick).hasSuffix("\n\n: end\n") && quick.isEnded)
    quick.give(.ended)
    loop.advance(by: .seconds(2))
    #expect(slow.isAborted && !slow.isEnded)
    slow.give(.ended)
    try await ending.value
  }

  @Test("an address that is taken is told with what to do")
  func taken() async throws {
    let running = try await Running("127.0.0.1:8090")
    var other = ServerSentEvents()
    other.address = try ServerAddress.parse(.word("127.0.0.1:8090"))
    let error = await #expect(throws: StageError.self) { try await other.open(running.world.context()) }
    #expect(error?.code == .unavailable && error?.message.hasPrefix("127.0.0.1:8090 is in use") == true)
    #expect(error?.help?.contains("Choose another port") == true)
  }

  @Test("a stage that is dropped without its end stops listening")
  func dropped() async throws {
    var running: Running? = try await Running()
    let world = try #require(running?.world)
    let reply = try #require(try running?.request("/events"))
    running = nil
    #expect(world.httpServer.listeners.allSatisfy { $0.isClosed })
    world.loop.runPending()
    #expect(reply.isAborted)
  }

  @Test("no request, however spoilt, is answered with events it may not have, or ends the program")
  func mutations() async throws {
    let running = try await Running()
    let names = ["Host", "Origin", "Sec-Fetch-Site", "Last-Event-ID", "host"]
    let values = [
      "localhost", "127.0.0.1:1", "[::1", "]:", "::::", "evil", "null", "cross-site", "-", "1-9", "é\u{0}",
      "",
    ]
    for seed in 0..<2000 as Range<UInt64> {
      var random = SeededGenerator(seed: seed)
      let headers = HTTPHeaders(
        (0..<Int.random(in: 0...4, using: &random)).map { _ in
          let value =
            values.randomElement(using: &random)!
            + (Bool.random(using: &random) ? values.randomElement(using: &random)! : "")
          return HTTPHeader(names.randomElement(using: &random)!, value)
        })
      let listener = try #require(running.world.httpServer.listeners.last)
      let reply = listener.give(HTTPServerRequest(method: "GET", path: "/events", headers: headers))
      let hosts = headers.filter { $0.name.lowercased() == "host" }.map(\.value)
      if reply.status == 200 {
        #expect(
          hosts.count == 1 && (hosts[0].hasPrefix("localhost") || hosts[0].hasPrefix("127.0.0.1:1")),
          "\(headers)")
        reply.give(.ended)
      } else {
        #expect([400, 403, 421].contains(reply.status ?? 0))
      }
    }
  }
}
