import FluxGraph
import FluxProtocol
import FluxServer
import Foundation
import TestSupport
import Testing

@Suite("Replay")
struct ReplayTests {
  static let url =
    "wss://api.deepgram.com/v2/listen?model=flux-general-en&encoding=linear16&sample_rate=16000"

  /// A turn at 1 s of 2 s of audio, then the end.
  static func recording(_ end: FluxRecording.Frame...) -> FluxRecording {
    var recording = FluxRecording(url: url)
    recording.frames =
      [
        .init(
          .server, audio: 0, wall: 0.1, .text(#"{"type":"Connected","request_id":"id","sequence_id":0}"#)),
        .init(.client, audio: 1, wall: 1, .binary(count: 32_000, .unknown)),
        .init(
          .server, audio: 1, wall: 1.2, .text(#"{"type":"TurnInfo","event":"StartOfTurn","sequence_id":1}"#)),
        .init(.client, audio: 2, wall: 2, .binary(count: 32_000, .base64("AAAA"))),
        .init(
          .server, audio: 2, wall: 2.2, .text(#"{"type":"TurnInfo","event":"EndOfTurn","sequence_id":2}"#)),
      ] + end
    return recording
  }

  static let closed = [
    FluxRecording.Frame(.client, audio: 2, wall: 2.3, .text(#"{"type":"CloseStream"}"#)),
    FluxRecording.Frame(.server, audio: 2, wall: 2.4, .close(code: nil, reason: "")),
  ]

  static func machine(_ recording: FluxRecording) throws -> ReplayMachine {
    let query = "model=flux-general-multi&encoding=mulaw&sample_rate=8000"
    return ReplayMachine(recording, parameters: try ListenParameters(query: query), now: .zero)
  }

  static func sent(_ actions: [ServedSessionMachine.Action]) -> [Int?] {
    actions.compactMap { action in
      guard case .send(let text) = action else { return nil }
      return (try? ServerMessage(decoding: text))?.sequenceID
    }
  }

  @Test("messages come when as much audio came as then, in any format and cut")
  func audioClock() throws {
    var machine = try Self.machine(Self.recording(Self.closed[0], Self.closed[1]))
    #expect(Self.sent(machine.start()) == [0])
    var seen: [Int?] = []
    for part in 1...40 {
      let numbers = Self.sent(machine.receive(binary: [UInt8](repeating: 255, count: 400), now: .zero))
      // The resampler holds a few samples back.
      if !numbers.isEmpty { #expect(part == (numbers == [1] ? 21 : 0)) }
      seen += numbers
    }
    #expect(seen == [1])
    let end = machine.receive(text: #"{"type":"CloseStream"}"#, now: .zero)
    #expect(Self.sent(end) == [2] && end.last == .close(code: nil, reason: "the recording ended"))
    #expect(machine.receive(binary: [1, 2], now: .zero) == [])
  }

  /// A recording of 16 kHz linear16 in two frames of a second, with its audio or the hashes of it.
  static func recordingOfAudio(hashed: Bool) -> (FluxRecording, audio: [UInt8]) {
    let audio = (0..<64_000).map { UInt8(truncatingIfNeeded: $0 / 7) }
    var recording = recording(closed[0], closed[1])
    for (index, end) in [(1, 32_000), (3, 64_000)] {
      let piece = Data(audio[(end - 32_000)..<end])
      recording.frames[index].content = .binary(
        count: 32_000,
        hashed
          ? .sha256(SHA256.hash(Array(audio[..<end])).hexadecimal) : .base64(piece.base64EncodedString()))
    }
    return (recording, audio)
  }

  @Test(
    "whether a client sent the recorded audio is said, from the audio or its hash, however it was cut",
    arguments: [true, false], [1280, 2560, 64_000])
  func comparison(hashed: Bool, piece: Int) throws {
    let (recording, audio) = Self.recordingOfAudio(hashed: hashed)
    func reason(_ audio: [UInt8], query: String = "encoding=linear16&sample_rate=16000") throws -> String {
      let parameters = try ListenParameters(query: "model=flux-general-en&" + query)
      var machine = ReplayMachine(recording, parameters: parameters, now: .zero)
      _ = machine.start()
      for start in stride(from: 0, to: audio.count, by: piece) {
        _ = machine.receive(binary: Array(audio[start..<min(start + piece, audio.count)]), now: .zero)
      }
      guard
        case .close(_, let reason) = machine.receive(text: #"{"type":"CloseStream"}"#, now: .zero).last
      else { return "no close" }
      return reason
    }
    #expect(try reason(audio) == "the recording ended; its audio is the recorded one")
    let short = try reason(Array(audio[..<40_000]))
    #expect(short == "the client closed the stream; its audio is the recorded one as far as both go")
    var other = audio
    other[40_000] ^= 1
    let different = try reason(other)
    #expect(
      different == "the recording ended; its audio is not the recorded one, which differs before 2.0 s")
    // Another encoding has other bytes.
    #expect(try !reason(audio, query: "encoding=mulaw&sample_rate=8000").contains("its audio"))
  }

  @Test("CloseStream before the recorded end leaves the rest out")
  func earlyEnd() throws {
    var machine = try Self.machine(Self.recording(Self.closed[0], Self.closed[1]))
    _ = machine.start()
    _ = machine.receive(binary: [UInt8](repeating: 255, count: 8500), now: .zero)
    let end = machine.receive(text: #"{"type":"CloseStream"}"#, now: .zero)
    #expect(end == [.close(code: nil, reason: "the client closed the stream")])
  }

  @Test("a session the service ended ends by itself, a lost one is lost")
  func otherEnds() throws {
    var machine = try Self.machine(
      Self.recording(.init(.server, audio: 2, wall: 3, .close(code: 1011, reason: "x"))))
    _ = machine.start()
    let actions = machine.receive(binary: [UInt8](repeating: 255, count: 17_000), now: .zero)
    #expect(
      Self.sent(actions) == [1, 2] && actions.last == .close(code: 1011, reason: "the recording ended"))
    machine = try Self.machine(Self.recording(.init(.server, audio: 1.5, wall: 3, .lost(reason: "x"))))
    _ = machine.start()
    let lost = machine.receive(binary: [UInt8](repeating: 255, count: 17_000), now: .zero)
    #expect(lost.last == .drop(reason: "the recorded connection was lost"))
  }

  @Test("a replay is as strict as the service with messages, and as patient")
  func strictness() throws {
    var machine = try Self.machine(Self.recording())
    _ = machine.start()
    #expect(machine.receive(text: #"{"type":"Configure","keyterms":["a"]}"#, now: .seconds(5)) == [])
    #expect(machine.tick(now: .seconds(64)) == [] && machine.tick(now: .seconds(65)).count == 1)
    machine = try Self.machine(Self.recording())
    let actions = machine.receive(text: #"{"type":"KeepAlive"}"#, now: .zero)
    #expect(actions.count == 2)
    guard case .send(let text) = actions.first else { return #expect(Bool(false)) }
    #expect(text.contains("UNPARSABLE_CLIENT_MESSAGE"))
  }

  @Test("a recording is read as it was written, without anything but Flux's parameters in its URL")
  func file() throws {
    let recording = Self.recording(
      Self.closed[0], Self.closed[1], .init(.server, audio: 2, wall: 3, .lost(reason: "é\n")))
    let text = ([recording.header] + recording.frames.map(\.line)).joined(separator: "\n")
    #expect(try FluxRecording(reading: Array(text.utf8)) == recording)
    let hashed = Self.recordingOfAudio(hashed: true).0
    let lines = ([hashed.header] + hashed.frames.map(\.line)).joined(separator: "\n")
    #expect(lines.contains(#""sha256":""#) && !lines.contains("base64"))
    #expect(try FluxRecording(reading: Array(lines.utf8)) == hashed)
    #expect(FluxRecording(url: Self.url + "&token=secret&keyterm=a").url == Self.url + "&keyterm=a")
    #expect(recording.audioSeconds == 2 && recording.endsByClient)
  }

  @Test(
    "what is no recording is refused with its line",
    arguments: [
      ("", 1), ("{}", 1), (#"{"fluxgraph":"recording","v":2,"url":"x"}"#, 1),
      (#"{"fluxgraph":"recording","v":1,"url":"x"}"# + "\n{}", 2), (#"{"frames":["x"]}"#, nil),
      (
        #"{"fluxgraph":"recording","v":1,"url":"x"}"# + "\n"
          + #"{"from":"server","audio":0,"wall":0,"close":70000}"#, 2
      ),
    ] as [(String, Int?)])
  func refusals(text: String, line: Int?) {
    let error = #expect(throws: RecordingError.self) { try FluxRecording(reading: Array(text.utf8)) }
    #expect(error?.line == line)
  }

  @Test("random bytes never trap", arguments: 1...20 as ClosedRange<UInt64>)
  func mutations(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let recording = Self.recording(Self.closed[0], Self.closed[1])
    let text = Array(([recording.header] + recording.frames.map(\.line)).joined(separator: "\n").utf8)
    for _ in 0..<50 {
      var bytes = text
      for _ in 0..<3 {
        bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
      }
      guard let read = try? FluxRecording(reading: bytes) else { continue }
      var machine = try Self.machine(read)
      _ = machine.start()
      _ = machine.receive(binary: [UInt8](repeating: 255, count: 17_000), now: .zero)
      _ = machine.receive(text: #"{"type":"CloseStream"}"#, now: .zero)
      #expect(machine.deadline == nil)
    }
  }

  @Test(
    "the capture of a live session gives the vendor's SDK the vendor's own parse",
    .enabled(
      if: ProcessInfo.processInfo.environment["FLUX_VECTORS"] != nil && Peers.havePython,
      "the capture is not part of the repository: FLUX_VECTORS"), arguments: ["sync", "async"])
  func capture(mode: String) async throws {
    let directory = URL(filePath: ProcessInfo.processInfo.environment["FLUX_VECTORS"] ?? "").appending(
      path: "flux-live")
    var options = FluxServer.Options()
    options.replay = try FluxRecording(
      reading: Array(Data(contentsOf: directory.appending(path: "frames.json"))))
    // What it was recorded with: the speech, then silence.
    var audio = try Data(contentsOf: directory.appending(path: "preamble-16k.wav")).dropFirst(44)
    audio += Data(count: 22 * 32_000 - audio.count)
    _ = try await FluxServerTests().withServer(options) { port in
      let golden = directory.appending(path: "golden.json").path
      let line = try #require(
        try await Peers.run(script: "sdk_replay.py", ["\(port)", mode, golden], input: audio).first)
      #expect(line["count"]?.intValue == 105 && line["expected"]?.intValue == 105)
      #expect(line["different"]?.stringValue == "[]")
    }
  }
}
