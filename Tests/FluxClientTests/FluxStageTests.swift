import FluxGraph
import FluxProtocol
import StageTesting
import Testing

@testable import FluxClient

@Suite("The stage flux")
struct FluxStageTests {
  private func stage(_ settings: [StageSetting]) throws -> Flux {
    try #require(StageSpecification(Flux.self).make(settings) as? Flux)
  }

  private func query(_ settings: StageSetting...) throws -> String {
    try stage(settings).parameters.query()
  }

  @Test("only what was set is sent")
  func minimal() throws {
    #expect(try query() == "model=flux-general-en&encoding=linear16&sample_rate=16000")
  }

  @Test(
    "a preset is what the guide says",
    arguments: [
      ("simple", "flux-general-en", "eot_threshold=0.7"),
      ("low-latency", "flux-general-en", "eot_threshold=0.7&eager_eot_threshold=0.4&eot_timeout_ms=6000"),
      ("high-reliability", "flux-general-en", "eot_threshold=0.85&eot_timeout_ms=8000"),
      (
        "complex-pipeline", "flux-general-en",
        "eot_threshold=0.85&eager_eot_threshold=0.4&eot_timeout_ms=7000"
      ),
      ("multilingual", "flux-general-multi", "eot_threshold=0.7"),
    ])
  func presets(_ name: String, _ model: String, _ rest: String) throws {
    let expected = "model=\(model)&encoding=linear16&sample_rate=16000&\(rest)"
    #expect(try query(StageSetting("preset", .word(name))) == expected)
  }

  @Test("what is set beside a preset wins")
  func presetWins() throws {
    let text = try query(
      StageSetting("preset", .word("low-latency")), StageSetting("eot_threshold", .word("0.9")),
      StageSetting("model", .word("flux-general-multi")), StageSetting("language_hint", .list([.word("en")])),
      StageSetting("keyterm", .list([.string("C++"), .string("Zürich HB")])))
    #expect(
      text == "model=flux-general-multi&encoding=linear16&sample_rate=16000&eot_threshold=0.9"
        + "&eager_eot_threshold=0.4&eot_timeout_ms=6000&keyterm=C%2B%2B&keyterm=Z%C3%BCrich%20HB&language_hint=en"
    )
  }

  @Test("telephone audio is asked for and sent as it is")
  func telephone() throws {
    let stage = try stage([StageSetting("encoding", .word("mulaw"))])
    #expect(stage.accepts.sample == .mulaw && stage.accepts.rate == 8000)
    #expect(stage.parameters.query() == "model=flux-general-en&encoding=mulaw&sample_rate=8000")
  }

  @Test(
    "what the service would refuse is told before dialling, what it may refuse is a warning",
    arguments: [
      (["model": "flux-general-fr"], "doubtful-parameter", true),
      (["model": "whisper"], "bad-parameter", false),
      (["sample_rate": "22050Hz"], "bad-parameter", false),
      (["dialect": "cloudflare"], "cloudflare-limits", false),
    ])
  func validation(_ options: [String: String], _ code: String, _ isWarning: Bool) throws {
    let stage = try stage(options.map { StageSetting($0.key, .word($0.value)) })
    let conflict = #expect(throws: OptionConflict.self) { try stage.checkOptions() }
    #expect(conflict?.code == code)
    #expect(conflict?.isWarning == isWarning)
  }

  @Test(
    "a value beyond what the service is known to take is doubtful, and may be given all the same",
    arguments: [
      ("eot_timeout", "400ms", true), ("eot_timeout", "61s", true), ("eot_timeout", "60s", false),
      ("eot_threshold", "0.45", true), ("eot_threshold", "1", false), ("eager_eot_threshold", "0.2", true),
      ("eager_eot_threshold", "0.95", true), ("eager_eot_threshold", "0.3", false),
    ])
  func doubtful(_ option: String, _ value: String, _ isDoubtful: Bool) throws {
    let advice = StageSpecification(Flux.self).advice(on: option, .word(value))
    #expect((advice != nil) == isDoubtful)
    _ = try stage([StageSetting(option, .word(value))])
  }

  @Test(
    "options that contradict each other are all named",
    arguments: [
      (["eager_eot_threshold=0.8"], "eager-above-eot", ["eager_eot_threshold"]),
      (
        ["eager_eot_threshold=0.8", "eot_threshold=0.6"], "eager-above-eot",
        ["eager_eot_threshold", "eot_threshold"]
      ),
      (
        ["preset=low-latency", "eager_eot_threshold=0.75"], "eager-above-eot",
        ["eager_eot_threshold", "preset"]
      ),
      (["words=none"], "words-without-local", ["words"]),
      (["model=flux"], "bad-parameter", ["model"]),
    ] as [([String], String, [String])])
  func conflicts(_ options: [String], _ code: String, _ names: [String]) throws {
    let flux = try stage(
      options.map { option in
        let parts = option.split(separator: "=", maxSplits: 1).map(String.init)
        return StageSetting(parts[0], .word(parts[1]))
      })
    let conflict = StageSpecification(Flux.self).conflicts(in: flux).first
    #expect(conflict?.code == code)
    #expect(conflict?.options == names)
  }

  @Test("a language hint needs the multilingual model, and a hundred keyterms are enough")
  func limits() throws {
    let hint = StageSetting("language_hint", .list([.word("en")]))
    let conflict = #expect(throws: OptionConflict.self) { try stage([hint]).checkOptions() }
    #expect(conflict?.options == ["language_hint"])
    try stage([hint, StageSetting("model", .word("flux-general-multi"))]).checkOptions()
    func keyterms(_ count: Int) -> StageSetting {
      StageSetting("keyterm", .list((0..<count).map { .word("k\($0)") }))
    }
    try stage([keyterms(100)]).checkOptions()
    let many = #expect(throws: OptionConflict.self) { try stage([keyterms(101)]).checkOptions() }
    #expect(many?.options == ["keyterm"])
    try stage([StageSetting("eager_eot_threshold", .word("0.7"))]).checkOptions()
  }

  @Test("the key goes where the service wants it")
  func authorization() {
    var dialer = FluxDialer(base: "wss://x")
    dialer.authorize(key: Secret("k"), token: nil, asSubprotocol: false)
    #expect(dialer.headers == [HTTPHeader("Authorization", "Token k")])
    dialer = FluxDialer(base: "wss://x")
    dialer.authorize(key: nil, token: Secret("t"), asSubprotocol: false)
    #expect(dialer.headers == [HTTPHeader("Authorization", "Bearer t")])
    dialer = FluxDialer(base: "wss://x")
    dialer.authorize(key: Secret("k"), token: nil, asSubprotocol: true)
    #expect(dialer.subprotocols == ["token", "k"] && dialer.headers.isEmpty)
    dialer = FluxDialer(base: "wss://g/v1/a/b/workers-ai?model=@cf/deepgram/flux", dialect: .cloudflare)
    dialer.authorize(key: Secret("k"), token: nil, asSubprotocol: false)
    #expect(dialer.headers == [HTTPHeader("cf-aig-authorization", "k")])
    var parameters = ListenParameters(model: "flux-general-en")
    parameters.encoding = "linear16"
    parameters.sampleRate = 16_000
    #expect(
      dialer.request(parameters).url
        == "wss://g/v1/a/b/workers-ai?model=@cf/deepgram/flux&encoding=linear16&sample_rate=16000")
  }

  @Test(
    "headers are names and values, and a value never shows",
    arguments: ["X-Team: sales", "Authorization:Basic a:b"])
  func headers(_ text: String) throws {
    let line = try HeaderLine.parse(.string(text))
    #expect(line.header.name == text.split(separator: ":")[0])
    #expect(!"\(line)".contains(line.header.value))
  }

  @Test(
    "what could begin another header is none", arguments: ["X", ": a", "X Y: a", "X: a\r\nY: b", "X: \u{0}"])
  func badHeaders(_ text: String) {
    #expect(throws: OptionError.self) { try HeaderLine.parse(.string(text)) }
  }

  @Test("split channels have a session and a stream each, and each hears its own")
  func split() async throws {
    let world = TestWorld()
    let format = AudioFormat(.s16le, rate: 16_000, channels: 2)
    let queue = AudioQueue(format: format, slotFrames: 1280, capacity: 8)
    var block = AudioBuffer(format: format, capacity: 1280)
    block.append { room in
      let samples = room.bindMemory(to: Int16.self)
      for index in 0..<1280 {
        samples[2 * index] = 1
        samples[2 * index + 1] = 2
      }
      return 1280
    }
    queue.push(block)
    var flux = try stage([
      StageSetting("channels", .word("split")), StageSetting("as", .word("call")),
      StageSetting("endpoint", .word("ws://flux.test")),
    ])
    let context = world.context()
    let task = Task {
      try await flux.run(AudioInlet(queue, liveness: .live), into: EventOutlet { _ in }, context)
    }
    while world.webSockets.connections.count < 2 {
      await Task.yield()
      world.loop.runPending()
    }
    for (connection, sample) in zip(world.webSockets.connections, [1, 2] as [UInt8]) {
      connection.give(.opened(headers: []))
      connection.give(#"{"type":"Connected","request_id":"r","sequence_id":0}"#)
      #expect(connection.sentBytes == (0..<2560).map { $0 % 2 == 0 ? sample : 0 })
    }
    let reply = try #require(world.give(.status).first)
    #expect(reply.details.first { $0.name == "channels" }?.value.arrayValue?.count == 2)
    task.cancel()
    while !world.webSockets.connections.allSatisfy(\.isAborted) {
      await Task.yield()
      world.loop.runPending()
    }
    try await task.value
  }
}
