// Stages that make or change audio.
extension PluginStageTemplate {
  static let source = PluginStageTemplate(
    stage: """
      import FluxGraph

      /// The stage `NAME`: clicks at a steady pace.
      struct TYPE: AudioSource {
        static let description = StageDescription<TYPE>(
          "NAME", "Gives short clicks at a steady pace.",
          examples: ["NAME | wav NAME.wav", "NAME every=100ms duration=5s | null"]
        ) {
          Option("every", \\TYPE.every, "The time from click to click.", in: .milliseconds(10)...(.seconds(60)))
          Option("duration", \\TYPE.duration, "The length of all of it.", in: .milliseconds(1)...(.seconds(86_400)))
        }

        var every = Duration.milliseconds(500)
        var duration = Duration.seconds(2)

        private let format = AudioFormat(.f32le, rate: 16_000, channels: 1)
        /// Frames given so far.
        private var given = 0

        /// What will come, known before anything runs. `finite` says that the source can wait for the stages behind it.
        var output: AudioStreamType { AudioStreamType(format, liveness: .finite) }

        mutating func open(_ context: StageContext) throws -> AudioFormat { format }

        mutating func read(into audio: inout AudioBuffer) throws -> SourceProgress {
          let count = audio.appendSilence(format.frames(in: duration) - given)
          guard count > 0 else { return .finished }
          let period = format.frames(in: every)
          var samples = audio.floats
          for index in 0..<count where (given + index) % period < 32 { samples[index] = 0.5 }
          given += count
          return .produced
        }
      }

      """,
    tests: """

      @Suite struct TYPETests {
        @Test("keeps what every stage owes") func contract() async throws {
          try await StageContract.check(TYPE.self, "NAME every=100ms duration=1s")
        }

        @Test("clicks come at the pace asked for") func pace() throws {
          var stage = TYPE()
          stage.every = .milliseconds(250)
          stage.duration = .seconds(1)
          let samples = try AudioHarness.run(stage).floats
          #expect(samples.count == 16_000)
          let clicks = samples.indices.filter { samples[$0] > 0 && ($0 == 0 || samples[$0 - 1] == 0) }
          #expect(clicks == [0, 4_000, 8_000, 12_000])
        }
      }

      """,
    graph: "NAME every=250ms | wav NAME.wav overwrite\n",
    example: "NAME duration=10s | wav clicks.wav")

  static let transform = PluginStageTemplate(
    stage: """
      import FluxGraph

      /// The stage `NAME`: louder or quieter.
      struct TYPE: AudioTransform {
        static let description = StageDescription<TYPE>(
          "NAME", "Makes the sound louder or quieter.",
          examples: ["tone duration=2s | NAME 6dB | wav NAME.wav", "mic | NAME level=-3dB | null"]
        ) {
          Option("level", \\TYPE.level, "How much louder.", in: .decibels(-60)...(.decibels(60)), positional: true)
        }

        var level = Decibels(0)

        mutating func process(_ audio: inout AudioBuffer) {
          audio.scale(by: level.amplitude)
        }
      }

      """,
    tests: """

      @Suite struct TYPETests {
        @Test("keeps what every stage owes") func contract() async throws {
          try await StageContract.check(TYPE.self, "NAME 6dB")
        }

        @Test("20 dB are ten times the amplitude") func amplitude() throws {
          var stage = TYPE()
          stage.level = Decibels(20)
          let format = AudioFormat(.f32le, rate: 16_000, channels: 1)
          let samples = try AudioHarness.run(stage, [0.01, -0.02, 0.05], format: format).floats
          for (found, wanted) in zip(samples, [0.1, -0.2, 0.5] as [Float]) {
            #expect(abs(found - wanted) < 1e-6)
          }
        }
      }

      """,
    graph: "tone duration=2s | NAME 6dB | wav NAME.wav overwrite\n",
    example: "tone duration=10s | NAME 6dB | wav louder.wav")
}
