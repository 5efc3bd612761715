import Foundation
import Testing

/// Our client against the WebSocket server of Python's `websockets`, which plays Flux.
@Suite(
  .timeLimit(.minutes(10)), .enabled(if: Peers.areThere, "needs Python's websockets, ffmpeg and openssl"))
struct FluxConnectionTests {
  private let flux: FakeFlux
  private let recordings: Recordings

  init() async throws {
    flux = try await FakeFlux.shared.value
    recordings = try await Recordings.shared.value
  }

  private func run(
    _ call: FakeFlux.Call, _ sound: String = "short.wav", options: String = "", sink: String = "stdout json",
    environment: [String: String] = [:]
  ) async throws -> Program.Outcome {
    try await Fluxgraph.run(
      "file \(recordings.path(sound)) | flux endpoint=\(call.url) max_attempts=1 \(options) | \(sink)",
      environment: environment)
  }

  @Test(
    "the service gets what ffmpeg makes of the file, within one sample, in messages of 80 ms",
    arguments: ["stereo.wav", "noise.opus"])
  func audio(name: String) async throws {
    let call = flux.call("normal")
    let outcome = try await run(call, name)
    #expect(outcome.status == 0, "\(outcome.errors)")
    let record = try await flux.record(of: call)
    let expected = try recordings.bytes(of: "\(name).raw").count
    #expect(abs(record.audio.reduce(0, +) - expected) <= 2)
    #expect(record.audio.dropLast().allSatisfy { $0 == 2560 })
    #expect((1...2560).contains(record.audio.last ?? 0) && (record.audio.last ?? 0) % 2 == 0)
  }

  @Test(
    "telephone audio reaches the service byte for byte as it stands in its file",
    arguments: [("mulaw", 7), ("alaw", 6)] as [(String, UInt8)])
  func telephone(encoding: String, tag: UInt8) async throws {
    let folder = try Folder()
    // All bytes there are: some samples have two, and decoding would make them one.
    let sound = Data((0..<6400).map { UInt8($0 % 256) })
    func bytes(_ value: Int) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) } }
    let header =
      Array("RIFF".utf8) + bytes(36 + sound.count) + Array("WAVEfmt ".utf8) + bytes(16) + [tag, 0, 1, 0]
      + bytes(8000) + bytes(8000) + [1, 0, 8, 0] + Array("data".utf8) + bytes(sound.count)
    try folder.write(Data(header) + sound, to: "call.wav")
    let call = flux.call("normal")
    let outcome = try await Fluxgraph.run(
      "file call.wav | flux endpoint=\(call.url) max_attempts=1 encoding=\(encoding) | stdout json",
      directory: folder.path)
    #expect(outcome.status == 0, "\(outcome.errors)")
    let record = try await flux.record(of: call)
    #expect(record.path.contains("encoding=\(encoding)") && record.path.contains("sample_rate=8000"))
    #expect(record.audio.dropLast().allSatisfy { $0 == 640 })
    #expect(try flux.audio(of: call) == sound)
  }

  @Test("nothing is sent before Connected, and then everything")
  func connectedFirst() async throws {
    let call = flux.call("normal", ["delay": 0.7])
    let outcome = try await run(call)
    #expect(outcome.status == 0, "\(outcome.errors)")
    let record = try await flux.record(of: call)
    #expect(record.connectedAfter == 0)
    #expect(record.audio.reduce(0, +) == 19_200)
  }

  @Test("at the end an open turn is forced to end, then the stream is closed, and nothing follows")
  func ending() async throws {
    let call = flux.call("normal")
    let outcome = try await run(call)
    #expect(outcome.status == 0, "\(outcome.errors)")
    let record = try await flux.record(of: call)
    #expect(record.ending == [.text("ForceEndTurn"), .text("CloseStream")])
    let events = try outcome.events()
    #expect(events.first?.event == "StartOfTurn")
    #expect(events.last?.event == "EndOfTurn")
    #expect(events.last?.final == true)
    #expect(events.last?.trigger == "manual")
    #expect(events.last?.transcript == "Grüße, wörld 🎧")
  }

  @Test("messages in fragments, with pings between them that want their pongs, are put together")
  func fragments() async throws {
    let call = flux.call("normal", ["fragments": 7])
    let outcome = try await run(call)
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(try outcome.events().last?.transcript == "Grüße, wörld 🎧")
    let record = try await flux.record(of: call)
    #expect(record.pongs >= 7 * 3)
    #expect(record.audio.reduce(0, +) == 19_200)
  }

  @Test("the key goes to the service as a token and is never shown; the query has only what the graph set")
  func request() async throws {
    let call = flux.call("normal")
    let outcome = try await run(
      call, options: "key=env(SOME_KEY) eot_threshold=0.8 keyterm=[\"C++\", Zürich]",
      environment: ["SOME_KEY": "s3cr3t-k3y"])
    #expect(outcome.status == 0, "\(outcome.errors)")
    let record = try await flux.record(of: call)
    #expect(record.headers["Authorization"] == "Token s3cr3t-k3y")
    #expect(record.headers["User-Agent"]?.hasPrefix("fluxgraph/") == true)
    let query = try #require(URLComponents(string: record.path)?.percentEncodedQuery)
    #expect(
      query.split(separator: "&").dropFirst(2).sorted() == [
        "encoding=linear16", "eot_threshold=0.8", "keyterm=C%2B%2B", "keyterm=Z%C3%BCrich",
        "model=flux-general-en",
        "sample_rate=16000",
      ])
    for text in [outcome.output, outcome.errors] {
      #expect(!text.contains("s3cr3t-k3y") && !text.contains("Authorization"))
    }
  }

  @Test("without `key=` the variable DEEPGRAM_API_KEY is not sent to a service named by URL")
  func foreignService() async throws {
    let call = flux.call("normal")
    let outcome = try await run(call, environment: ["DEEPGRAM_API_KEY": "s3cr3t-k3y"])
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(try await flux.record(of: call).headers["Authorization"] == nil)
  }

  // MARK: - Closing

  static let codes = ["none", "abrupt", "1000", "1001", "1008", "1011", "3000", "4999"]

  @Test("a close before Connected is a failure of the service", arguments: codes)
  func closedBeforeConnected(code: String) async throws {
    let outcome = try await run(flux.call("close", ["at": "greeting", "code": code]))
    outcome.expectFailure(69, saying: "127.0.0.1", Self.words(for: code))
    #expect(outcome.output.isEmpty)
  }

  @Test("a close in the middle of a turn ends the turn as not final, and names the request", arguments: codes)
  func closedInMidstream(code: String) async throws {
    let outcome = try await run(flux.call("close", ["at": "streaming", "code": code]))
    outcome.expectFailure(
      69, saying: "127.0.0.1", Self.words(for: code), "019f4c80-a061-72f2-9780-89f9950b1adb")
    let events = try outcome.events()
    #expect(events.filter { $0.event == "EndOfTurn" }.count == 1)
    #expect(events.last?.event == "EndOfTurn")
    #expect(events.last?.final == false)
    #expect(events.last?.trigger == "disconnected")
    #expect(events.last?.transcript == "Grüße, wörld 🎧")
  }

  @Test("after CloseStream any close is the end that was asked for", arguments: codes)
  func closedAtTheEnd(code: String) async throws {
    let outcome = try await run(flux.call("close", ["at": "closing", "code": code]))
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(outcome.errorLines.isEmpty, "\(outcome.errors)")
    #expect(try outcome.events().last?.final == true)
  }

  private static func words(for code: String) -> String {
    switch code {
    case "none": "no code"
    case "abrupt": "lost"
    default: "code \(code) (so it is)"
    }
  }

  // MARK: - Nonsense

  @Test(
    "bytes that break the WebSocket protocol end the session with one sentence and an orderly close",
    arguments: [
      ("c1 01 41", 0, 1002), ("83 00", 0, 1002), ("81 81 00 00 00 00 41", 0, 1002),
      ("89 7e 00 7e", 126, 1002),
      ("09 00", 0, 1002), ("80 00", 0, 1002), ("88 01 03", 0, 1002), ("88 02 03 ec", 0, 1002),
      ("81 02 c3 28", 0, 1007), ("81 7f 00 00 00 ff ff ff ff ff", 0, 1009),
      ("81 7f ff ff ff ff ff ff ff ff", 0, 1002),
    ])
  func brokenFrames(bytes: String, zeros: Int, code: Int) async throws {
    let call = flux.call("raw", ["bytes": bytes.filter { $0 != " " }, "zeros": zeros])
    let outcome = try await run(call)
    outcome.expectFailure(69, saying: "127.0.0.1")
    #expect(try outcome.events().last?.trigger == "disconnected")
    #expect(try await flux.record(of: call).close == code)
  }

  @Test(
    "messages that cannot be read, and those of types unknown here, are told and passed over",
    arguments: ["{", "[]", "7", "{\"type\":7}", "{\"type\":\"Metadata\"}", "{\"type\":\"TurnInfo\"}", ""])
  func strangeMessages(text: String) async throws {
    let outcome = try await run(flux.call("text", ["text": text]))
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(outcome.errors.contains("127.0.0.1"), "\(outcome.errors)")
    #expect(try outcome.events().last?.final == true)
    outcome.expectNoCrash()
  }

  @Test(
    "a message nested a million deep, and numbers beyond all bounds, end nothing",
    arguments: [
      ("[", 1_000_000), ("{\"a\":", 500_000),
      (
        #"""
        {"type":"TurnInfo","event":"Update","turn_index":9223372036854775807,"sequence_id":1e300,"audio_window_start":-1e308,
         "audio_window_end":1e308,"transcript":"x","words":[{"word":"x","confidence":1e999,"start":1e308,"end":-5}],
         "end_of_turn_confidence":-1}
        """#, 1
      ),
    ])
  func hostileMessages(text: String, times: Int) async throws {
    let outcome = try await run(flux.call("text", ["text": text, "times": times]))
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(outcome.errors.contains("127.0.0.1"), "\(outcome.errors)")
    #expect(try outcome.events().filter { $0.event == "EndOfTurn" && $0.turn == 1 }.count == 1)
    outcome.expectNoCrash()
  }

  @Test("control characters in the service's words do not reach the terminal")
  func controlCharacters() async throws {
    let error = #"{"type":"Error","sequence_id":3,"code":"ODD","description":"a\u001b[31mb\u0007c\nd"}"#
    let outcome = try await run(flux.call("text", ["text": error, "closes": 1]))
    outcome.expectFailure(69, saying: "ODD")
    #expect(
      outcome.errors.unicodeScalars.allSatisfy { $0 == "\n" || $0.properties.generalCategory != .control })
  }

  @Test("an Error of the service is shown in its own words, with the request")
  func serviceError() async throws {
    let error = #"{"type":"Error","sequence_id":3,"code":"INTERNAL_SERVER_ERROR","description":"It broke."}"#
    let outcome = try await run(flux.call("text", ["text": error, "closes": 1]))
    outcome.expectFailure(
      69, saying: "INTERNAL_SERVER_ERROR", "It broke.", "019f4c80-a061-72f2-9780-89f9950b1adb")
    #expect(try outcome.events().last?.trigger == "disconnected")
  }

  @Test("a server that accepts and never says Connected is given up after ten seconds")
  func silentServer() async throws {
    let call = flux.call("silent")
    let outcome = try await run(call)
    outcome.expectFailure(69, saying: "127.0.0.1", "said nothing for 10 s")
    #expect(try await flux.record(of: call).messages.isEmpty)
  }
}
