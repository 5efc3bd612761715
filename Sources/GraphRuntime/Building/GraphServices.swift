package import FluxGraph

/// What a running graph uses of the world. The command line puts the real things together, tests their own.
package struct GraphServices: Sendable {
  package var clock: any GraphClock
  package var loop: any GraphLoop
  package var webSockets: any WebSocketConnector
  package var http: any HTTPClient
  package var httpServer: any HTTPServer
  package var disk: DiskThreads
  package var terminal: any BlockingThread
  /// Things only some stages know of, by their type.
  package var resources: [ObjectIdentifier: any Sendable]
  package var environment: @Sendable (String) -> String?
  /// Called for every notice, on any thread: for those who count them.
  package var noticed: @Sendable (Notice) -> Void
  /// Called for the notices people are told, on any thread: the same word from the same place once in ten seconds.
  package var notice: @Sendable (Notice, _ location: String?) -> Void
  /// Where stages' lines of the log go.
  package var log: any LogSink
  /// What stages measure.
  package var metrics: MetricsRegistry
  /// Where stages that take commands are found.
  package var commands: CommandDirectory
  /// Told, where a file is opened, of each one a stage is about to make: the stage's number in the plan, and the path.
  package var fileMade: @Sendable (_ node: Int, _ path: String) -> Void
  /// Files that are used beside the stages, which write none of them.
  package var filesInUse: [FileInUse]
  /// Whether a graph that has lost audio or events ends as one that has not.
  package var toleratesLosses: Bool
  /// The audio threads, when several graphs share them; nil for threads of the graph's own.
  package var workers: AudioWorkers?

  package init(
    clock: any GraphClock = SystemClock(), loop: any GraphLoop, webSockets: any WebSocketConnector,
    http: any HTTPClient, httpServer: any HTTPServer, disk: DiskThreads, terminal: any BlockingThread,
    resources: [ObjectIdentifier: any Sendable] = [:],
    environment: @escaping @Sendable (String) -> String?,
    commands: CommandDirectory = CommandDirectory(), workers: AudioWorkers? = nil,
    filesInUse: [FileInUse] = [], toleratesLosses: Bool = false,
    fileMade: @escaping @Sendable (_ node: Int, _ path: String) -> Void = { _, _ in },
    log: any LogSink = StandardErrorLog(), metrics: MetricsRegistry = MetricsRegistry(),
    noticed: @escaping @Sendable (Notice) -> Void = { _ in },
    notice: @escaping @Sendable (Notice, _ location: String?) -> Void
  ) {
    self.clock = clock
    self.loop = loop
    self.webSockets = webSockets
    self.http = http
    self.httpServer = httpServer
    self.disk = disk
    self.terminal = terminal
    self.resources = resources
    self.environment = environment
    self.commands = commands
    self.workers = workers
    self.fileMade = fileMade
    self.log = log
    self.filesInUse = filesInUse
    self.toleratesLosses = toleratesLosses
    self.metrics = metrics
    self.noticed = noticed
    self.notice = notice
  }
}
