import FluxGraph
import FluxProtocol
import FluxServer
import Foundation
import NetLoop
import Synchronization
import TestSupport
import Testing

/// The peers are Python clients; without them there is nobody to talk to.
@Suite("Server", .enabled(if: Peers.havePython), .serialized)
struct FluxServerTests {
  /// Runs a server for the time of the body.
  func withServer(
    _ options: FluxServer.Options, _ body: (UInt16) async throws -> Void
  ) async throws -> [ConnectionReport] {
    let loop = try EventLoop(name: "net-server")
    loop.start()
    defer { loop.stop() }
    let reports = Reports()
    var options = options
    options.report = { report in reports.all.withLock { $0.append(report) } }
    let server = FluxServer(loop: loop, options: options)
    let port = try await server.start()
    #expect(port != 0)
    try await body(port)
    await server.stop()
    return reports.all.withLock { $0 }
  }

  final class Reports: Sendable {
    let all = Mutex<[ConnectionReport]>([])
  }

  @Test("refusals have the service's status, body and headers; sessions end as the service ends them")
  func handshakes() async throws {
    var options = FluxServer.Options()
    options.key = "secret"
    options.words = .script(ScriptedWords([]))
    let reports = try await withServer(options) { port in
      let lines = try await Peers.run(script: "handshakes.py", ["\(port)"])
      func seen(_ name: String) -> JSONValue? { lines.first { $0["name"]?.stringValue == name } }
      for message in lines.flatMap({ $0["messages"]?.arrayValue ?? [] }) {
        #expect(MessageSchema.problem(with: message) == nil, "\(message)")
      }
      func status(_ name: String) -> Int? { seen(name)?["status"]?.intValue }
      func body(_ name: String, _ key: String) -> String? { seen(name)?["body"]?[key]?.stringValue }
      func header(_ name: String, _ key: String) -> String? {
        seen(name)?["headers"]?.members?.first { $0.0.lowercased() == key }?.1.stringValue
      }
      func messages(_ name: String) -> [JSONValue] { seen(name)?["messages"]?.arrayValue ?? [] }
      func types(_ name: String) -> [String] { messages(name).compactMap { $0["type"]?.stringValue } }
      #expect(status("accepted") == 101 && types("accepted") == ["Connected"])
      let connected = messages("accepted").first
      #expect(header("accepted", "dg-request-id") == connected?["request_id"]?.stringValue)
      #expect(status("subprotocol") == 101 && seen("subprotocol")?["subprotocol"]?.stringValue == "token")
      #expect(status("other path") == 404)
      #expect(status("unknown parameter") == 400)
      #expect(body("unknown parameter", "err_msg") == "Unknown query parameters: channels")
      #expect(header("unknown parameter", "dg-error") == "Unknown query parameters: channels")
      #expect(status("bad parameter before bad key") == 400)
      for name in ["no key", "wrong key", "bearer"] {
        #expect(status(name) == 401 && body(name, "err_code") == "INVALID_AUTH")
        #expect(header(name, "dg-request-id")?.count == 36)
      }
      #expect(status("unknown model") == 403)
      #expect(types("KeepAlive") == ["Connected", "Error"] && seen("KeepAlive")?["close"]?.intValue == 1005)
      #expect(types("CloseStream").dropFirst().allSatisfy { $0 == "TurnInfo" })
      #expect(types("CloseStream").count == 4 && seen("CloseStream")?["close"]?.intValue == 1005)
    }
    #expect(reports.count == 11)
    let refusals = reports.count { if case .refused = $0 { true } else { false } }
    #expect(refusals == 7)
  }

  @Test("Deepgram's SDK gets typed events of real speech", .enabled(if: Flite.isUsable))
  func sdk() async throws {
    let pause = [Int16](repeating: 0, count: 24_000)
    let lines = ["i need to cancel my subscription please", "perfect thank you very much for your help"]
    var audio = pause
    for line in lines { audio += try Flite.say(line, voice: "rms") + pause }
    var options = FluxServer.Options()
    options.words = .pocketSphinx()
    let reports = try await withServer(options) { port in
      let seen = try await Peers.run(
        script: "sdk_stream.py", ["\(port)"], input: audio.withUnsafeBytes { Data($0) })
      #expect(seen.first?["class"]?.stringValue == "ListenV2Connected")
      #expect(seen.contains { $0["class"]?.stringValue == "ListenV2ConfigureSuccess" })
      let events = Set(seen.compactMap { $0["event"]?.stringValue })
      #expect(events == ["Update", "StartOfTurn", "EagerEndOfTurn", "EndOfTurn"])
      let ends = seen.filter { $0["event"]?.stringValue == "EndOfTurn" }
      let endedTurns = ends.compactMap { $0["turn_index"]?.intValue }
      #expect(endedTurns == [0, 1])
      #expect(ends.allSatisfy { $0["trigger"]?.stringValue == "model" })
      var errors = WordErrors()
      for (line, end) in zip(lines, ends) {
        errors.add(said: line, heard: end["transcript"]?.stringValue ?? "")
      }
      #expect(errors.rate <= 0.35)
      let known = ["ListenV2Connected", "ListenV2ConfigureSuccess", "ListenV2TurnInfo", "CLOSED"]
      #expect(seen.allSatisfy { known.contains($0["class"]?.stringValue ?? "") })
      #expect(seen.last?["code"]?.intValue == 1005)
    }
    #expect(reports.count == 1)
  }

  @Test("the SDK's ForceEndTurn ends the turn in hand, and is answered by a Warning without one")
  func sdkForceEndTurn() async throws {
    var options = FluxServer.Options()
    options.words = .script(
      ScriptedWords([RecognisedWord(text: "hello", start: 0.3, end: 0.9, confidence: 0.9)]))
    _ = try await withServer(options) { port in
      let seen = try await Peers.run(
        script: "sdk_stream.py", ["\(port)", "force"], input: Data(count: 32_000))
      let ends = seen.filter { $0["event"]?.stringValue == "EndOfTurn" }
      #expect(ends.map { $0["trigger"]?.stringValue } == ["manual"])
      #expect(ends.first?["transcript"]?.stringValue == "hello")
      let warnings = seen.filter { $0["class"]?.stringValue == "ListenV2Warning" }
      #expect(warnings.map { $0["code"]?.stringValue } == ["FORCE_END_TURN_NO_ACTIVE_TURN"])
    }
  }

  @Test("a client that breaks the protocol and reads nothing gives its place back")
  func silentClient() async throws {
    var options = FluxServer.Options()
    options.words = .none
    options.mostStreams = 1
    _ = try await withServer(options) { port in
      let statuses = try await Peers.run(script: "silent.py", ["\(port)"]).compactMap(\.intValue)
      #expect(statuses.first == 429 && statuses.last == 101, "\(statuses)")
    }
  }

  @Test("a server that stops closes its connections and gives the port back")
  func stop() async throws {
    let loop = try EventLoop(name: "net-server")
    loop.start()
    defer { loop.stop() }
    var options = FluxServer.Options()
    options.words = .none
    let first = FluxServer(loop: loop, options: options)
    let port = try await first.start()
    await first.stop()
    options.address = .tcp(port: port)
    let second = FluxServer(loop: loop, options: options)
    #expect(try await second.start() == port)
    await second.stop()
  }
}
