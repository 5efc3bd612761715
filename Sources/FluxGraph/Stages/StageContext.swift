/// What a stage gets from the world around it. The run-time supplies it, `StageTesting` fakes it.
public struct StageContext: Sendable {
  /// The name the user gave the stage's chain, or else the stage's own.
  public let name: String
  /// Where the stage stands in the graph, such as `desk.graph:3:19`.
  public let location: String?
  /// The directory relative paths are relative to.
  public let directory: String
  /// What the stage has of the world. `disk` is its own: a file system that does not answer keeps other stages waiting only where
  /// they use it, too.
  public let world: World
  /// For whoever looks for a fault; see `StageLog`.
  public let log: StageLog
  /// What the stage measures; see `StageMetrics`.
  public let metrics: StageMetrics
  /// What neither people nor programs that are started may see.
  private let secrets: SecretRegister
  private let noticeHandler: @Sendable (Notice) -> Void
  private let waker: Waker
  private let portHandler: @Sendable (Event, String) -> Void
  private let commandRegistrar: @Sendable (@escaping StageCommandHandler) -> Void
  private let hangUpRegistrar: @Sendable (@escaping @Sendable () -> Void) -> Void
  /// The queue in front of a sink of events.
  public let queue: SinkQueue
  /// Opens files for writing.
  public let files: OutputFiles
  private let failing: @Sendable () -> Bool
  private let linkedPorts: Set<String>
  /// When the graph is over at the latest, once it was asked to end.
  package let end: GraphEnd

  /// How a source that has nothing to give is called again.
  package struct Waker: Sendable {
    package var wake: @Sendable () -> Void
    package var wakeWhenReadable: @Sendable (Int32) -> Void
    package var wakeWhenWritable: @Sendable (Int32) -> Void

    package init(
      wake: @escaping @Sendable () -> Void, wakeWhenReadable: @escaping @Sendable (Int32) -> Void,
      wakeWhenWritable: @escaping @Sendable (Int32) -> Void = { _ in }
    ) {
      self.wake = wake
      self.wakeWhenReadable = wakeWhenReadable
      self.wakeWhenWritable = wakeWhenWritable
    }
  }

  package init(
    name: String, category: String? = nil, location: String? = nil, directory: String, world: World,
    waker: Waker = Waker(wake: {}, wakeWhenReadable: { _ in }),
    noticeHandler: @escaping @Sendable (Notice) -> Void = { _ in },
    portHandler: @escaping @Sendable (Event, String) -> Void = { _, _ in },
    secrets: SecretRegister = SecretRegister(),
    commandRegistrar: @escaping @Sendable (@escaping StageCommandHandler) -> Void = { _ in },
    hangUpRegistrar: @escaping @Sendable (@escaping @Sendable () -> Void) -> Void = { _ in },
    queue: SinkQueue = SinkQueue(), files: OutputFiles = OutputFiles(),
    failing: @escaping @Sendable () -> Bool = { false }, end: GraphEnd = GraphEnd(),
    linkedPorts: Set<String> = []
  ) {
    let category = category ?? name
    self.name = name
    self.location = location
    self.directory = directory
    self.world = world
    log = StageLog(category: category, stage: name, sink: world.log, clock: world.clock, secrets: secrets)
    metrics = StageMetrics(registry: world.metrics, category: category, stage: name)
    self.waker = waker
    self.noticeHandler = noticeHandler
    self.portHandler = portHandler
    self.secrets = secrets
    self.commandRegistrar = commandRegistrar
    self.hangUpRegistrar = hangUpRegistrar
    self.queue = queue
    self.files = files
    self.failing = failing
    self.end = end
    self.linkedPorts = linkedPorts
  }

  /// The time.
  public var clock: any GraphClock { world.clock }
  /// The one thread network events and timers arrive on.
  public var loop: any GraphLoop { world.loop }
  /// Opens WebSockets. Calls back on the loop.
  public var webSockets: any WebSocketConnector { world.webSockets }
  /// Sends HTTP requests. Downloads call back on the loop.
  public var http: any HTTPClient { world.http }
  /// Answers HTTP requests. Calls back on the loop.
  public var httpServer: any HTTPServer { world.httpServer }
  /// Reads and writes files for the stage, one thing after the other.
  public var disk: any BlockingThread { world.disk }
  /// The thread that writes standard output, whose reader may keep it waiting for as long as he likes.
  public var terminal: any BlockingThread { world.terminal }

  /// Whether a part of the graph has failed so far: what is finished then may not be whole.
  public var graphHasFailed: Bool { failing() }

  /// Tells the user something that is not a turn: on stderr, and on the stage's `.notices` port.
  public func notice(_ notice: Notice) {
    var named = notice
    if named.stream == nil { named.stream = name }
    named = secrets.masked(named)
    noticeHandler(named)
    portHandler(.notice(named), "notices")
  }

  /// Whether somebody listens at a port the stage's description declares.
  public func isLinked(_ port: String) -> Bool { linkedPorts.contains(port) }

  /// Sends an event out by a port the stage's description declares.
  public func emit(_ event: Event, port: String) {
    guard case .notice(let notice) = event else { return portHandler(event, port) }
    portHandler(.notice(secrets.masked(notice)), port)
  }

  /// Has `handler` answer what users ask of the stage while it runs. It is called on the loop, until the graph has ended.
  public func onCommand(_ handler: @escaping StageCommandHandler) {
    let secrets = secrets
    commandRegistrar { secrets.masked(handler($0)) }
  }

  /// Has `body` called, on the loop, whenever somebody asks for files that were moved away to be opened anew: by SIGHUP.
  public func onHangUp(_ body: @escaping @Sendable () -> Void) { hangUpRegistrar(body) }

  /// The value of an environment variable; a `.env` file beside the graph or in the working directory counts too.
  public func environment(_ name: String) -> String? { world.environment(name) }

  /// Has a source that returned `.waiting` read again. Any thread may call it; calls are cheap and may be too many. To be read
  /// again at a time, a source has an ``Alarm``.
  public func wake() { waker.wake() }

  /// Has a source that returned `.waiting` read again once this file descriptor can be read, or has ended.
  public func wakeWhenReadable(_ descriptor: Int32) { waker.wakeWhenReadable(descriptor) }

  /// The same once something can be written to this file descriptor.
  public func wakeWhenWritable(_ descriptor: Int32) { waker.wakeWhenWritable(descriptor) }

  /// The environment for programs a stage starts: this program's own, without Deepgram's key, and without variables that hold
  /// what the graph uses as a secret.
  public var childEnvironment: [String: String] { secrets.childEnvironment }

  /// A text as it may be kept or shown where no notice takes it: with dots for every secret in it.
  public func masked(_ text: String) -> String { secrets.masked(text) }

  /// Something the host program provides for a stage that asks for it by type; nil when it does not.
  public func resource<Resource: Sendable>(_ type: Resource.Type) -> Resource? {
    world.resource(type)
  }

  /// The path to open for a path written in the graph.
  public func resolve(_ path: Path) -> String {
    path.resolved(in: directory, home: environment("HOME"))
  }
}

/// Tells the time.
public protocol GraphClock: Sendable {
  /// The monotonic clock.
  func now() -> Instant
  /// The wall clock.
  func wallTime() -> WallTime
}

/// The machine's own clocks.
public struct SystemClock: GraphClock {
  public init() {}
  public func now() -> Instant { .now() }
  public func wallTime() -> WallTime { .now() }
}

/// A thread that runs short pieces of work in order: network events, timers.
public protocol GraphLoop: Sendable {
  /// Runs `body` on the loop's thread, after what was handed over before.
  func execute(_ body: @escaping @Sendable () -> Void)
  /// Makes a signal. Each time it was raised, `body` runs on the loop's thread, once for however often that was.
  func signal(_ body: @escaping @Sendable () -> Void) -> any GraphSignal
  /// Runs `body` on the loop's thread at a time, unless cancelled.
  func schedule(at time: Instant, _ body: @escaping @Sendable () -> Void) -> any GraphTimer
  /// How long the process did not run since the loop began, in all, because it was stopped, for instance. What is scheduled already
  /// comes later by that. Whoever judges another's silence takes it off the clock's time: nobody was listening then. Any thread.
  var absence: Duration { get }
}

extension GraphLoop {
  public var absence: Duration { .zero }
}

/// Something that will happen at a time.
public protocol GraphTimer: Sendable {
  /// Has it not happen. Harmless when it has happened already.
  func cancel()
}

/// A thread for operations that may block, such as those on files.
public protocol BlockingThread: Sendable {
  /// Runs `body` on the thread, after what was handed over before, and returns what it returns.
  func run<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result
  /// Runs `body` on the thread, after what was handed over before, and does not wait for it.
  func submit(_ body: @escaping @Sendable () -> Void)
  /// Makes a signal. Each time it was raised, `body` runs on the thread, once for however often that was.
  func signal(_ body: @escaping @Sendable () -> Void) -> any GraphSignal
  /// Says, on the thread, which file it is about to open or write: what people are told when that does not come back. Files opened
  /// by `StageContext.files` are named already.
  func works(on path: String)
}

extension BlockingThread {
  public func works(on path: String) {}
}
