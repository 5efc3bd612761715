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
  /// The event in the event format, as text: a fifth of what it takes as a value. nil where only the spool has it.
  private var text: [UInt8]?
  /// What is sent when it is not the event itself.
  private(set) var body: String?
  /// Bytes of what is sent.
  let size: Int
  /// Attempts that have failed.
  var attempts = 0

  /// The event in the event format.
  var event: JSONValue { text.flatMap { try? JSONValue.parse($0) } ?? .null }

  /// What is sent.
  var content: [UInt8] { body.map { Array($0.utf8) } ?? text ?? [] }

  /// About how many bytes of memory it takes.
  var footprint: Int { 256 + (text?.count ?? 0) + (body?.utf8.count ?? 0) }

  /// Whether it is here as a whole.
  var isWhole: Bool { text != nil }

  /// What is kept in memory of one that is in the spool: all but what it says.
  var outline: Delivery {
    var outline = self
    outline.text = nil
    outline.body = nil
    return outline
  }

  /// As the spool and the dead-letter file hold it.
  var json: JSONValue { .object(head + [("event", event)] + tail) }

  /// Writes the same.
  func write(to bytes: inout [UInt8]) {
    JSONValue.object(head).write(to: &bytes)
    bytes.removeLast()
    bytes += Array(#","event":"#.utf8)
    bytes += text ?? Array("null".utf8)
    for (name, value) in tail {
      bytes += Array(",\"\(name)\":".utf8)
      value.write(to: &bytes)
    }
    bytes.append(UInt8(ascii: "}"))
  }

  private var head: [(String, JSONValue)] {
    [("id", .string(id)), ("stream", .string(stream)), ("accepted", JSONValue(accepted, digits: 3))]
  }

  private var tail: [(String, JSONValue)] { body.map { [("body", .string($0))] } ?? [] }

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
    var text: [UInt8] = []
    event.write(to: &text)
    // No more memory than it takes: what grew has room for as much again.
    self.text = text.withUnsafeBufferPointer { Array($0) }
    size = body?.utf8.count ?? text.count
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
