internal import FluxGraph
internal import FluxProtocol

/// The changes of settings of a session: one is under way at a time, what comes meanwhile is put together and follows.
///
/// The service gives no sign which `Configure` it answers, so that a second one would make the answers ambiguous.
struct ConfigureExchange: Sendable {
  /// The settings a new connection begins with: those of the graph, and what was changed since.
  private(set) var parameters: ListenParameters
  private var underWay: ConfigureRequest?
  private var waiting = ConfigureRequest()
  /// When the answer to the one under way is overdue.
  private(set) var deadline: Instant?

  init(_ parameters: ListenParameters) {
    self.parameters = parameters
  }

  /// The next connection is sent audio in another encoding; nil for a container, which says itself what it holds.
  mutating func declare(encoding: String?, sampleRate: Int?) {
    parameters.encoding = encoding
    parameters.sampleRate = sampleRate
  }

  /// The settings when everything asked for has been done.
  var intended: ListenParameters {
    var intended = parameters
    if let underWay { intended.apply(underWay) }
    intended.apply(waiting)
    return intended
  }

  /// Takes a change on, and returns the message to send now, if any.
  /// - Throws: why the service would refuse it; nothing is changed then.
  mutating func request(
    _ change: ConfigureRequest, isConnected: Bool, now: Instant
  ) throws(ConfigureRefusal) -> String? {
    if let refusal = change.refusal(for: intended) { throw refusal }
    waiting = waiting.merging(change)
    guard isConnected else {
      settle()
      return nil
    }
    return send(now)
  }

  /// The service has accepted; returns the next message.
  mutating func accepted(now: Instant) -> String? {
    if let underWay { parameters.apply(underWay) }
    underWay = nil
    deadline = nil
    return send(now)
  }

  /// The service has refused; returns the next message.
  mutating func refused(now: Instant) -> String? {
    underWay = nil
    deadline = nil
    return send(now)
  }

  /// No answer came in time. What was asked for counts as wanted, and is asked for again by a new connection.
  mutating func expire(now: Instant) -> String? { accepted(now: now) }

  /// The connection is gone: everything goes into the next one's address.
  mutating func settle() {
    parameters = intended
    underWay = nil
    waiting = ConfigureRequest()
    deadline = nil
  }

  private mutating func send(_ now: Instant) -> String? {
    guard underWay == nil, !waiting.isEmpty else { return nil }
    let request = waiting
    underWay = request
    waiting = ConfigureRequest()
    deadline = now.advanced(by: FluxGuards.configureAnswer)
    return ClientMessage.configure(request).encoded
  }
}
