/// What a graph's stages have of the world: one value, which the host program supplies and `StageTesting` fakes. A stage's context
/// hands it out.
public struct World: Sendable {
  /// The time.
  public var clock: any GraphClock = SystemClock()
  /// The one thread network events and timers arrive on.
  public var loop: any GraphLoop
  /// Opens WebSockets. Calls back on the loop.
  public var webSockets: any WebSocketConnector
  /// Sends HTTP requests. Downloads call back on the loop.
  public var http: any HTTPClient
  /// Answers HTTP requests. Calls back on the loop.
  public var httpServer: any HTTPServer
  /// Reads and writes files, one thing after the other.
  public var disk: any BlockingThread
  /// The thread that writes standard output, whose reader may keep it waiting for as long as he likes.
  public var terminal: any BlockingThread
  /// Where lines of the log go.
  public var log: any LogSink = StandardErrorLog()
  /// What stages measure.
  public var metrics = MetricsRegistry()
  /// The environment the graph sees.
  public var environment: @Sendable (String) -> String? = { _ in nil }
  /// Things only some stages know of, by their type.
  package var resources: [ObjectIdentifier: any Sendable] = [:]

  package init(
    loop: any GraphLoop, webSockets: any WebSocketConnector, http: any HTTPClient,
    httpServer: any HTTPServer, disk: any BlockingThread, terminal: any BlockingThread
  ) {
    self.loop = loop
    self.webSockets = webSockets
    self.http = http
    self.httpServer = httpServer
    self.disk = disk
    self.terminal = terminal
  }

  /// Something the host program provides for a stage that asks for it by type; nil when it does not.
  public func resource<Resource: Sendable>(_ type: Resource.Type) -> Resource? {
    resources[ObjectIdentifier(type)] as? Resource
  }

  /// Provides something for stages that ask for it by type, in the place of what there was of that type.
  public mutating func provide(_ resource: any Sendable) {
    resources[ObjectIdentifier(type(of: resource))] = resource
  }
}
