internal import FluxGraph

/// What the records of a spool's log come to: deliveries that are not done, and which of them go together.
struct SpoolContents: Sendable {
  /// Bytes that may still be written for each delivery: that it is done, and its part of a batch.
  static let reserve = 42

  private var pending: [UInt64: (delivery: Delivery, size: Int)] = [:]
  /// The numbers of each batch, by its first one.
  private var batches: [UInt64: [UInt64]] = [:]
  /// Bytes of the records that hold the deliveries.
  private(set) var size = 0

  init(_ records: [SpoolRecord] = []) {
    for record in records { apply(record) }
  }

  var isEmpty: Bool { pending.isEmpty }
  var count: Int { pending.count }
  var deliveries: [Delivery] { pending.values.map(\.delivery).sorted { $0.number < $1.number } }

  func contains(_ number: UInt64) -> Bool { pending[number] != nil }

  /// - Parameter size: the record's, when it holds a delivery and is known.
  mutating func apply(_ record: SpoolRecord, size known: Int? = nil) {
    switch record {
    case .accepted(let delivery):
      let size = known ?? record.bytes.count
      self.size += size - (pending.updateValue((delivery, size), forKey: delivery.number)?.size ?? 0)
    case .batched(let numbers):
      // A damaged log may lack some; a delivery is in one batch only.
      let known = numbers.filter { pending[$0] != nil }
      let taken = Set(batches.values.joined())
      guard known == numbers, taken.isDisjoint(with: numbers), Set(numbers).count == numbers.count else {
        return
      }
      batches[numbers[0]] = numbers
    case .attempted(let number, let attempts):
      for member in batches[number] ?? [number] { pending[member]?.delivery.attempts = attempts }
    case .done(let number):
      // A batch whose first number is another one cannot go on as it was.
      if batches[number] == nil && !batches.isEmpty {
        batches = batches.filter { !$0.value.contains(number) }
      }
      for member in batches.removeValue(forKey: number) ?? [number] {
        size -= pending.removeValue(forKey: member)?.size ?? 0
      }
    }
  }

  /// What waits as it is to be sent.
  var shipments: [Shipment] {
    let batched = Set(batches.values.joined())
    var shipments: [Shipment] = []
    for delivery in deliveries {
      if let numbers = batches[delivery.number] {
        shipments.append(Shipment(batch: numbers.compactMap { pending[$0]?.delivery }))
      } else if !batched.contains(delivery.number) {
        shipments.append(Shipment(delivery, isBatch: false))
      }
    }
    return shipments
  }

  /// Records that come to the same, and no more than needed.
  var records: [SpoolRecord] {
    deliveries.map(SpoolRecord.accepted) + batches.values.sorted { $0[0] < $1[0] }.map(SpoolRecord.batched)
      + shipments.filter { $0.attempts > 0 }.map { .attempted(number: $0.number, attempts: $0.attempts) }
  }
}
