@testable import EventStages

extension SpoolRecord {
  /// All records of a log.
  static func readAll(_ log: [UInt8]) -> (records: [SpoolRecord], length: Int, damaged: Int) {
    var records: [SpoolRecord] = []
    let (length, damaged) = readAll(log) { record, _ in records.append(record) }
    return (records, length, damaged)
  }

  /// What is not done in a log, as a whole.
  static func waiting(in log: [UInt8]) -> [Delivery] {
    let records = readAll(log).records
    var whole: [UInt64: Delivery] = [:]
    for case .accepted(let delivery) in records { whole[delivery.number] = delivery }
    return SpoolContents(records).deliveries.compactMap { whole[$0.number] }
  }
}

extension SpoolContents {
  /// Records that come to the same.
  var records: [SpoolRecord] { deliveries.map(SpoolRecord.accepted) + remarks }

  mutating func apply(_ record: SpoolRecord) { apply(record, at: Place(offset: 0, size: record.bytes.count)) }
}
