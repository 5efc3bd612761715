/// Writes the pages of one logical Ogg stream (RFC 3533 §6), each with whole packets only. The layout is in `OggPageReader`.
package struct OggPageWriter: Sendable {
  /// What a page is beside its packets.
  package struct Flags: OptionSet, Sendable {
    package let rawValue: UInt8

    package init(rawValue: UInt8) { self.rawValue = rawValue }

    /// First page of its logical stream.
    package static let first = Flags(rawValue: 2)
    /// Last page of its logical stream.
    package static let last = Flags(rawValue: 4)
  }

  /// Tells the stream from others.
  package let serial: UInt32
  /// The number of the next page.
  package private(set) var sequence: UInt32 = 0
  private let checksum = OggChecksum()

  package init(serial: UInt32) { self.serial = serial }

  /// Appends a page to `output`.
  /// - Parameters:
  ///   - packets: the packets, one behind the other.
  ///   - lengths: the length of each. All of them together take at most 255 segments: one for each packet and one more for every
  ///     255 bytes of it.
  ///   - granulePosition: where the stream is at the end of the last packet, in the codec's units.
  package mutating func append(
    _ packets: UnsafeRawBufferPointer, lengths: some Collection<Int>, granulePosition: Int64,
    flags: Flags = [], to output: inout [UInt8]
  ) {
    let segments = lengths.reduce(0) { $0 + $1 / 255 + 1 }
    precondition(segments <= 255, "the packets do not fit into a page")
    let start = output.count
    // "OggS" and version 0.
    Self.append(0x5367_674F as UInt32, to: &output)
    output.append(0)
    output.append(flags.rawValue)
    Self.append(granulePosition, to: &output)
    Self.append(serial, to: &output)
    Self.append(sequence, to: &output)
    Self.append(0 as UInt32, to: &output)
    output.append(UInt8(segments))
    for length in lengths {
      for _ in 0..<(length / 255) { output.append(255) }
      output.append(UInt8(length % 255))
    }
    output.append(contentsOf: packets)
    sequence &+= 1
    let sum = output.withUnsafeBytes { checksum.value(of: UnsafeRawBufferPointer(rebasing: $0[start...])) }
    for index in 0..<4 { output[start + 22 + index] = UInt8(truncatingIfNeeded: sum >> (8 * index)) }
  }

  /// Appends a page with one packet.
  package mutating func append(
    _ packet: [UInt8], granulePosition: Int64, flags: Flags = [], to output: inout [UInt8]
  ) {
    packet.withUnsafeBytes {
      append(
        $0, lengths: CollectionOfOne(packet.count), granulePosition: granulePosition, flags: flags,
        to: &output)
    }
  }

  private static func append<Value: FixedWidthInteger>(_ value: Value, to output: inout [UInt8]) {
    for index in 0..<MemoryLayout<Value>.size {
      output.append(UInt8(truncatingIfNeeded: value >> (8 * index)))
    }
  }
}
