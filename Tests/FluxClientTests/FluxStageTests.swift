import FluxGraph
import FluxProtocol
import Foundation
import StageTesting
import Synchronization
import Testing

@testable import FluxClient

/// A `flux` stage that runs in a test's world, and the audio it is given.
final class Rig: Sendable {
  let world: TestWorld
  let queue = AudioQueue(
    format: AudioFormat(.s16le, rate: 16_000, channels: 1), slotFrames: 1280, capacity: 1000)
  private let emitted = EventLog()
  let task: Task<Void, any Error>

  init(_ flux: Flux, environment: [String: String] = [:], resources: [any Sendable] = []) {
    world = TestWorld(environment: environment, resources: resources)
    let inlet = AudioInlet(queue, liveness: .live)
    let context = world.context(name: "flux", directory: "/graphs")
    let outlet = EventOutlet { [emitted] event in emitted.append(event) }
    task = Task {
      var stage = flux
      try await stage.run(inlet, into: outlet, context)
    }
  }

  /// The connection the stage makes.
  func connection() async -> FakeWebSockets.Connection {
    while true {
      world.loop.runPending()
      if let connection = world.webSockets.connections.first { return connection }
      await Task.yield()
    }
  }

  /// A connection the service has greeted.
  func greeted() async -> FakeWebSockets.Connection {
    let connection = await connection()
    connection.give(.opened(headers: []))
    connection.give(#"{"type":"Connected","request_id":"r1","sequence_id":0}"#)
    world.loop.runPending()
    return connection
  }

  /// Hands audio over, whose first frame has this position.
  func push(_ samples: [Int16], at position: Int64) {
    var buffer = AudioBuffer(format: queue.format, capacity: samples.count)
    buffer.append { room in
      room.copyBytes(from: samples.withUnsafeBytes { Array($0) })
      return samples.count
    }
    buffer.position = position
    queue.push(buffer)
    world.loop.runPending()
  }

  func end() {
    queue.end()
    world.loop.runPending()
  }

  var turns: [TurnEvent] {
    emitted.all.compactMap { if case .turn(let turn) = $0 { turn } else { nil } }
  }
}

/// Events of any thread.
private final class EventLog: Sendable {
  private let events = Mutex<[Event]>([])
  func append(_ event: Event) { events.withLock { $0.append(event) } }
  var all: [Event] { events.withLock { $0 } }
}

private func bytes(_ samples: [Int16]) -> [UInt8] { samples.withUnsafeBytes { Array($0) } }

private func flux(_ settings: [(String, GraphValue)] = []) throws -> Flux {
  let specification = StageSpecification(Flux.self)
  let stage = try specification.make(settings.map { StageSetting($0.0, $0.1) })
  return try #require(stage as? Flux)
}

@Suite(.timeLimit(.minutes(1))) struct FluxStageTests {
  @Test("without options only the model and the format are sent")
  func plainURL() async throws {
    let rig = Rig(try flux(), environment: ["DEEPGRAM_API_KEY": "k"])
    let request = await rig.connection().request
    #expect(
      request.url
        == "wss://api.deepgram.com/v2/listen?model=flux-general-en&encoding=linear16&sample_rate=16000")
    #expect(request.headers == [HTTPHeader("Authorization", "Token k")])
    #expect(request.timeout == .seconds(10))
    #expect(request.pingInterval == .seconds(20))
    rig.task.cancel()
  }

  @Test("every option has its parameter, in a fixed order and percent-encoded")
  func fullURL() async throws {
    let stage = try flux([
      ("endpoint", .word("ws://localhost:1234")), ("model", .word("flux-general-multi")),
      ("eot_threshold", .word("0.8")), ("eager_eot_threshold", .word("0.5")), ("eot_timeout", .word("1.5s")),
      ("keyterm", .list([.string("Deep gram"), .string("a&b=c")])),
      ("language_hint", .list([.word("en"), .word("es")])), ("profanity_filter", .flag), ("numerals", .flag),
      ("redact", .word("aggressive_numbers")), ("mip_opt_out", .flag), ("tag", .list([.word("x")])),
    ])
    let rig = Rig(stage)
    #expect(
      await rig.connection().request.url
        == "ws://localhost:1234/v2/listen?model=flux-general-multi&encoding=linear16&sample_rate=16000"
        + "&eot_threshold=0.8&eager_eot_threshold=0.5&eot_timeout_ms=1500&keyterm=Deep%20gram"
        + "&keyterm=a%26b%3Dc&language_hint=en&language_hint=es&profanity_filter=true&numerals=true"
        + "&redact=aggressive_numbers&mip_opt_out=true&tag=x")
    rig.task.cancel()
  }

  @Test(
    "a key goes to Deepgram and where the graph says so, and nowhere else",
    arguments: [
      ("deepgram", nil, "Token env"), ("deepgram", "own", "Token own"), ("ws://h.example", nil, nil),
      ("ws://h.example", "own", "Token own"), ("local", nil, nil),
    ] as [(String, String?, String?)])
  func authorization(_ endpoint: String, _ key: String?, _ sent: String?) async throws {
    var settings: [(String, GraphValue)] = [("endpoint", .word(endpoint))]
    if let key { settings.append(("key", .secret(Secret(key)))) }
    let local = LocalFlux { options in
      #expect(options.directory == "/graphs")
      return "ws://127.0.0.1:5"
    }
    let rig = Rig(try flux(settings), environment: ["DEEPGRAM_API_KEY": "env"], resources: [local])
    let request = await rig.connection().request
    #expect(request.headers.first { $0.name == "Authorization" }?.value == sent)
    #expect(endpoint != "local" || request.url.hasPrefix("ws://127.0.0.1:5/v2/listen?model="))
    rig.task.cancel()
  }

  @Test("without a key nothing is dialled, and the way on without one is named")
  func missingKey() async throws {
    let rig = Rig(try flux(), environment: ["DEEPGRAM_API_KEY": ""])
    let error = await #expect(throws: StageError.self) { try await rig.task.value }
    #expect(error?.code == .refused)
    #expect(error?.message == "there is no key for api.deepgram.com")
    #expect(error?.help?.contains("endpoint=local") == true)
    #expect(rig.world.webSockets.connections.isEmpty)
  }

  @Test("a refused key is told without the key")
  func refusedKey() async throws {
    let stage = try flux([
      ("endpoint", .word("wss://user:s3cret@h.example/p?token=s3cret")), ("key", .secret(Secret("s3cret"))),
    ])
    let rig = Rig(stage)
    let connection = await rig.connection()
    connection.give(
      .refused(
        status: 401, headers: [], body: Array(#"{"err_code":"INVALID_AUTH","err_msg":"Invalid"}"#.utf8)))
    let error = await #expect(throws: StageError.self) { try await rig.task.value }
    #expect(error?.code == .refused)
    #expect(error?.description.contains("INVALID_AUTH: Invalid") == true)
    #expect(error?.description.contains("s3cret") == false)
    #expect(!"\(rig.world.notices)".contains("s3cret"))
  }

  @Test("audio waits for Connected, goes out chunk by chunk as it is, the last partial one too")
  func audio() async throws {
    let rig = Rig(try flux([("endpoint", .word("ws://h.example"))]))
    let samples = (0..<(1280 * 12 + 333)).map { Int16(truncatingIfNeeded: $0 &* 31) }
    for start in stride(from: 0, to: samples.count, by: 1280) {
      rig.push(Array(samples[start..<min(start + 1280, samples.count)]), at: Int64(start))
    }
    let connection = await rig.connection()
    connection.give(.opened(headers: []))
    rig.world.loop.runPending()
    #expect(connection.sentLengths.isEmpty)
    connection.give(#"{"type":"Connected","request_id":"r1","sequence_id":0}"#)
    rig.end()
    #expect(connection.sentLengths == Array(repeating: 2560, count: 12) + [666])
    #expect(connection.sentBytes == bytes(samples))
    #expect(connection.sentTexts == [#"{"type":"CloseStream"}"#])
    connection.give(.closed(code: nil, reason: ""))
    try await rig.task.value
    #expect(rig.world.notices.isEmpty)
  }

  @Test("a gap becomes silence of the same length and a notice, at the beginning as well")
  func gaps() async throws {
    let rig = Rig(try flux([("endpoint", .word("ws://h.example")), ("as", .word("me"))]))
    let connection = await rig.greeted()
    let chunk = [Int16](repeating: 1000, count: 1280)
    rig.push(chunk, at: 2560)
    rig.push(chunk, at: 3840)
    rig.push(chunk, at: 5120 + 1920)
    #expect(
      connection.sentBytes
        == bytes(
          [Int16](repeating: 0, count: 2560) + chunk + chunk + [Int16](repeating: 0, count: 1920) + chunk))
    #expect(connection.sentLengths == [2560, 2560, 2560, 2560, 2560, 1280, 2560])
    #expect(rig.world.notices.map(\.notice) == ["gap", "gap"])
    #expect(rig.world.notices.map { String($0.message.prefix(7)) } == ["0.16 s ", "0.12 s "])
    #expect(rig.world.notices.allSatisfy { $0.stream == "me" && $0.severity == .warning })
    rig.task.cancel()
  }

  @Test("audio waits while the network takes none, and a network that stays so ends the session")
  func blocked() async throws {
    let rig = Rig(try flux([("endpoint", .word("ws://h.example"))]))
    let connection = await rig.greeted()
    let chunk = [Int16](repeating: 1, count: 1280)
    connection.block(bufferedBytes: 64_000, since: rig.world.loop.now())
    rig.push(chunk, at: 0)
    #expect(connection.sentLengths == [])
    connection.block(bufferedBytes: 0, since: nil)
    connection.give(.drained)
    #expect(connection.sentLengths == [2560])
    connection.block(bufferedBytes: 64_000, since: rig.world.loop.now())
    rig.world.loop.advance(by: .seconds(5))
    #expect(!connection.isAborted)
    rig.world.loop.advance(by: .milliseconds(500))
    #expect(connection.isAborted)
    let error = await #expect(throws: StageError.self) { try await rig.task.value }
    #expect(error?.message == "h.example has taken no audio for 5 s, request r1")
  }

  @Test("a service that never greets is given up after ten seconds")
  func silent() async throws {
    let rig = Rig(try flux([("endpoint", .word("ws://h.example"))]))
    let connection = await rig.connection()
    connection.give(.opened(headers: [HTTPHeader("DG-Request-Id", "r7")]))
    rig.world.loop.advance(by: .milliseconds(10_300))
    #expect(connection.isAborted)
    let error = await #expect(throws: StageError.self) { try await rig.task.value }
    #expect(error?.message.hasSuffix("said nothing for 10 s, request r7") == true)
  }

  @Test("cancelling ends the open turn and drops the connection")
  func cancelled() async throws {
    let rig = Rig(try flux([("endpoint", .word("ws://h.example")), ("as", .word("me"))]))
    let connection = await rig.greeted()
    connection.give(FluxTexts.start)
    rig.task.cancel()
    while !connection.isAborted {
      rig.world.loop.runPending()
      await Task.yield()
    }
    try await rig.task.value
    #expect(rig.turns.map(\.kind) == [.startOfTurn, .endOfTurn])
    #expect(rig.turns.map(\.stream) == ["me", "me"])
    #expect(rig.turns.map(\.turn) == [1, 1])
    #expect(Set(rig.turns.map(\.session)).count == 1)
    #expect(rig.turns.last?.isFinal == false)
    #expect(rig.turns.last?.trigger == "input-ended")
    #expect(rig.turns.last?.transcript == "Hello")
  }

  @Test("an event carries the service's own fields, without those the event has itself")
  func serviceFields() async throws {
    let rig = Rig(try flux([("endpoint", .word("ws://h.example"))]))
    let connection = await rig.greeted()
    connection.give(FluxTexts.start)
    let turn = try #require(rig.turns.first)
    #expect(
      turn.service?.serialized
        == #"{"request_id":"r1","sequence_id":1,"turn_index":0,"audio_window_start":0.50,"audio_window_end":1.5,"end_of_turn_confidence":0.1,"new_field":[1]}"#
    )
    #expect(turn.start == 0.5)
    #expect(turn.words == [.init(word: "Hello", start: 0.5, end: 1, confidence: 0.9)])
    #expect(turn.time.seconds == 1_700_000_000)
    rig.task.cancel()
  }

  @Test(
    "the live capture goes through the stage as one turn",
    .enabled(
      if: ProcessInfo.processInfo.environment["FLUX_VECTORS"] != nil,
      "the capture is not part of the repository: FLUX_VECTORS"))
  func liveCapture() async throws {
    let directory = try #require(ProcessInfo.processInfo.environment["FLUX_VECTORS"])
    let file = try Data(contentsOf: URL(fileURLWithPath: "\(directory)/flux-live/frames.json"))
    let frames = try #require(try JSONValue.parse([UInt8](file))["frames"]?.arrayValue)
    let rig = Rig(try flux([("endpoint", .word("ws://h.example"))]))
    let connection = await rig.connection()
    connection.give(.opened(headers: []))
    for frame in frames { connection.give(frame.stringValue ?? "") }
    rig.end()
    connection.give(.closed(code: nil, reason: ""))
    try await rig.task.value
    let kinds = Dictionary(grouping: rig.turns, by: \.kind).mapValues(\.count)
    #expect(kinds == [.update: 100, .startOfTurn: 1, .eagerEndOfTurn: 1, .endOfTurn: 1])
    let end = try #require(rig.turns.first { $0.kind == .endOfTurn })
    #expect(end.transcript.hasPrefix("We the people of the United States"))
    #expect(end.isFinal == true)
    #expect(rig.world.notices.map(\.message) == [])
  }

  @Test(
    "options that contradict each other are named",
    arguments: [
      (["eager_eot_threshold=0.8"], "eager-above-eot", ["eager_eot_threshold"]),
      (
        ["eager_eot_threshold=0.8", "eot_threshold=0.6"], "eager-above-eot",
        ["eager_eot_threshold", "eot_threshold"]
      ),
      (["words=none"], "words-without-local", ["words"]), (["model=flux"], "bad-parameter", ["model"]),
    ] as [([String], String, [String])])
  func conflicts(_ options: [String], _ code: String, _ names: [String]) throws {
    let stage = try flux(
      options.map { option in
        let parts = option.split(separator: "=").map(String.init)
        return (parts[0], .word(parts[1]))
      })
    let conflict = StageSpecification(Flux.self).conflicts(in: stage).first
    #expect(conflict?.code == code)
    #expect(conflict?.options == names)
  }

  @Test("a language hint needs the multilingual model, and a hundred keyterms are enough")
  func limits() throws {
    let hint = ("language_hint", GraphValue.list([.word("en")]))
    let conflict = #expect(throws: OptionConflict.self) { try flux([hint]).validate() }
    #expect(conflict?.options == ["language_hint"])
    try flux([hint, ("model", .word("flux-general-multi"))]).validate()
    try flux([("keyterm", .list((0..<100).map { .word("k\($0)") }))]).validate()
    let many = #expect(throws: OptionConflict.self) {
      try flux([("keyterm", .list((0..<101).map { .word("k\($0)") }))]).validate()
    }
    #expect(many?.options == ["keyterm"])
    try flux([("eager_eot_threshold", .word("0.7"))]).validate()
    try flux([("words", .word("none")), ("endpoint", .word("local"))]).validate()
  }
}

enum FluxTexts {
  static let start = #"""
    {"type":"TurnInfo","request_id":"r1","sequence_id":1,"event":"StartOfTurn","turn_index":0,"audio_window_start":0.50,"audio_window_end":1.5,"transcript":"Hello","words":[{"word":"Hello","confidence":0.9,"start":0.5,"end":1.0}],"end_of_turn_confidence":0.1,"new_field":[1]}
    """#
}
