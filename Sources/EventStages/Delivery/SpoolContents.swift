internal import FluxGraph

/// What the records of a spool's log come to: deliveries that are not done, and which of them go together. What the deliveries say
/// stays in the log: a spool may be larger than what memory there is.
struct SpoolContents: Sendable {
  /// Bytes that may still be written for each delivery: that it is done, and its part of a batch.
  static let reserve = 42

  /// Where a record stands in the log.
  struct Place: Sendable {
    var offset: Int
    var size: Int
  }

  private var pending: [UInt64: (delivery: Delivery, place: Place)] = [:]
  /// The numbers of each batch, by its first one.
  private var batches: [UInt64: [UInt64]] = [:]
  /// The batch a delivery is in, by the delivery's number.
  private var batchOf: [UInt64: UInt64] = [:]
  /// Bytes of the records that hold the deliveries.
  private(set) var size = 0

  init(_ records: [SpoolRecord] = []) {
    for record in records { apply(record, at: Place(offset: 0, size: 0)) }
  }

  var isEmpty: Bool { pending.isEmpty }
  var count: Int { pending.count }
  var deliveries: [Delivery] { pending.values.map(\.delivery).sorted { $0.number < $1.number } }

  func contains(_ number: UInt64) -> Bool { pending[number] != nil }

  /// Whether these would be a batch that is not one already.
  func isNewBatch(_ numbers: [UInt64]) -> Bool {
    numbers.allSatisfy { pending[$0] != nil } && numbers.first.map { batches[$0] != numbers } ?? false
  }

  /// Where the records of the deliveries stand, in the order they were accepted.
  var places: [Place] { pending.sorted { $0.key < $1.key }.map(\.value.place) }

  func place(of number: UInt64) -> Place? { pending[number]?.place }

  /// The records of the deliveries stand elsewhere now: one after the other, from the log's beginning.
  mutating func moved() {
    var offset = 0
    for number in pending.keys.sorted() {
      pending[number]!.place.offset = offset
      offset += pending[number]!.place.size
    }
  }

  /// - Parameter place: where it stands.
  mutating func apply(_ record: SpoolRecord, at place: Place) {
    switch record {
    case .accepted(let delivery):
      let old = pending.updateValue((delivery.outline, place), forKey: delivery.number)
      size += place.size - (old?.place.size ?? 0)
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
      for member in members { size -= pending.removeValue(forKey: member)?.place.size ?? 0 }
    }
  }

  private mutating func dissolveBatch(of number: UInt64) {
    guard let first = batchOf[number], let members = batches.removeValue(forKey: first) else { return }
    for member in members { batchOf[member] = nil }
  }

  /// What waits as it is to be sent, as far as it is known here.
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

  /// What there is to say of the deliveries besides, and no more than needed.
  var remarks: [SpoolRecord] {
    batches.values.sorted { $0[0] < $1[0] }.map(SpoolRecord.batched)
      + shipments.filter { $0.attempts > 0 }.map { .attempted(number: $0.number, attempts: $0.attempts) }
  }
}
