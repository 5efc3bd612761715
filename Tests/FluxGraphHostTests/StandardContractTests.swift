import FluxGraph
import FluxGraphHost
import Foundation
import StageTesting
import Testing

/// Every stage of the program keeps the contract, or is named here with what checks it instead.
@Suite(.timeLimit(.minutes(10))) struct StandardContractTests {
  /// A stage as it is checked.
  struct Case: Sendable, CustomTestStringConvertible {
    var name: String
    var text: String
    var input = StageContract.Input.standard
    var files: [String: [UInt8]] = [:]
    var world: @Sendable () -> TestWorld = { TestWorld() }

    var testDescription: String { text }

    init(
      _ text: String, _ input: StageContract.Input = .standard, files: [String: [UInt8]] = [:],
      world: @escaping @Sendable () -> TestWorld = { TestWorld() }
    ) {
      name = String(text.prefix { $0 != " " })
      self.text = text
      self.input = input
      self.files = files
      self.world = world
    }
  }

  /// Stages whose world cannot be put up in a directory and a fake network, and the suites that have it.
  static let elsewhere = [
    "stdin": "the standard input of the process: SinkTests", "stdout": "its standard output: EventSinkTests",
    "mic": "a PulseAudio server: PulseTests", "monitor": "a PulseAudio server: PulseTests",
    "app": "a PulseAudio server: PulseTests", "pulse": "a PulseAudio server: PulseTests",
    "http": "a web server that goes away and comes back: HTTPSourceTests",
  ]

  static let cases = [
    Case("file talk.wav", files: ["talk.wav": wave]),
    Case("file talk.wav start=100ms duration=200ms", files: ["talk.wav": wave]),
    Case(#"exec ["cat", "talk.wav"]"#, files: ["talk.wav": wave]),
    Case(#"sh "cat talk.wav""#, files: ["talk.wav": wave]),
    Case("tone duration=1s rate=16k"), Case("tone noise duration=300ms channels=2"),
    Case("tone sweep duration=300ms"),
    Case("decode", .bytes(wave)),
    Case("decode raw=pcm(s16le, 16k, mono)", .bytes(Array(wave.dropFirst(44)))),
    Case("mix mono", .audio(ramp, rate: 48_000, channels: 2)),
    Case("mix left", .audio(ramp, rate: 48_000, channels: 2)),
    Case("resample 16k", .audio(ramp, rate: 44_100)),
    Case("resample 48k", .audio(ramp, rate: 8_000, channels: 2)),
    Case("format s16le", .audio(ramp, rate: 16_000)), Case("format mulaw", .audio(ramp, rate: 8_000)),
    Case("chunk 80ms"), Case("chunk 20ms", .audio(ramp, rate: 44_100, channels: 2)), Case("pace 1x"),
    Case("gain 6dB"), Case(#"through ["cat"]"#), Case("wav out.wav"), Case("null"),
    Case("where event == EndOfTurn"), Case("merge by=audio_time hold=1s"), Case("queue size=10"),
    Case(#"set stream="caller""#), Case("only [turn, transcript]"), Case("jsonl turns.jsonl"),
    Case("srt talk.srt"), Case("vtt talk.vtt"), Case("txt talk.txt"),
    Case("webhook https://example.com/turns", world: accepting),
    Case(#"command ["sh", "-c", "cat > heard"]"#), Case("sse 127.0.0.1:8090"),
    Case("flux endpoint=ws://127.0.0.1:1", world: service),
  ]

  @Test("keeps the contract", arguments: cases)
  func contract(_ example: Case) async throws {
    try await StageContract.check(
      example.text, named: example.name, in: .standard, input: example.input, files: example.files,
      world: example.world)
  }

  @Test("no stage is left out")
  func complete() {
    let checked = Set(Self.cases.map(\.name)).union(Self.elsewhere.keys)
    #expect(Catalogue.standard.all.map(\.name).filter { !checked.contains($0) } == [])
    #expect(checked.filter { Catalogue.standard[$0] == nil } == [])
  }

  // MARK: - Input

  /// A ramp and its reverse: every sample tells its place.
  private static let ramp: [Float] = (0..<12_000).map { Float($0 % 6_000) / 6_000 - 0.5 }

  /// 0.4 s of 16-bit mono at 16 kHz.
  private static let wave: [UInt8] = {
    let samples = (0..<6_400).map { Int16(truncatingIfNeeded: $0 * 5) }
    let data = samples.withUnsafeBytes { Array($0) }
    func bytes(_ value: Int, _ count: Int) -> [UInt8] {
      (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }
    return Array("RIFF".utf8) + bytes(36 + data.count, 4) + Array("WAVEfmt ".utf8) + bytes(16, 4)
      + bytes(1, 2)
      + bytes(1, 2) + bytes(16_000, 4) + bytes(32_000, 4) + bytes(2, 2) + bytes(16, 2) + Array("data".utf8)
      + bytes(data.count, 4) + data
  }()

  @Sendable private static func accepting() -> TestWorld {
    TestWorld(answers: { _ in HTTPResponse(status: 200, headers: [], body: []) })
  }

  /// A Flux that hears one turn, from the first audio to the end.
  @Sendable private static func service() -> TestWorld {
    TestWorld(peer: { connection, action in
      switch action {
      case .connect:
        connection.give(.opened(headers: []))
        connection.give(#"{"type":"Connected","request_id":"r","sequence_id":0}"#)
      case .binary where connection.sentMessages == 1:
        connection.give(turn("StartOfTurn", 1, end: 0.08))
      case .text(let text) where text.contains("ForceEndTurn"):
        connection.give(turn("EndOfTurn", 2, end: 0.5))
      case .text(let text) where text.contains("CloseStream"):
        connection.give(.closed(code: 1000, reason: ""))
      case .close:
        connection.give(.closed(code: 1000, reason: ""))
      default: break
      }
    })
  }

  private static func turn(_ event: String, _ sequence: Int, end: Double) -> String {
    """
    {"type":"TurnInfo","request_id":"r","sequence_id":\(sequence),"event":"\(event)","turn_index":0,\
    "audio_window_start":0,"audio_window_end":\(end),"transcript":"Hello.",\
    "words":[{"word":"Hello.","confidence":0.9}],"end_of_turn_confidence":0.8}
    """
  }
}
