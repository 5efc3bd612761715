/// The events that are kept for whoever connects later: the newest ones whole, and of older ones those that say how a turn ended.
/// A value without I/O.
struct EventHistory: Sendable {
  /// An event as it is sent.
  struct Entry: Sendable {
    /// From 1 upwards.
    var number: Int
    var bytes: [UInt8]
    /// Whether it is kept when it is not new any more.
    var isLasting: Bool
  }

  /// Entries, and the bytes they may take together.
  private struct Shelf: Sendable {
    var entries: [Entry] = []
    var size = 0

    mutating func append(_ entry: Entry) {
      entries.append(entry)
      size += entry.bytes.count
    }

    /// Takes out the oldest entry when there are too many.
    mutating func surplus(count: Int, bytes: Int) -> Entry? {
      guard entries.count > count || (size > bytes && entries.count > 1) else { return nil }
      let entry = entries.removeFirst()
      size -= entry.bytes.count
      return entry
    }

    /// The first entry behind a number. They are in order.
    func first(after number: Int) -> Entry? {
      var (low, high) = (0, entries.count)
      while low < high {
        let middle = (low + high) / 2
        if entries[middle].number > number { high = middle } else { low = middle + 1 }
      }
      return low < entries.count ? entries[low] : nil
    }
  }

  /// How many entries of each kind are kept, and bytes of each.
  private let count: Int
  private let bytes: Int
  private var recent = Shelf()
  private var lasting = Shelf()
  /// The number of the newest entry; 0 when there was none.
  private(set) var newest = 0

  init(count: Int = 1000, bytes: Int = 4 << 20) {
    self.count = count
    self.bytes = bytes
  }

  /// Appends an event; `make` is given its number and makes what is sent.
  mutating func append(isLasting: Bool, _ make: (Int) -> [UInt8]) {
    newest += 1
    recent.append(Entry(number: newest, bytes: make(newest), isLasting: isLasting))
    while let old = recent.surplus(count: count, bytes: bytes) {
      if old.isLasting { lasting.append(old) }
    }
    while lasting.surplus(count: count, bytes: bytes) != nil {}
  }

  /// The oldest event behind a number.
  func first(after number: Int) -> Entry? {
    lasting.first(after: number) ?? recent.first(after: number)
  }
}
