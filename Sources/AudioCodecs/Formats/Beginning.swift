/// The first bytes of a stream, as the formats look at them to find out whether it is one of theirs.
package struct Beginning {
  let bytes: UnsafeRawBufferPointer
  /// Whether there will be no more of them.
  let isAll: Bool

  package init(_ bytes: UnsafeRawBufferPointer, isAll: Bool) {
    self.bytes = bytes
    self.isAll = isAll
  }

  var count: Int { bytes.count }

  /// What stands behind the first `offset` bytes.
  func behind(_ offset: Int) -> Beginning {
    Beginning(UnsafeRawBufferPointer(rebasing: bytes.dropFirst(offset)), isAll: isAll)
  }

  func has(_ text: String, at offset: Int = 0) -> Bool { bytes.dropFirst(offset).starts(with: text.utf8) }
  func has(_ these: [UInt8], at offset: Int = 0) -> Bool { bytes.dropFirst(offset).starts(with: these) }

  /// Whether it may yet turn out to begin so.
  func mayBecome(_ text: String) -> Bool {
    !isAll && count < text.utf8.count && text.utf8.starts(with: bytes)
  }

  /// A number of up to eight bytes, most significant first; nil where it is not there yet.
  func number(at offset: Int, bytes size: Int) -> Int? {
    guard offset >= 0, offset + size <= count else { return nil }
    let value = bytes[offset..<(offset + size)].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    return Int(exactly: value)
  }
}
