package import FluxGraph
package import FluxProtocol
import FoundationEssentials
import Glibc
package import NetLoop
internal import Platform

/// A server that speaks Flux's `/v2/listen` on this machine: for any Flux client, without key, network or cost.
///
/// Its sockets are the loop's; its words come from a recogniser's own threads. What it hears decides its
/// events, not the time: the same audio and parameters give the same events.
///
/// Unchecked: everything that varies is touched on the loop thread only.
package final class FluxServer: @unchecked Sendable {
  package struct Options: Sendable {
    package var address = ListenAddress.tcp(port: 0)
    /// Who may ask.
    package var access = RequestAccess(isPublic: false, option: "--public")
    /// The key clients have to show; without one every client is let in.
    package var key: String?
    /// How many streams there may be at once; another one is refused with 429. Without it any number.
    package var mostStreams: Int?
    package var words = WordChoice.pocketSphinx()
    /// A session to give each client instead of hearing it.
    package var replay: FluxRecording?
    /// What goes wrong on purpose.
    package var faults = FaultPlan()
    /// Told what a user should know, one plain sentence each time, the same one at most once a minute. On the loop thread.
    package var notice: @Sendable (String) -> Void = { _ in }
    /// Told about each connection. On the loop thread.
    package var report: @Sendable (ConnectionReport) -> Void = { _ in }

    package init() {}
  }

  /// How long clients have for their part of the goodbye when the server stops.
  private static let stopLimit = Duration.seconds(2)

  let options: Options
  let words: any WordSource
  /// What the session to replay knows of its audio.
  let recordedAudio: RecordedAudio?
  private let loop: EventLoop
  private var listener: Listener?
  private var faults: FaultSchedule
  private var connections: [ObjectIdentifier: FluxServerConnection] = [:]
  /// Connections that are no sessions yet, or never will be.
  private var idle = IdleConnections()
  private var stopping: (@Sendable () -> Void)?
  /// Streams there are. Loop thread only.
  var sessions = 0
  private var noticed: [String: SuspendingClock.Instant] = [:]

  /// - Parameter loop: has to run before ``start()`` and until ``stop()`` has returned.
  package init(loop: EventLoop, options: Options = Options()) {
    self.loop = loop
    self.options = options
    words = (options.replay == nil ? options.words : .none).makeSource()
    recordedAudio = options.replay.flatMap(RecordedAudio.init)
    faults = FaultSchedule(options.faults)
  }

  /// Begins to listen. An address that another server is about to let go of is waited for.
  ///
  /// - Returns: the port, also when 0 was asked for; 0 for a Unix socket.
  package func start() async throws(NetworkFailure) -> UInt16 {
    let listener = try await waiting(while: { $0.code == .addressInUse }) { () throws(NetworkFailure) in
      try loop.listen(on: options.address) { connection in
        let client = FluxServerConnection(
          server: self, connection: connection, requestID: UUID().uuidString.lowercased(),
          faults: self.faults.next())
        self.connections[ObjectIdentifier(client)] = client
        self.idles(client)
        return { _, event in client.handle(event) }
      }
    }
    loop.execute { self.listener = listener }
    return listener.port ?? 0
  }

  /// Stops listening, leaves open sessions the time `drain` to end by themselves, closes what is still
  /// connected with 1001, and ends the recogniser's threads; bounded by a few seconds more than `drain`.
  package func stop(drain: Duration = .zero) async {
    await withCheckedContinuation { (done: CheckedContinuation<Void, Never>) in
      let isRunning = loop.execute { self.closeAll(after: drain) { done.resume() } }
      if !isRunning { done.resume() }
    }
    let words = words
    await withCheckedContinuation { (done: CheckedContinuation<Void, Never>) in
      // Waiting for the recogniser's threads would hold a thread of Swift's pool.
      let thread = NamedThread(trying: "words-stop") {
        words.stop()
        done.resume()
      }
      guard let thread else {
        words.stop()
        return done.resume()
      }
      thread.detach()
    }
  }

  /// Whether another stream may begin.
  var hasRoom: Bool { options.mostStreams.map { sessions < $0 } ?? true }

  private func closeAll(after drain: Duration, then done: @escaping @Sendable () -> Void) {
    listener?.close()
    listener = nil
    guard !connections.isEmpty else { return done() }
    stopping = done
    for connection in connections.values where drain == .zero || !connection.isSession {
      connection.goAway()
    }
    if drain > .zero {
      loop.schedule(after: drain) {
        for connection in self.connections.values { connection.goAway() }
      }
    }
    loop.schedule(after: drain + Self.stopLimit) {
      for connection in self.connections.values { connection.abort() }
    }
  }

  /// Many connections often have the same trouble.
  func tell(_ notice: String) {
    let now = loop.now
    if let last = noticed[notice], now - last < .seconds(60) { return }
    noticed[notice] = now
    options.notice(notice)
  }

  /// A connection waits for its request, or for its client to take a refusal: another one may have to make room.
  private func idles(_ connection: FluxServerConnection) {
    guard let other = idle.add(ObjectIdentifier(connection)) else { return }
    connections[other]?.goAway()
  }

  /// A connection is a session now.
  func works(_ connection: FluxServerConnection) { idle.remove(ObjectIdentifier(connection)) }

  func forget(_ connection: FluxServerConnection) {
    idle.remove(ObjectIdentifier(connection))
    connections[ObjectIdentifier(connection)] = nil
    guard connections.isEmpty, let stopping else { return }
    self.stopping = nil
    stopping()
  }
}
