internal import FluxGraph

/// What is sent at once: an event, or a batch of them.
struct Shipment: Sendable, Equatable {
  /// In the order they were accepted; never empty.
  private(set) var deliveries: [Delivery]
  /// Whether the events are sent as a list, were it of one.
  let isBatch: Bool

  init(_ delivery: Delivery, isBatch: Bool) {
    deliveries = [delivery]
    self.isBatch = isBatch
  }

  /// A batch that was sent before. There must be at least one delivery.
  init(batch deliveries: [Delivery]) {
    precondition(!deliveries.isEmpty)
    self.deliveries = deliveries
    isBatch = true
  }

  /// A batch in two, which keep their order; nil for a single event.
  var halves: [Shipment]? {
    guard isBatch, deliveries.count > 1 else { return nil }
    let middle = deliveries.count / 2
    return [Shipment(batch: Array(deliveries[..<middle])), Shipment(batch: Array(deliveries[middle...]))]
  }

  /// Whether all that it says is here.
  var isWhole: Bool { deliveries.allSatisfy(\.isWhole) }

  /// The same with its deliveries as a whole.
  func filled(_ deliveries: [Delivery]) -> Shipment {
    var shipment = self
    shipment.deliveries = deliveries
    return shipment
  }

  mutating func append(_ delivery: Delivery) { deliveries.append(delivery) }

  /// The number of the first delivery, which is the shipment's.
  var number: UInt64 { deliveries[0].number }

  var stream: String { deliveries[0].stream }

  /// Attempts that have failed.
  var attempts: Int {
    get { deliveries[0].attempts }
    set { for index in deliveries.indices { deliveries[index].attempts = newValue } }
  }

  /// The same in every attempt, in every run: a batch's follows from what is in it.
  var id: String {
    isBatch ? WebhookSigner.identifier(of: ["batch"] + deliveries.map(\.id)) : deliveries[0].id
  }

  /// What is sent.
  var content: [UInt8] {
    guard isBatch else { return deliveries[0].content }
    var bytes: [UInt8] = [UInt8(ascii: "[")]
    for (index, delivery) in deliveries.enumerated() {
      if index > 0 { bytes.append(UInt8(ascii: ",")) }
      bytes += delivery.content
    }
    bytes.append(UInt8(ascii: "]"))
    return bytes
  }
}
