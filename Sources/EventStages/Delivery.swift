internal import FluxGraph

/// An event on its way to a receiver.
struct Delivery: Sendable, Equatable {
  /// Its number in the spool, from 1.
  var number: UInt64 = 0
  /// The same in every attempt.
  var id: String
  /// Deliveries of one stream keep their order.
  var stream: String
  /// Seconds since 1970 at which the event was accepted.
  var accepted: Double
  /// The event in the event format.
  var event: JSONValue
  /// What is sent when it is not the event itself.
  var body: String?
  /// Attempts that have failed.
  var attempts = 0

  /// What is sent.
  var content: [UInt8] {
    if let body { return Array(body.utf8) }
    var bytes: [UInt8] = []
    event.write(to: &bytes)
    return bytes
  }

  /// As the spool and the dead-letter file hold it.
  var json: JSONValue {
    var fields: [(String, JSONValue)] = [
      ("id", .string(id)), ("stream", .string(stream)), ("accepted", JSONValue(accepted, digits: 3)),
      ("event", event),
    ]
    if let body { fields.append(("body", .string(body))) }
    return .object(fields)
  }

  /// - Parameter body: what is sent in the event's place.
  init(_ event: Event, body: String? = nil, _ context: StageContext) {
    self.init(
      id: WebhookSigner.id(of: event), stream: event.value(of: "stream")?.description ?? "",
      accepted: context.clock.wallTime().seconds, event: event.json, body: body)
  }

  init(id: String, stream: String, accepted: Double, event: JSONValue, body: String? = nil) {
    self.id = id
    self.stream = stream
    self.accepted = accepted
    self.event = event
    self.body = body
  }

  /// Nil when the value is no delivery.
  init?(_ json: JSONValue) {
    guard let id = json["id"]?.stringValue, let event = json["event"], case .object = event else {
      return nil
    }
    self.init(
      id: id, stream: json["stream"]?.stringValue ?? "", accepted: json["accepted"]?.doubleValue ?? 0,
      event: event,
      body: json["body"]?.stringValue)
  }
}

/// A delivery that has been given up, and why.
struct DeadLetter: Sendable, Equatable {
  var delivery: Delivery
  /// One plain sentence.
  var reason: String
  /// The last answer's status, where there was one.
  var status: Int?

  /// A line of the dead-letter file.
  var json: JSONValue {
    var fields: [(String, JSONValue)] = [("v", 1), ("reason", .string(reason))]
    if let status { fields.append(("status", JSONValue(status))) }
    fields.append(("attempts", JSONValue(delivery.attempts)))
    return .object(fields + (delivery.json.members ?? []))
  }
}
