import FluxGraph
import FluxProtocol
import Foundation
import StageTesting
import Testing

@testable import FluxClient

/// The stage as a graph runs it: from its options to what goes over the wire, and back to events.
@Suite("Courses of the stage flux", .timeLimit(.minutes(10)))
struct FluxStageCourseTests {
  private static let elsewhere = StageSetting("endpoint", .word("ws://h.example"))
  /// With it the first failure is the last.
  private static let once = StageSetting("max_attempts", .word("1"))
  private static let start = #"""
    {"type":"TurnInfo","request_id":"r1","sequence_id":1,"event":"StartOfTurn","turn_index":0,"audio_window_start":0.50,"audio_window_end":1.5,"transcript":"Hello","words":[{"word":"Hello","confidence":0.9,"start":0.5,"end":1.0}],"end_of_turn_confidence":0.1,"new_field":[1]}
    """#

  private func bytes(_ samples: [Int16]) -> [UInt8] { samples.withUnsafeBytes { Array($0) } }

  // MARK: - The request

  @Test("without options only the model and the format are asked for")
  func plainURL() async throws {
    let rig = try StageRig([], environment: ["DEEPGRAM_API_KEY": "k"])
    let request = await rig.connection().request
    #expect(
      request.url
        == "wss://api.deepgram.com/v2/listen?model=flux-general-en&encoding=linear16&sample_rate=16000")
    #expect(request.headers == [HTTPHeader("Authorization", "Token k")])
    #expect(request.subprotocols == [])
    #expect(request.timeout == .seconds(10))
    #expect(request.pingInterval == .seconds(20))
    try await rig.cancel()
  }

  @Test("every option has its parameter, in a fixed order and percent-encoded")
  func fullURL() async throws {
    let rig = try StageRig([
      StageSetting("endpoint", .word("ws://localhost:1234")),
      StageSetting("model", .word("flux-general-multi")), StageSetting("eot_threshold", .word("0.8")),
      StageSetting("eager_eot_threshold", .word("0.5")), StageSetting("eot_timeout", .word("1.5s")),
      StageSetting("keyterm", .list([.string("Deep gram"), .string("a&b=c")])),
      StageSetting("language_hint", .list([.word("en"), .word("es")])),
      StageSetting("profanity_filter", .flag), StageSetting("numerals", .flag),
      StageSetting("redact", .word("aggressive_numbers")), StageSetting("mip_opt_out", .flag),
      StageSetting("tag", .list([.word("x")])), StageSetting("ping", .word("0s")),
      StageSetting("connect_timeout", .word("3s")),
    ])
    let request = await rig.connection().request
    #expect(
      request.url
        == "ws://localhost:1234/v2/listen?model=flux-general-multi&encoding=linear16&sample_rate=16000"
        + "&eot_threshold=0.8&eager_eot_threshold=0.5&eot_timeout_ms=1500&keyterm=Deep%20gram"
        + "&keyterm=a%26b%3Dc&language_hint=en&language_hint=es&profanity_filter=true&numerals=true"
        + "&redact=aggressive_numbers&mip_opt_out=true&tag=x")
    #expect(request.pingInterval == nil)
    #expect(request.timeout == .seconds(3))
    try await rig.cancel()
  }

  @Test(
    "a key goes to Deepgram and where the graph says so, and nowhere else",
    arguments: [
      ("deepgram", nil, "Token env"), ("deepgram-eu", nil, "Token env"), ("deepgram", "key", "Token own"),
      ("deepgram", "token", "Bearer own"), ("ws://h.example", nil, nil),
      ("ws://h.example", "key", "Token own"), ("ws://h.example", "token", "Bearer own"), ("local", nil, nil),
    ] as [(String, String?, String?)])
  func authorization(_ endpoint: String, _ option: String?, _ sent: String?) async throws {
    var settings = [StageSetting("endpoint", .word(endpoint))]
    if let option { settings.append(StageSetting(option, .secret(Secret("own")))) }
    let local = LocalFlux { options in
      #expect(options.directory == "/graphs")
      return "ws://127.0.0.1:5"
    }
    let rig = try StageRig(settings, environment: ["DEEPGRAM_API_KEY": "env"], resources: [local])
    let request = await rig.connection().request
    #expect(request.headers == (sent.map { [HTTPHeader("Authorization", $0)] } ?? []))
    #expect(!request.url.contains("own") && !request.url.contains("env"))
    #expect(endpoint != "local" || request.url.hasPrefix("ws://127.0.0.1:5/v2/listen?model="))
    try await rig.cancel()
  }

  @Test("without a key nothing is dialled, and the way on without one is named")
  func missingKey() async throws {
    let rig = try StageRig([], environment: [:])
    let error = await #expect(throws: StageError.self) { try await rig.task.value }
    #expect(error?.code == .refused)
    #expect(error?.message == "there is no key for api.deepgram.com")
    #expect(error?.help?.contains("endpoint=local") == true)
    #expect(rig.world.webSockets.connections.isEmpty)
  }

  @Test(
    "a key that cannot be sent is not, and is told by where it comes from",
    arguments: [
      ("", "DEEPGRAM_API_KEY is empty"), ("abc\n", "DEEPGRAM_API_KEY ends with a line break"),
      ("a b", "DEEPGRAM_API_KEY contains a character that HTTP does not allow there, the 2nd of 3"),
    ])
  func unusableKey(key: String, message: String) async throws {
    let rig = try StageRig([], environment: ["DEEPGRAM_API_KEY": key])
    let error = await #expect(throws: StageError.self) { try await rig.task.value }
    #expect(error?.code == .refused && error?.message == message)
    #expect(rig.world.webSockets.connections.isEmpty)
    let own = try StageRig([StageSetting("token", .secret(Secret(key)))], environment: [:])
    let other = await #expect(throws: StageError.self) { try await own.task.value }
    #expect(
      other?.message == message.replacing("DEEPGRAM_API_KEY", with: "the token for api.deepgram.com"))
  }

  @Test("a lost connection and a refused key are told without what is secret")
  func secrecy() async throws {
    let address = "wss://h.example/p?token=s3cret"
    let rig = try StageRig([
      StageSetting("endpoint", .word(address)), StageSetting("key", .secret(Secret("s3cret"))),
    ])
    let first = await rig.greeted()
    first.give(.closed(code: 1011, reason: "oops"))
    rig.world.loop.advance(by: .seconds(2))
    let second = try #require(rig.world.webSockets.connections.last)
    #expect(second !== first)
    second.give(
      .refused(
        status: 401, headers: [], body: Array(#"{"err_code":"INVALID_AUTH","err_msg":"Invalid"}"#.utf8)))
    let error = await #expect(throws: StageError.self) { try await rig.task.value }
    #expect(error?.code == .refused)
    #expect(error?.description.contains("INVALID_AUTH: Invalid") == true)
    #expect(error?.help?.hasPrefix("The key was good before") == true)
    #expect(error.map { "\($0)" }?.contains("s3cret") == false)
    #expect(rig.world.notices.map(\.notice) == ["connection-lost"])
    #expect(!"\(rig.world.notices)".contains("s3cret"))
  }

  // MARK: - Audio

  @Test("audio waits for Connected, goes out chunk by chunk as it is, the last partial one too")
  func audio() async throws {
    let rig = try StageRig([Self.elsewhere], liveness: .finite)
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
    let rig = try StageRig([Self.elsewhere, StageSetting("as", .word("me"))])
    let connection = await rig.greeted()
    let chunk = [Int16](repeating: 1000, count: 1280)
    rig.push(chunk, at: 2560)
    rig.push(chunk, at: 3840)
    rig.push(chunk, at: 5120 + 1920)
    rig.end()
    #expect(
      connection.sentBytes
        == bytes(
          [Int16](repeating: 0, count: 2560) + chunk + chunk + [Int16](repeating: 0, count: 1920) + chunk))
    #expect(connection.sentLengths == [2560, 2560, 2560, 2560, 2560, 2560, 1280])
    #expect(rig.world.notices.map(\.notice) == ["gap", "gap"])
    #expect(rig.world.notices.map { String($0.message.prefix(7)) } == ["0.16 s ", "0.12 s "])
    #expect(rig.world.notices.allSatisfy { $0.stream == "me" && $0.severity == .warning })
    try await rig.cancel()
  }

  @Test("audio waits while the network takes none, goes on when it does, and in the end is given up")
  func blocked() async throws {
    let rig = try StageRig([Self.elsewhere, Self.once])
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
    let rig = try StageRig([Self.elsewhere, Self.once])
    let connection = await rig.connection()
    connection.give(.opened(headers: [HTTPHeader("DG-Request-Id", "r7")]))
    rig.world.loop.advance(by: .milliseconds(9_900))
    #expect(!connection.isAborted)
    rig.world.loop.advance(by: .milliseconds(400))
    #expect(connection.isAborted)
    let error = await #expect(throws: StageError.self) { try await rig.task.value }
    #expect(
      error?.message == "h.example accepted the connection and then said nothing for 10 s, request r7")
  }

  // MARK: - Events

  @Test("cancelling ends the open turn and drops the connection")
  func cancelled() async throws {
    let rig = try StageRig([Self.elsewhere, StageSetting("as", .word("me"))])
    let connection = await rig.greeted()
    connection.give(Self.start)
    try await rig.cancel()
    #expect(connection.isAborted)
    #expect(connection.sentTexts == [])
    #expect(rig.turns.map(\.kind) == [.startOfTurn, .endOfTurn])
    #expect(rig.turns.map(\.stream) == ["me", "me"])
    #expect(rig.turns.map(\.turn) == [1, 1])
    #expect(Set(rig.turns.map(\.session)).count == 1)
    #expect(rig.turns.first?.session.count == 32)
    #expect(rig.turns.last?.isFinal == false)
    #expect(rig.turns.last?.trigger == "input-ended")
    #expect(rig.turns.last?.transcript == "Hello")
  }

  @Test("an event carries the service's own fields, without those the event has itself")
  func serviceFields() async throws {
    let rig = try StageRig([Self.elsewhere])
    let connection = await rig.greeted()
    connection.give(Self.start)
    let turn = try #require(rig.turns.first)
    #expect(
      turn.service?.serialized
        == #"{"request_id":"r1","sequence_id":1,"turn_index":0,"audio_window_start":0.50,"audio_window_end":1.5,"end_of_turn_confidence":0.1,"new_field":[1]}"#
    )
    #expect(turn.start == 0.5)
    #expect(turn.words == [.init(word: "Hello", start: 0.5, end: 1, confidence: 0.9)])
    #expect(turn.time.seconds == 1_700_000_000)
    try await rig.cancel()
  }

  @Test(
    "the live capture goes through the stage as one turn, to an end in good order",
    .enabled(
      if: ProcessInfo.processInfo.environment["FLUX_VECTORS"] != nil,
      "the capture is not part of the repository: FLUX_VECTORS"))
  func liveCapture() async throws {
    let directory = try #require(ProcessInfo.processInfo.environment["FLUX_VECTORS"])
    let file = try Data(contentsOf: URL(filePath: "\(directory)/flux-live/frames.json"))
    let frames = try #require(try JSONValue.parse([UInt8](file))["frames"]?.arrayValue)
    let rig = try StageRig([Self.elsewhere])
    let connection = await rig.connection()
    connection.give(.opened(headers: []))
    for frame in frames { connection.give(try #require(frame.stringValue)) }
    rig.end()
    #expect(connection.sentTexts == [#"{"type":"CloseStream"}"#])
    connection.give(.closed(code: nil, reason: ""))
    try await rig.task.value
    let kinds = Dictionary(grouping: rig.turns, by: \.kind).mapValues(\.count)
    #expect(kinds == [.update: 100, .startOfTurn: 1, .eagerEndOfTurn: 1, .endOfTurn: 1])
    let end = try #require(rig.turns.first { $0.kind == .endOfTurn })
    #expect(end.transcript.hasPrefix("We the people of the United States"))
    #expect(end.isFinal == true)
    #expect(rig.world.notices.map(\.notice) == ["configured"])
  }
}
