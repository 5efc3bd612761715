/// Reads a WAVE file as it comes in, in pieces of any size.
///
///     "RIFF" size "WAVE"   { name:4  size:4  payload  pad to even }
///      └ or "RF64", "BW64": 64-bit sizes stand in a "ds64" chunk
///
///     fmt   tag:2 channels:2 rate:4 bytes/s:4 frame:2 bits:2 [extra:2 valid:2 speakers:4 sub-format:16]
///     ds64  riff:8 data:8 frames:8 …
///     data  the samples
///
/// After Microsoft's "Multiple Channel Audio Data and WAVE Files" and EBU Tech 3306 (RF64). Chunks it does
/// not know are skipped, never buffered. A writer that could not go back says what it likes about the length: a data size
/// that is none of a file's, or 0 with samples behind it, means that everything that comes is samples. What follows the
/// samples is passed over, and known in `rest`. Of fields that follow from others, only those are believed.
package struct WAVReader: Sendable {
  package static let channelLimit = 64
  package static let rateLimit = 768_000
  /// Bytes before the samples: cover pictures and edit lists do come first in some files, a gigabyte of them does not.
  package static let headerLimit = 16 << 20

  /// Known once the header was read.
  package private(set) var format: WAVFormat?
  /// Bytes of samples that the header promised and that never came; known after `finish()`.
  package private(set) var missing = 0
  /// What came behind the samples.
  package private(set) var rest = Rest()

  /// What comes behind the samples.
  package struct Rest: Sendable, Equatable {
    /// Bytes that are no chunks of a WAVE file.
    package var strayBytes = 0
    /// Whether they begin as another WAVE file does.
    package var isWAV = false
  }

  private enum State: Equatable {
    /// "RIFF", its size, "WAVE".
    case start
    case chunkHeader
    /// A chunk whose first bytes are wanted; `rest` of them are beyond those.
    case chunk(Chunk, rest: Int)
    case skip(Int)
    /// A data size of 0, which may be the truth: what follows decides.
    case emptyData
    /// Samples, and how many bytes of them are still to come.
    case data(remaining: Int?)
    /// Chunks behind the samples: the header of one, or what is left of it.
    case trailer(skip: Int)
    /// Something else.
    case stray
  }

  private enum Chunk { case format, sizes64 }

  private var state = State.start
  /// Bytes wanted before the next step can be taken, and those gathered: a header field or the parts of a cut frame.
  private var wanted = 12
  private var gathered: [UInt8] = []
  /// Samples that were taken for the header of a chunk at first.
  private var reserved: [UInt8] = []
  private var offset = 0
  private var riffEnd: Int?
  private var dataLength64: Int?

  package init() {
    gathered.reserveCapacity(Self.channelLimit * 8)
  }

  /// Takes bytes, writes the samples in them as interleaved floats, and says how many bytes were taken and how many whole frames
  /// written. Takes fewer bytes than offered only when `output` is full; offer the rest again then.
  ///
  /// With no room in `output`, reading stops where the samples begin, with `format` set.
  package mutating func read(
    _ bytes: RawSpan, into output: inout MutableSpan<Float>
  ) throws(WAVError) -> (consumed: Int, frames: Int) {
    try read(bytes, &output) { encoding, source, room in encoding.decode(source, into: room) }
  }

  /// The same as interleaved 16-bit samples, rounded as `SampleEncoding.decode` says.
  package mutating func read(
    _ bytes: RawSpan, into output: inout MutableSpan<Int16>
  ) throws(WAVError) -> (consumed: Int, frames: Int) {
    try read(bytes, &output) { encoding, source, room in encoding.decode(source, into: room) }
  }

  /// The same as they stand in the file, for samples of one byte.
  package mutating func read(
    _ bytes: RawSpan, copying output: inout MutableSpan<UInt8>
  ) throws(WAVError) -> (consumed: Int, frames: Int) {
    try read(bytes, &output) { encoding, source, room in
      precondition(encoding.size == 1, "samples of more than one byte are decoded")
      UnsafeMutableRawBufferPointer(room).copyMemory(from: source)
      return source.count
    }
  }

  @inline(__always)
  private mutating func read<Sample>(
    _ bytes: RawSpan, _ output: inout MutableSpan<Sample>,
    _ decode: (SampleEncoding, UnsafeRawBufferPointer, UnsafeMutableBufferPointer<Sample>) -> Int
  ) throws(WAVError) -> (consumed: Int, frames: Int) {
    let result: Result<(consumed: Int, frames: Int), WAVError> = bytes.withUnsafeBytes { bytes in
      output.withUnsafeMutableBufferPointer { output in
        run(bytes, room: output.count) { encoding, source, index in
          decode(encoding, source, UnsafeMutableBufferPointer(rebasing: output[index...]))
        }
      }
    }
    return try result.get()
  }

  /// Says that the next `count` bytes of samples, whole frames, will not be given. Before the first of them only.
  package mutating func skipSamples(_ count: Int) {
    guard case .data(let remaining) = state else { return }
    reserved = []
    gathered.removeAll(keepingCapacity: true)
    let left = remaining.map { max(0, $0 - count) }
    if left == 0 { endSamples() } else { state = .data(remaining: left) }
  }

  /// Says that no more bytes come. Throws when there was no whole header.
  package mutating func finish() throws(WAVError) {
    switch state {
    case .start: throw .notWAV
    case .data(let remaining): missing = remaining ?? 0
    case .trailer, .stray, .emptyData: break
    default: throw .endsInHeader
    }
  }

  // MARK: - Steps

  private mutating func run(
    _ bytes: UnsafeRawBufferPointer, room: Int,
    _ decode: (SampleEncoding, UnsafeRawBufferPointer, _ index: Int) -> Int
  ) -> Result<(consumed: Int, frames: Int), WAVError> {
    var consumed = 0
    var samples = 0
    do throws(WAVError) {
      while consumed < bytes.count {
        let rest = UnsafeRawBufferPointer(rebasing: bytes[consumed...])
        switch state {
        case .start, .chunkHeader, .chunk, .emptyData, .trailer(skip: 0):
          consumed += gather(rest)
          if gathered.count == wanted { try takeHeaderStep() }
        case .skip(let count):
          let skipped = min(count, rest.count)
          consumed += skipped
          try advance(by: skipped)
          if skipped < count { state = .skip(count - skipped) } else { expect(.chunkHeader, bytes: 8) }
        case .data(let remaining):
          guard let format else { return .failure(.formatMissing) }
          if !reserved.isEmpty {
            let early = reserved
            let taken = early.withUnsafeBytes { early in
              takeSamples(early, remaining, format, room: room - samples) { source in
                decode(format.encoding, source, samples)
              }
            }
            if taken.consumed == 0 { return .success((consumed, samples / format.channels)) }
            reserved.removeFirst(taken.consumed)
            samples += taken.samples
            continue
          }
          let taken = takeSamples(rest, remaining, format, room: room - samples) { source in
            decode(format.encoding, source, samples)
          }
          if taken.consumed == 0 { return .success((consumed, samples / format.channels)) }
          consumed += taken.consumed
          samples += taken.samples
        case .trailer(let skip):
          let skipped = min(skip, rest.count)
          consumed += skipped
          if skipped < skip {
            state = .trailer(skip: skip - skipped)
          } else {
            expect(.trailer(skip: 0), bytes: 8)
          }
        case .stray:
          self.rest.strayBytes += rest.count
          consumed = bytes.count
        }
      }
    } catch {
      return .failure(error)
    }
    return .success((consumed, format.map { samples / $0.channels } ?? 0))
  }

  /// Takes whole frames, or the parts of one cut in two; nothing when there is no room for a frame.
  private mutating func takeSamples(
    _ bytes: UnsafeRawBufferPointer, _ remaining: Int?, _ format: WAVFormat, room: Int,
    _ decode: (UnsafeRawBufferPointer) -> Int
  ) -> (consumed: Int, samples: Int) {
    guard room >= format.channels else { return (0, 0) }
    let available = UnsafeRawBufferPointer(rebasing: bytes[..<min(bytes.count, remaining ?? Int.max)])
    var consumed = 0
    var samples = 0
    if gathered.isEmpty {
      let frames = min(available.count / format.frameSize, room / format.channels)
      consumed = frames * format.frameSize
      samples = decode(UnsafeRawBufferPointer(rebasing: available[..<consumed]))
    }
    if samples == 0 {
      wanted = format.frameSize
      consumed = gather(available)
      if gathered.count == wanted {
        samples = gathered.withUnsafeBytes(decode)
        gathered.removeAll(keepingCapacity: true)
      }
    }
    if let remaining {
      state = .data(remaining: remaining - consumed)
      // A last frame that is not whole is dropped.
      if remaining == consumed { endSamples() }
    }
    return (consumed, samples)
  }

  /// A chunk of an odd length is padded.
  private mutating func endSamples() {
    if let length = format?.dataLength, length & 1 == 1 {
      gathered.removeAll(keepingCapacity: true)
      state = .trailer(skip: 1)
    } else {
      expect(.trailer(skip: 0), bytes: 8)
    }
  }

  private mutating func gather(_ bytes: UnsafeRawBufferPointer) -> Int {
    let count = min(wanted - gathered.count, bytes.count)
    gathered.append(contentsOf: bytes[..<count])
    offset &+= count
    return count
  }

  private mutating func expect(_ next: State, bytes: Int) {
    state = next
    wanted = bytes
    gathered.removeAll(keepingCapacity: true)
  }

  private mutating func advance(by count: Int) throws(WAVError) {
    offset += count
    if offset > Self.headerLimit { throw .headerTooLarge(limit: Self.headerLimit) }
  }

  private mutating func takeHeaderStep() throws(WAVError) {
    switch state {
    case .start:
      let name = text(0)
      if name == "RIFX" { throw .bigEndian }
      guard ["RIFF", "RF64", "BW64"].contains(name), text(8) == "WAVE" else { throw .notWAV }
      let size = integer(4, 4)
      riffEnd = Self.isUnknown(size) ? nil : size + 8
      expect(.chunkHeader, bytes: 8)
    case .chunkHeader:
      try advance(by: 0)
      try beginChunk(text(0), size: integer(4, 4))
    case .chunk(let chunk, let rest):
      switch chunk {
      case .format: format = try Self.format(gathered)
      case .sizes64:
        let riff = integer(0, 8)
        let data = integer(8, 8)
        riffEnd = riff > 0 && riff < Int.max - 8 ? riff + 8 : nil
        dataLength64 = data > 0 ? data : nil
      }
      expect(.skip(rest), bytes: 0)
      if rest == 0 { expect(.chunkHeader, bytes: 8) }
    case .emptyData:
      // Chunks that end where the file says it does, or samples of which nobody wrote down how many they are.
      let size = integer(4, 4)
      if isChunkName(0), let riffEnd, offset + size <= riffEnd {
        state = .trailer(skip: size + size & 1)
        format?.dataLength = 0
      } else {
        reserved = gathered
        expect(.data(remaining: nil), bytes: 0)
      }
    case .trailer:
      let size = integer(4, 4)
      if isChunkName(0), !["RIFF", "RF64", "BW64", "RIFX"].contains(text(0)) {
        state = .trailer(skip: size + size & 1)
        if size == 0 { expect(.trailer(skip: 0), bytes: 8) }
      } else {
        rest = Rest(strayBytes: 8, isWAV: ["RIFF", "RF64", "BW64"].contains(text(0)))
        state = .stray
      }
    case .skip, .data, .stray: break
    }
  }

  /// Four printable characters.
  private func isChunkName(_ at: Int) -> Bool { gathered[at..<(at + 4)].allSatisfy { 0x20...0x7E ~= $0 } }

  /// Sizes that programs write which cannot go back to a header: what fits into 32 bits, or 31, less one thing or another, and
  /// one round number.
  private static func isUnknown(_ size: Int) -> Bool {
    size >= 0xFFFF_0000 || 0x7FFF_0000...0x7FFF_FFFF ~= size || size == 2_000_000_000
  }

  private mutating func beginChunk(_ name: String, size: Int) throws(WAVError) {
    let padded = size + size & 1
    switch name {
    case "fmt ":
      guard size >= 16 else { throw .chunkTooShort("fmt") }
      let wanted = min(padded, 40)
      expect(.chunk(.format, rest: padded - wanted), bytes: wanted)
    case "ds64":
      guard size >= 24 else { throw .chunkTooShort("ds64") }
      expect(.chunk(.sizes64, rest: padded - 24), bytes: 24)
    case "data":
      guard format != nil else { throw .formatMissing }
      var length: Int? = size
      if let dataLength64, size == 0 || size == 0xFFFF_FFFF {
        length = dataLength64
      } else if Self.isUnknown(size) || size == 0 {
        length = nil
      }
      format?.dataOffset = offset
      format?.dataLength = length
      if size == 0, length == nil, riffEnd.map({ $0 > offset }) ?? false {
        expect(.emptyData, bytes: 8)
      } else {
        expect(.data(remaining: length), bytes: 0)
      }
    default:
      expect(.skip(padded), bytes: 0)
      if padded == 0 { expect(.chunkHeader, bytes: 8) }
    }
  }

  /// Reads the payload of a `fmt ` chunk.
  private static func format(_ bytes: [UInt8]) throws(WAVError) -> WAVFormat {
    func integer(_ at: Int, _ size: Int) -> Int {
      (0..<size).reduce(0) { $0 | Int(bytes[at + $1]) << (8 * $1) }
    }
    var tag = integer(0, 2)
    let channels = integer(2, 2)
    let rate = integer(4, 4)
    let frameSize = integer(12, 2)
    var bits = integer(14, 2)
    // What both fields say, one of them may say alone.
    if bits == 0, channels > 0 { bits = min(8 * (frameSize / channels), 64) }
    var validBits = bits
    if tag == 0xFFFE {
      guard bytes.count >= 40 else { throw .chunkTooShort("fmt") }
      // Microsoft's sub-formats are the old tags in KSDATAFORMAT_SUBTYPE:
      // xxxxxxxx-0000-0010-8000-00AA00389B71.
      let microsoft: [UInt8] = [0x00, 0x00, 0x10, 0x00, 0x80, 0x00, 0x00, 0xAA, 0x00, 0x38, 0x9B, 0x71]
      guard bytes[28..<40].elementsEqual(microsoft) else { throw .unknownSubFormat }
      tag = integer(24, 4)
      let valid = integer(18, 2)
      if 1...max(bits, 1) ~= valid { validBits = valid }
    }
    let encoding: SampleEncoding?
    if tag == 6 || tag == 7 { (bits, validBits) = (8, 8) }
    // Samples of up to 24 bits in four bytes each.
    let isWide = tag == 1 && 17...24 ~= bits && frameSize == 4 * channels
    switch (tag, isWide ? 4 : (bits + 7) / 8) {
    case (1, 1): encoding = .u8
    case (1, 2): encoding = .s16
    case (1, 3): encoding = .s24
    case (1, 4): encoding = .s32
    case (3, _): encoding = bits == 32 ? .f32 : bits == 64 ? .f64 : nil
    case (6, _): encoding = .aLaw
    case (7, _): encoding = .muLaw
    case (1, _): encoding = nil
    default: throw .unsupportedFormat(tag: tag)
    }
    guard let encoding else { throw .unsupportedBits(bits, tag: tag) }
    guard 1...channelLimit ~= channels else { throw .badChannels(channels) }
    guard 1...rateLimit ~= rate else { throw .badRate(rate) }
    return WAVFormat(
      rate: rate, channels: channels, encoding: encoding, validBits: validBits, dataOffset: 0, dataLength: nil
    )
  }

  private func text(_ at: Int) -> String {
    String(decoding: gathered[at..<(at + 4)], as: UTF8.self)
  }

  /// A little-endian integer; one of eight bytes that does not fit becomes `Int.max`.
  private func integer(_ at: Int, _ size: Int) -> Int {
    let value = (0..<size).reduce(UInt64(0)) { $0 | UInt64(gathered[at + $1]) << UInt64(8 * $1) }
    return Int(clamping: value)
  }
}
