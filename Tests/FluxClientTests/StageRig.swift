import FluxGraph
import FluxProtocol
import StageTesting
import Synchronization
import Testing

@testable import FluxClient

/// A whole `flux` stage in a test's world, and the audio it is given.
final class StageRig: Sendable {
  let world: TestWorld
  private let queue = AudioQueue(
    format: AudioFormat(.s16le, rate: 16_000, channels: 1), slotFrames: 1280, capacity: 100)
  private let emitted: Emitted
  let task: Task<Void, any Error>

  /// Events of any thread.
  private final class Emitted: Sendable {
    let events = Mutex<[Event]>([])
  }

  init(
    _ settings: [StageSetting], liveness: Liveness = .live, environment: [String: String] = [:],
    resources: [any Sendable] = []
  ) throws {
    let stage = try #require(StageSpecification(Flux.self).make(settings) as? Flux)
    world = TestWorld(environment: environment, resources: resources)
    let emitted = Emitted()
    self.emitted = emitted
    let inlet = AudioInlet(queue, liveness: liveness)
    let context = world.context(name: "flux", directory: "/graphs")
    let outlet = EventOutlet { event in emitted.events.withLock { $0.append(event) } }
    task = Task { [stage] in
      var stage = stage
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

  /// The source ends.
  func end() {
    queue.end()
    world.loop.runPending()
  }

  /// Cancels the stage, and waits for its end.
  func cancel() async throws {
    task.cancel()
    while !world.webSockets.connections.allSatisfy(\.isAborted) {
      world.loop.runPending()
      await Task.yield()
    }
    try await task.value
  }

  var turns: [TurnEvent] {
    emitted.events.withLock { $0 }.compactMap { if case .turn(let turn) = $0 { turn } else { nil } }
  }
}
