internal import FluxGraph

/// What the records of a spool's log come to: deliveries that are not done, and which of them go together.
struct SpoolContents: Sendable {
  /// Bytes that may still be written for each delivery: that it is done, and its part of a batch.
  static let reserve = 42

  private var pending: [UInt64: (delivery: Delivery, size: Int)] = [:]
  /// The numbers of each batch, by its first one.
  private var batches: [UInt64: [UInt64]] = [:]
  /// The batch a delivery is in, by the delivery's number.
  private var batchOf: [UInt64: UInt64] = [:]
  /// Bytes of the records that hold the deliveries.
  private(set) var size = 0

  init(_ records: [SpoolRecord] = []) {
    for record in records { apply(record) }
  }

  var isEmpty: Bool { pending.isEmpty }
  var count: Int { pending.count }
  var deliveries: [Delivery] { pending.values.map(\.delivery).sorted { $0.number < $1.number } }

  func contains(_ number: UInt64) -> Bool { pending[number] != nil }

  /// Whether these would be a batch that is not one already.
  func isNewBatch(_ numbers: [UInt64]) -> Bool {
    numbers.allSatisfy { pending[$0] != nil } && numbers.first.map { batches[$0] != numbers } ?? false
  }

  /// - Parameter size: the record's, when it holds a delivery and is known.
  mutating func apply(_ record: SpoolRecord, size known: Int? = nil) {
    switch record {
    case .accepted(let delivery):
      let size = known ?? record.bytes.count
      self.size += size - (pending.updateValue((delivery, size), forKey: delivery.number)?.size ?? 0)
    case .batched(let numbers):
      // A damaged log may lack some of them, or name one twice.
      guard isNewBatch(numbers), Set(numbers).count == numbers.count else { return }
      // A delivery is in one batch only: in the last it was put into.
      for number in numbers { dissolveBatch(of: number) }
      batches[numbers[0]] = numbers
      for number in numbers { batchOf[number] = numbers[0] }
    case .attempted(let number, let attempts):
      for member in batches[number] ?? [number] { pending[member]?.delivery.attempts = attempts }
    case .done(let number):
      let members = batches[number] ?? [number]
      // A batch whose first number is another one cannot go on as it was.
      dissolveBatch(of: number)
      for member in members { size -= pending.removeValue(forKey: member)?.size ?? 0 }
    }
  }

  private mutating func dissolveBatch(of number: UInt64) {
    guard let first = batchOf[number], let members = batches.removeValue(forKey: first) else { return }
    for member in members { batchOf[member] = nil }
  }

  /// What waits as it is to be sent.
  var shipments: [Shipment] {
    var shipments: [Shipment] = []
    for delivery in deliveries {
      if let numbers = batches[delivery.number] {
        shipments.append(Shipment(batch: numbers.compactMap { pending[$0]?.delivery }))
      } else if batchOf[delivery.number] == nil {
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
