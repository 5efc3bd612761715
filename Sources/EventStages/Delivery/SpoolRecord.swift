internal import FluxGraph

/// What a spool's log holds, one after the other: deliveries accepted, batches made of them, attempts that failed, and what is
/// done. A batch goes by the number of its first delivery.
///
/// A record is the length of its content in four bytes, the content's CRC-32C in four, and the content: a letter, the
/// delivery's number in eight bytes, and what the letter asks for. Numbers are little-endian.
enum SpoolRecord: Equatable {
  case accepted(Delivery)
  /// These go together, in this order, from now on.
  case batched([UInt64])
  case attempted(number: UInt64, attempts: Int)
  case done(number: UInt64)

  /// A content is never longer; a length beyond it is damage.
  static let contentLimit = 1 << 22
  static let headSize = 8

  /// The record as it stands in the log.
  var bytes: [UInt8] {
    var content: [UInt8] = []
    switch self {
    case .accepted(let delivery):
      content.append(UInt8(ascii: "A"))
      content.append(littleEndian: delivery.number, count: 8)
      delivery.write(to: &content)
    case .batched(let numbers):
      content.append(UInt8(ascii: "B"))
      for number in numbers { content.append(littleEndian: number, count: 8) }
    case .attempted(let number, let attempts):
      content.append(UInt8(ascii: "T"))
      content.append(littleEndian: number, count: 8)
      content.append(littleEndian: UInt64(attempts), count: 4)
    case .done(let number):
      content.append(UInt8(ascii: "D"))
      content.append(littleEndian: number, count: 8)
    }
    var bytes: [UInt8] = []
    bytes.append(littleEndian: UInt64(content.count), count: 4)
    bytes.append(littleEndian: UInt64(CRC32C.checksum(content[...])), count: 4)
    return bytes + content
  }

  /// The record at the beginning of `bytes` and its length; nil when none is there, whole and undamaged.
  static func read(_ bytes: ArraySlice<UInt8>) -> (record: SpoolRecord, length: Int)? {
    guard bytes.count >= headSize else { return nil }
    let length = Int(bytes.prefix(4).littleEndian)
    guard (9...contentLimit).contains(length), bytes.count >= headSize + length else { return nil }
    let content = bytes.dropFirst(headSize).prefix(length)
    guard CRC32C.checksum(content) == UInt32(bytes.dropFirst(4).prefix(4).littleEndian),
      let record = SpoolRecord(content: content)
    else { return nil }
    return (record, headSize + length)
  }

  private init?(content: ArraySlice<UInt8>) {
    let number = content.dropFirst().prefix(8).littleEndian
    let rest = content.dropFirst(9)
    switch content.first {
    case UInt8(ascii: "A"):
      guard let json = try? JSONValue.parse(Array(rest).span), var delivery = Delivery(json) else {
        return nil
      }
      delivery.number = number
      self = .accepted(delivery)
    case UInt8(ascii: "B"):
      guard rest.count % 8 == 0 else { return nil }
      self = .batched(
        [number]
          + stride(from: 0, to: rest.count, by: 8).map { rest.dropFirst($0).prefix(8).littleEndian })
    case UInt8(ascii: "T"):
      guard rest.count == 4 else { return nil }
      self = .attempted(number: number, attempts: Int(rest.littleEndian))
    case UInt8(ascii: "D"):
      guard rest.isEmpty else { return nil }
      self = .done(number: number)
    default: return nil
    }
  }

  /// All records of a log, and how many of its bytes are damaged: those that belong to no record. A log that ends within a
  /// record, as after a kill, only lacks that one; `length` is where the whole ones end. Takes time in proportion to the log.
  /// - Parameter found: called with each record, and where it stands.
  static func readAll(
    _ log: [UInt8], _ found: (SpoolRecord, SpoolContents.Place) -> Void
  ) -> (length: Int, damaged: Int) {
    var position = 0
    var length = 0
    var damaged = 0
    while position < log.count {
      if mayBegin(log, at: position), let (record, size) = read(log[position...]) {
        found(record, .init(offset: position, size: size))
        damaged += position - length
        position += size
        length = position
      } else {
        position += 1
      }
    }
    if !isBegun(log[length...]) { damaged += log.count - length }
    return (length, damaged)
  }

  /// Whether a record may begin here, as far as a look at a few bytes tells: among megabytes of something else no checksum is
  /// made for each of them.
  private static func mayBegin(_ log: [UInt8], at position: Int) -> Bool {
    guard position + headSize + 9 <= log.count else { return false }
    let length = (0..<4).reduce(0) { $0 | Int(log[position + $1]) << (8 * $1) }
    switch log[position + headSize] {
    case UInt8(ascii: "A"):
      return length > 9 && length <= contentLimit && position + headSize + 9 < log.count
        && log[(position + headSize + 9)...].starts(with: Self.json)
    case UInt8(ascii: "B"): return length >= 9 && length <= 1 << 14 && (length - 9) % 8 == 0
    case UInt8(ascii: "T"): return length == 13
    case UInt8(ascii: "D"): return length == 9
    default: return false
    }
  }

  /// Whether bytes at the end of a log are the beginning of a record, and no more.
  private static func isBegun(_ bytes: ArraySlice<UInt8>) -> Bool {
    // A length that is not all there says nothing.
    guard bytes.count >= 4 else { return true }
    let length = Int(bytes.prefix(4).littleEndian)
    guard (9...contentLimit).contains(length), bytes.count < headSize + length else { return false }
    let content = bytes.dropFirst(headSize)
    guard let letter = content.first else { return true }
    let rest = content.dropFirst(9)
    switch letter {
    case UInt8(ascii: "A"):
      // A whole event with a length that is wrong is damage, and so is what no JSON has in it.
      return rest.prefix(Self.json.count).elementsEqual(Self.json.prefix(rest.count))
        && rest.allSatisfy { $0 >= 0x20 } && (try? JSONValue.parse(Array(rest).span)) == nil
    case UInt8(ascii: "B"): return length <= 1 << 14 && (length - 9) % 8 == 0
    case UInt8(ascii: "T"): return length == 13
    case UInt8(ascii: "D"): return length == 9
    default: return false
    }
  }

  /// What a delivery's JSON begins with.
  private static let json = Array(#"{"id":"#.utf8)
}

extension [UInt8] {
  fileprivate mutating func append(littleEndian value: UInt64, count: Int) {
    for shift in 0..<count { append(UInt8(truncatingIfNeeded: value >> UInt64(8 * shift))) }
  }
}

extension ArraySlice<UInt8> {
  fileprivate var littleEndian: UInt64 { reversed().reduce(0) { $0 << 8 | UInt64($1) } }
}
