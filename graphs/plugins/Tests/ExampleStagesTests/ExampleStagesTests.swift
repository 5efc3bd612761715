import ExampleStages
import FluxGraph
import Foundation
import StageTesting
import Testing

@Suite struct VoiceGateTests {
  @Test("keeps what every stage owes") func contract() async throws {
    try await StageContract.check(VoiceGate.self, "voice_gate -20dB hold=20ms")
  }

  @Test("what is quiet for longer than `hold` is silent, and nothing else is changed") func gate() throws {
    let format = AudioFormat(.f32le, rate: 1_000, channels: 2)
    var stage = VoiceGate()
    stage.threshold = Decibels(-20)
    stage.hold = .milliseconds(10)
    let world = TestWorld()
    let quiet = [Float](repeating: 0.01, count: 60)
    let loud = [Float](repeating: 0.5, count: 20)
    let output = try AudioHarness.run(
      stage, quiet + loud + quiet, format: format, context: world.context()
    ).floats
    #expect(output[..<60].allSatisfy { $0 == 0 })
    #expect(Array(output[60..<80]) == loud)
    // The last loud frame is one of the ten that keep the gate open.
    #expect(output[80..<98].allSatisfy { $0 == 0.01 })
    #expect(output[98...].allSatisfy { $0 == 0 })
    // 30 frames before, 21 after.
    #expect(world.metrics.samples.first?.value == 51.0)
  }
}

@Suite struct RedactTests {
  @Test("keeps what every stage owes") func contract() async throws {
    try await StageContract.check(Redact.self, #"redact names=["Bell"]"#)
  }

  @Test(
    "numbers and names are masked, with the punctuation kept",
    arguments: [
      ("call 020 7946, please.", "call ### ###, please."), ("room twenty-one!", "room ###!"),
      ("Dr Bell's dog", "Dr ### dog"), ("(bell)", "(###)"), ("a bellow", "a bellow"), ("a  b", "a  b"),
      ("", ""),
    ])
  func mask(_ spoken: String, _ masked: String) throws {
    var stage = Redact()
    stage.names = ["Bell"]
    stage.mask = "###"
    let words = spoken.split(separator: " ").map {
      TurnEvent.Word(word: String($0), start: nil, end: nil, confidence: 1)
    }
    let service: JSONValue = ["request_id": "r", "transcript": .string(spoken), "words": []]
    let turn = TurnEvent(
      kind: .endOfTurn, session: "s", turn: 1, start: 0, end: 1, time: WallTime(seconds: 0),
      transcript: spoken,
      words: words, service: service)
    var heard: [TurnEvent] = []
    stage.process(.turn(turn)) { event in
      if case .turn(let turn) = event { heard.append(turn) }
    }
    #expect(heard.map(\.transcript) == [masked])
    #expect(
      heard[0].words.map(\.word).joined(separator: " ") == masked.split(separator: " ").joined(separator: " ")
    )
    #expect(heard[0].service?.members?.map(\.0) == ["request_id"])
  }
}

@Suite struct CSVFileTests {
  @Test("keeps what every stage owes") func contract() async throws {
    try await StageContract.check(CSVFile.self, "csv turns.csv columns=[stream, turn, transcript]")
  }

  @Test("a row for each finished turn, quoted where it has to be, and one first row in all") func rows()
    async throws
  {
    let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    for text in ["Hello, you.", "He said \"no\""] {
      var stage = CSVFile()
      stage.path = Path("t.csv")
      stage.columns = ["turn", "transcript"]
      try await stage.open(TestWorld().context(directory: folder.path))
      for kind in [TurnEvent.Kind.startOfTurn, .endOfTurn] {
        try await stage.write(
          .turn(
            TurnEvent(
              kind: kind, session: "s", turn: 1, start: 0, end: 1, time: WallTime(seconds: 0),
              transcript: text)))
      }
      try await stage.finish()
    }
    let table = try String(contentsOf: folder.appending(path: "t.csv"), encoding: .utf8)
    #expect(table == "turn,transcript\r\n1,\"Hello, you.\"\r\n1,\"He said \"\"no\"\"\"\r\n")
  }

  @Test("a column that is no field is told before anything runs") func columns() {
    var stage = CSVFile()
    stage.columns = ["transkript"]
    #expect(throws: OptionConflict.self) { try stage.checkOptions() }
  }
}
