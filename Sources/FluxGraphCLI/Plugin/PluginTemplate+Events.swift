// Stages that make, change or take events.
extension PluginStageTemplate {
  static let recogniser = PluginStageTemplate(
    stage: """
      import FluxGraph

      /// The stage `NAME`: sound as turns, without words.
      struct TYPE: Recogniser {
        static let description = StageDescription<TYPE>(
          "NAME", "Makes a turn of everything that is loud enough, without words.",
          examples: ["tone duration=2s | NAME | stdout json", "file talk.wav | NAME -30dB hold=1s | jsonl turns.jsonl"]
        ) {
          Option(
            "threshold", \\TYPE.threshold, "The level that counts as sound.", in: .decibels(-90)...(.decibels(0)),
            positional: true)
          Option("hold", \\TYPE.hold, "How long it is quiet at a turn's end.", in: .milliseconds(10)...(.seconds(60)))
        }

        var threshold = Decibels(-40)
        var hold = Duration.milliseconds(500)

        /// What the stage takes. What comes is mixed and converted to it by stages the checker puts in.
        var accepts: AudioRequirement { AudioRequirement(sample: .f32le, channels: 1) }

        /// Runs in a task of its own and may await: a connection of `context.webSockets`, an answer of `context.http`.
        mutating func run(_ audio: AudioInlet, into events: EventOutlet, _ context: StageContext) async throws {
          let rate = Double(audio.format.rate)
          let limit = threshold.amplitude
          let quiet = Int64(hold.seconds * rate)
          var turn = 0
          var start: Int64?
          var lastLoud: Int64 = 0
          var end: Int64 = 0

          func emit(_ kind: TurnEvent.Kind, at frame: Int64, trigger: TurnEvent.Trigger? = nil) {
            events.emit(
              .turn(
                TurnEvent(
                  kind: kind, session: context.name, turn: turn, isFinal: trigger == nil ? nil : true, trigger: trigger,
                  start: Double(start ?? frame) / rate, end: Double(frame) / rate, time: context.clock.wallTime(),
                  transcript: "")))
          }

          while let block = await audio.next() {
            end = block.position + Int64(block.frames)
            for (index, sample) in block.floats.enumerated() {
              let frame = block.position + Int64(index)
              if abs(sample) >= limit {
                lastLoud = frame
                if start == nil {
                  turn += 1
                  start = frame
                  emit(.startOfTurn, at: frame)
                }
              } else if start != nil, frame - lastLoud >= quiet {
                emit(.endOfTurn, at: frame, trigger: "quiet")
                start = nil
              }
            }
          }
          // The audio is over: what has begun is ended.
          if start != nil { emit(.endOfTurn, at: end, trigger: "input-ended") }
          context.log.info("\\(turn) turns")
        }
      }

      """,
    tests: """

      @Suite struct TYPETests {
        @Test("keeps what every stage owes") func contract() async throws {
          try await StageContract.check(TYPE.self, "NAME -20dB hold=100ms")
        }

        @Test("two sounds with a pause between them are two turns") func turns() async throws {
          let pause = [Float](repeating: 0, count: 16_000)
          let sound = [Float](repeating: 0.5, count: 8_000)
          let heard = try await EventHarness.run(
            TYPE(), pause + sound + pause + sound, format: AudioFormat(.f32le, rate: 16_000, channels: 1))
          #expect(heard.map(\\.kind) == [.startOfTurn, .endOfTurn, .startOfTurn, .endOfTurn])
          #expect(heard.map(\\.start) == [1, 1, 2.5, 2.5])
          #expect(heard.last?.end == 3)
        }
      }

      """,
    graph: "tone duration=2s | NAME -30dB | stdout json\n",
    example: "tone duration=2s | NAME | stdout json")

  static let events = PluginStageTemplate(
    stage: """
      import FluxGraph

      /// The stage `NAME`: short turns go their own way.
      struct TYPE: EventTransform {
        static let description = StageDescription<TYPE>(
          "NAME", "Lets turns pass that have enough words, and sends the others out by a port.",
          ports: [PortSpecification("short", "Turns with too few words.")],
          examples: [
            "file talk.wav | flux | NAME 3 | stdout",
            "long = file talk.wav | flux | NAME words=5; long | stdout; long.short | jsonl short.jsonl",
          ]
        ) {
          Option("words", \\TYPE.words, "The fewest words that pass.", in: 1...1000, positional: true)
        }

        var words = 2
        private var context: StageContext?

        mutating func prepare(_ context: StageContext) { self.context = context }

        mutating func process(_ event: Event, emit: (Event) -> Void) {
          guard case .turn(let turn) = event, turn.kind == .endOfTurn, turn.words.count < words else {
            return emit(event)
          }
          context?.emit(event, port: "short")
        }
      }

      """,
    tests: """

      @Suite struct TYPETests {
        @Test("keeps what every stage owes") func contract() async throws {
          try await StageContract.check(TYPE.self, "NAME 3")
        }

        @Test("a turn of too few words leaves by the port") func port() {
          let world = TestWorld()
          var stage = TYPE()
          stage.words = 2
          stage.prepare(world.context())
          var passed: [String] = []
          for text in ["Yes.", "Yes, please."] {
            let words = text.split(separator: " ").map {
              TurnEvent.Word(word: String($0), start: nil, end: nil, confidence: 1)
            }
            let turn = TurnEvent(
              kind: .endOfTurn, session: "test", turn: 1, start: 0, end: 1, time: WallTime(seconds: 0), transcript: text,
              words: words)
            stage.process(.turn(turn)) { event in
              if case .turn(let turn) = event { passed.append(turn.transcript) }
            }
          }
          #expect(passed == ["Yes, please."])
          #expect(world.emitted.map(\\.port) == ["short"])
        }
      }

      """,
    graph: """
      # The local Flux takes its words from a file: no key, no network.
      long = tone duration=3s | flux endpoint=local words="script:NAME.vtt" | NAME 3
      long | stdout
      long.short | jsonl short.jsonl

      """,
    words: words, example: "file talk.wav | flux | NAME 3 | stdout")

  static let sink = PluginStageTemplate(
    stage: """
      import FluxGraph
      import Foundation

      /// The stage `NAME`: a file with one line for each turn.
      struct TYPE: EventSink {
        static let description = StageDescription<TYPE>(
          "NAME", "Appends a line of time and text to a file for each finished turn.",
          examples: ["file talk.wav | flux | NAME turns.tsv", "mic | flux | NAME path=turns.tsv"]
        ) {
          Option("path", \\TYPE.path, "The file.", positional: true, required: true)
        }

        var path = Path("")
        private var context: StageContext?
        private var file: OpenFile?

        /// Files are opened and written on the context's disk thread: a task of Swift's pool must not wait for a disk.
        mutating func open(_ context: StageContext) async throws {
          let place = context.resolve(path)
          file = try await context.disk.run { try OpenFile(place) }
          self.context = context
        }

        mutating func write(_ event: Event) async throws {
          guard case .turn(let turn) = event, turn.kind == .endOfTurn, let file, let context else { return }
          let line = fixedText(turn.start, digits: 3) + "\\t" + turn.transcript.onOneLine + "\\n"
          try await context.disk.run { try file.append(line) }
        }

        mutating func finish() async throws {
          guard let file, let context else { return }
          try await context.disk.run { try file.close() }
        }
      }

      /// A file that is written at its end.
      private final class OpenFile: @unchecked Sendable {
        // Unchecked: only the disk thread uses it.
        private let handle: FileHandle
        private let path: String

        init(_ path: String) throws(StageError) {
          if !FileManager.default.fileExists(atPath: path) {
            _ = FileManager.default.createFile(atPath: path, contents: nil)
          }
          guard let handle = FileHandle(forWritingAtPath: path) else {
            throw StageError(.inputOutput, "\\(path) cannot be written")
          }
          self.handle = handle
          self.path = path
        }

        func append(_ line: String) throws(StageError) {
          do {
            try handle.seekToEnd()
            try handle.write(contentsOf: Data(line.utf8))
          } catch {
            throw StageError(.inputOutput, "\\(path) cannot be written: \\(error)")
          }
        }

        func close() throws(StageError) {
          do {
            try handle.close()
          } catch {
            throw StageError(.inputOutput, "\\(path) cannot be closed: \\(error)")
          }
        }
      }

      """,
    tests: """

      @Suite struct TYPETests {
        @Test("keeps what every stage owes") func contract() async throws {
          try await StageContract.check(TYPE.self, "NAME turns.tsv")
        }

        @Test("a finished turn is one line") func line() async throws {
          let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
          try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
          defer { try? FileManager.default.removeItem(at: folder) }
          var stage = TYPE()
          stage.path = Path("turns.tsv")
          try await stage.open(TestWorld().context(directory: folder.path))
          for kind in [TurnEvent.Kind.startOfTurn, .endOfTurn] {
            try await stage.write(
              .turn(
                TurnEvent(
                  kind: kind, session: "test", turn: 1, start: 1.5, end: 2, time: WallTime(seconds: 0), transcript: "Hello.")))
          }
          try await stage.finish()
          let text = try String(contentsOf: folder.appending(path: "turns.tsv"), encoding: .utf8)
          #expect(text == "1.500\\tHello.\\n")
        }
      }

      """,
    graph: """
      # The local Flux takes its words from a file: no key, no network.
      tone duration=3s | flux endpoint=local words="script:NAME.vtt" | NAME NAME.tsv

      """,
    words: words, example: "file talk.wav | flux | NAME turns.tsv")
}
