public import FluxGraph
package import GraphRuntime
internal import Synchronization

/// Everything a stage's context offers, under the control of a test.
public final class TestWorld: Sendable {
  /// The loop and the clock.
  public let loop: ManualLoop
  /// The WebSockets stages have asked for.
  public let webSockets: FakeWebSockets
  /// The HTTP server stages listen with.
  public let httpServer = FakeHTTPServer()
  /// What stages measure.
  public let metrics = MetricsRegistry()
  private let environment: [String: String]
  private let resources: [any Sendable]
  private let answers: @Sendable (HTTPRequest) -> HTTPResponse?

  private struct State {
    var notices: [Notice] = []
    var emitted: [(event: Event, port: String)] = []
    var requests: [HTTPRequest] = []
    var downloads: [FakeDownload] = []
    var wakes = 0
    var logged: [LogEntry] = []
  }

  private let state = Mutex(State())
  private let commands = Mutex<[StageCommandHandler]>([])
  private let hangUps = Mutex<[@Sendable () -> Void]>([])

  /// - Parameters:
  ///   - environment: the environment variables the stage sees.
  ///   - resources: what the host program would provide; a stage finds each by its type.
  ///   - start: the monotonic clock's first time.
  ///   - answers: what HTTP requests are answered with; nil refuses the connection.
  ///   - peer: plays the other end of every WebSocket; nil where the test gives everything itself.
  public init(
    environment: [String: String] = [:], resources: [any Sendable] = [],
    start: Instant = Instant(nanoseconds: 1_000_000_000),
    answers: @escaping @Sendable (HTTPRequest) -> HTTPResponse? = { _ in nil },
    peer: FakeWebSockets.Peer? = nil
  ) {
    loop = ManualLoop(start: start)
    webSockets = FakeWebSockets(loop: loop, peer: peer)
    self.environment = environment
    self.resources = resources
    self.answers = answers
  }

  /// A context for a stage.
  /// - Parameters:
  ///   - directory: what relative paths are relative to.
  ///   - disk: the thread for files; by default what it is handed runs at once.
  public func context(
    name: String = "stage", directory: String = ".", disk: (any BlockingThread)? = nil
  ) -> StageContext {
    let count: @Sendable () -> Void = { self.state.withLock { $0.wakes += 1 } }
    return context(
      name: name, directory: directory, disk: disk,
      waker: .init(wake: count, wakeWhenReadable: { _ in count() }, wakeWhenWritable: { _ in count() }))
  }

  package func context(
    name: String, directory: String, disk: (any BlockingThread)?, waker: StageContext.Waker
  ) -> StageContext {
    StageContext(
      name: name, directory: directory, world: world(disk: disk ?? InlineThread(), terminal: InlineThread()),
      waker: waker,
      noticeHandler: { notice in self.state.withLock { $0.notices.append(notice) } },
      portHandler: { event, port in self.state.withLock { $0.emitted.append((event, port)) } },
      commandRegistrar: { handler in self.commands.withLock { $0.append(handler) } },
      hangUpRegistrar: { body in self.hangUps.withLock { $0.append(body) } })
  }

  /// The world of a whole graph.
  /// - Parameter clock: the time the graph sees. Audio threads keep the machine's own.
  package func services(clock: any GraphClock, disk: DiskThreads) -> GraphServices {
    var world = world(disk: disk.lane(), terminal: disk.lane())
    world.clock = clock
    var services = GraphServices(world, disk: disk)
    services.notice = { notice, _ in self.state.withLock { $0.notices.append(notice) } }
    return services
  }

  private func world(disk: any BlockingThread, terminal: any BlockingThread) -> World {
    var world = World(
      loop: loop, webSockets: webSockets, http: FakeHTTP(world: self), httpServer: httpServer, disk: disk,
      terminal: terminal)
    world.clock = loop
    world.log = KeptLog(world: self)
    world.metrics = metrics
    world.environment = { self.environment[$0] }
    for resource in resources { world.provide(resource) }
    return world
  }

  /// Gives a command to every stage that takes commands, and returns the answers.
  public func give(_ command: StageCommand) -> [StageReply] {
    commands.withLock { $0 }.map { $0(command) }
  }

  /// Tells every stage that wants to know that files were moved away.
  public func hangUp() { for body in hangUps.withLock({ $0 }) { body() } }

  /// The notices given so far.
  public var notices: [Notice] { state.withLock { $0.notices } }
  /// The events stages have sent out by their ports so far, notices among them.
  public var emitted: [(event: Event, port: String)] { state.withLock { $0.emitted } }
  /// The HTTP requests sent so far.
  public var requests: [HTTPRequest] { state.withLock { $0.requests } }
  /// The downloads begun so far.
  public var downloads: [FakeDownload] { state.withLock { $0.downloads } }
  /// The lines stages have written to the log so far, of every level.
  public var logged: [LogEntry] { state.withLock { $0.logged } }
  /// How often a source asked to be called again.
  public var wakes: Int { state.withLock { $0.wakes } }

  private struct KeptLog: LogSink {
    let world: TestWorld

    func isEnabled(_ level: LogLevel, category: String) -> Bool { true }
    func write(_ entry: LogEntry) { world.state.withLock { $0.logged.append(entry) } }
  }

  private struct FakeHTTP: HTTPClient {
    let world: TestWorld

    func download(
      _ url: String, headers: HTTPHeaders, certificateAuthorities: String?,
      handler: @escaping @Sendable (HTTPStreamEvent) -> Void
    ) -> any HTTPStream {
      let download = FakeDownload(url, headers, certificateAuthorities, handler)
      world.state.withLock { $0.downloads.append(download) }
      return download
    }

    func response(to request: HTTPRequest) async throws(NetworkFailure) -> HTTPResponse {
      world.state.withLock { $0.requests.append(request) }
      guard let response = world.answers(request) else {
        throw NetworkFailure(.connectionRefused, "the connection was refused")
      }
      return response
    }
  }

  /// Runs what may block at once: in a test there is nothing to hold up.
  private final class InlineThread: BlockingThread {
    private let turn = Mutex(())

    func run<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
      // One after the other, as on a thread, whichever tasks they come from.
      try turn.withLock { _ in try body() }
    }

    func submit(_ body: @escaping @Sendable () -> Void) { body() }
  }
}
