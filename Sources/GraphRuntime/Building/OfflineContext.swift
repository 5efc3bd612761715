package import FluxGraph
internal import Synchronization

/// The world of an event stage in a graph's test, and of a stage that is asked what it needs: the clock runs, and nothing can be
/// reached. What the stage sends out by its ports is kept until it is taken.
struct OfflineContext {
  private final class Outbox: Sendable {
    let events = Mutex<[(event: Event, port: String)]>([])
  }

  private let outbox = Outbox()
  let context: StageContext

  /// - Parameter world: what there is of the world all the same.
  init(name: String, category: String, directory: String, world: World = .unreachable) {
    let outbox = outbox
    context = StageContext(
      name: name, category: category, directory: directory, world: world,
      portHandler: { event, port in outbox.events.withLock { $0.append((event, port)) } })
  }

  /// What was sent out by ports since the last time this was asked.
  func takeSent() -> [(event: Event, port: String)] {
    outbox.events.withLock { events in
      defer { events = [] }
      return events
    }
  }
}

extension World {
  /// The clock runs, and nothing can be reached.
  package static var unreachable: World {
    World(
      loop: StillLoop(), webSockets: NoNetwork(), http: NoNetwork(), httpServer: NoNetwork(),
      disk: RefusingThread(), terminal: RefusingThread())
  }

  /// The same environment and what the host program provides, with nothing that can be reached.
  var cutOff: World {
    var world = World.unreachable
    world.environment = environment
    world.resources = resources
    return world
  }
}

/// A loop nothing happens on: a test of a graph is over before any timer.
private struct StillLoop: GraphLoop {
  func execute(_ body: @escaping @Sendable () -> Void) {}
  func schedule(at time: Instant, _ body: @escaping @Sendable () -> Void) -> any GraphTimer { StillTimer() }
}

private struct StillTimer: GraphTimer {
  func cancel() {}
}

private struct NoNetwork: WebSocketConnector, HTTPClient, HTTPServer {
  private static let reason = NetworkFailure(.other, "a test of a graph reaches no network")

  func connect(
    _ request: WebSocketRequest, handler: @escaping @Sendable (WebSocketEvent) -> Void
  ) -> any WebSocketConnection {
    handler(.failed(Self.reason))
    return ClosedConnection()
  }

  func download(
    _ url: String, headers: HTTPHeaders, certificateAuthorities: String?,
    handler: @escaping @Sendable (HTTPStreamEvent) -> Void
  ) -> any HTTPStream {
    handler(.finished(Self.reason))
    return ClosedConnection()
  }

  func listen(
    on address: ServerAddress, handler: @escaping @Sendable (HTTPServerRequest, any HTTPReply) -> Void
  ) throws(NetworkFailure) -> any HTTPListener { throw Self.reason }

  func response(to request: HTTPRequest) async throws(NetworkFailure) -> HTTPResponse { throw Self.reason }
}

private final class ClosedConnection: WebSocketConnection, HTTPStream {
  func send(binary bytes: UnsafeRawBufferPointer) {}
  func send(text: String) {}
  func close(code: UInt16?, reason: String) {}
  func abort() {}
  var bufferedBytes: Int { 0 }
  var blockedSince: Instant? { nil }
  func pause() {}
  func resume() {}
  func cancel() {}
}

private struct RefusingThread: BlockingThread {
  func run<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
    throw StageError(.unavailable, "a test of a graph reads and writes no files")
  }

  func submit(_ body: @escaping @Sendable () -> Void) {}
}
