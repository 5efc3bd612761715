public import FluxGraph
internal import Synchronization

/// Runs a single stage that makes or changes events, and collects what comes out.
public enum EventHarness {
  /// Runs samples through a recogniser that needs nothing of the world but time, and returns its turns.
  ///
  /// Time is virtual and passes by itself, so that a recogniser with connections of a `TestWorld` whose peer answers works too.
  /// - Parameters:
  ///   - samples: interleaved, in `format`, whose samples are `.f32le`.
  ///   - block: the length of the blocks the recogniser is handed, in frames.
  ///   - world: the world around it.
  /// - Throws: what the recogniser throws; `StageContract.Violation` when it goes on for ten minutes of virtual time.
  public static func run<S: Recogniser & Sendable>(
    _ stage: S, _ samples: [Float], format: AudioFormat, block: Int = 320, world: TestWorld = TestWorld()
  ) async throws -> [TurnEvent] {
    let run = try ContractRun(world, [:])
    let frames = samples.count / format.channels
    let queue = AudioQueue(format: format, slotFrames: block, capacity: frames / block + 1)
    let inlet = AudioInlet(queue, liveness: .finite)
    let heard = Mutex<[TurnEvent]>([])
    let outlet = EventOutlet { event in
      if case .turn(let turn) = event { heard.withLock { $0.append(turn) } }
    }
    let context = run.context
    let task = Task {
      var stage = stage
      try await stage.run(inlet, into: outlet, context)
    }
    let bytes = samples.withUnsafeBytes { Array($0) }
    var buffer = AudioBuffer(format: format, capacity: block)
    for start in stride(from: 0, to: frames, by: block) {
      let count = min(block, frames - start)
      buffer.reset(format: format, capacity: block)
      buffer.position = Int64(start)
      buffer.fill(bytes, from: start, frames: count)
      queue.push(buffer)
    }
    queue.end()
    try await run.passTime(until: task, "the audio is over, and the recogniser goes on")
    return heard.withLock { $0 }
  }
}
