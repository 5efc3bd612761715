internal import FluxGraph

/// A shipment that waits, and for what.
struct WaitingShipment: Sendable {
  var shipment: Shipment
  var due: Instant
  var firstFailure: Instant?
  var isParked = false
  /// A batch that takes no more: it is full, has waited long enough, or has been sent before.
  var isSealed: Bool
  /// Bytes of what is sent, of a batch that is not sealed.
  var size = 0
}

/// The shipments of one stream that wait, in their order.
struct DeliveryLane: Sendable {
  private var entries: [WaitingShipment] = []
  /// The first of `entries` that waits: taking from the front must stay cheap behind a receiver that is away for days.
  private var head = 0

  var count: Int { entries.count - head }
  var isEmpty: Bool { count == 0 }
  var first: WaitingShipment? { isEmpty ? nil : entries[head] }
  var shipments: [Shipment] { entries[head...].map(\.shipment) }

  mutating func append(_ entry: WaitingShipment) { entries.append(entry) }

  /// Puts the delivery into the last shipment, if that is a batch with room. Returns whether it is in one.
  mutating func join(_ delivery: Delivery, size: Int, _ batch: Batch, now: Instant) -> Bool {
    guard count > 0, !entries[entries.count - 1].isSealed else { return false }
    guard entries[entries.count - 1].size + 1 + size <= batch.size.bytes else {
      sealLast(now)
      return false
    }
    entries[entries.count - 1].shipment.append(delivery)
    entries[entries.count - 1].size += 1 + size
    if entries[entries.count - 1].shipment.deliveries.count >= batch.count { sealLast(now) }
    return true
  }

  /// Has the last shipment go as it is.
  mutating func sealLast(_ now: Instant) {
    guard count > 0, !entries[entries.count - 1].isSealed else { return }
    entries[entries.count - 1].isSealed = true
    entries[entries.count - 1].due = now
  }

  mutating func takeFirst() -> WaitingShipment {
    let entry = entries[head]
    head += 1
    if head == entries.count || head >= 1024 {
      entries.removeFirst(head)
      head = 0
    }
    return entry
  }

  mutating func putBack(_ entry: WaitingShipment) {
    if head > 0 {
      head -= 1
      entries[head] = entry
    } else {
      entries.insert(entry, at: 0)
    }
  }
}
