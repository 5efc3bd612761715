package import FluxGraph

/// Decodes WAV: to 16-bit samples when that is all that is wanted of it, else to floating-point ones. Mu-law and A-law stay what
/// they are where just they are wanted.
package struct WAVDecoder: SoundDecoder {
  /// Frames a call gives at most: big enough that the cost of a call vanishes.
  private static let blockFrames = 4096

  private let wanted: AudioRequirement
  private var reader = WAVReader()
  private var format: AudioFormat?
  private var hasBegun = false
  package var channels: Int? { reader.format?.channels }

  package init(wanted: AudioRequirement) {
    self.wanted = wanted
  }

  package mutating func decode(
    _ bytes: inout ByteBuffer, isLast: Bool, into audio: inout AudioBuffer
  ) throws -> DecodeProgress {
    if format == nil {
      guard try readHeader(&bytes, isLast: isLast) else { return .needsBytes }
    }
    if let format, !hasBegun {
      audio.reset(format: format, capacity: Self.blockFrames)
      hasBegun = true
    }
    let before = bytes.count
    let consumed = try readSamples(bytes, into: &audio)
    bytes.removeFirst(consumed)
    if !audio.isEmpty { return .produced }
    if isLast && bytes.count == before {
      try check { () throws(WAVError) in try reader.finish() }
      return .finished
    }
    return .needsBytes
  }

  /// A header is no promise, and another file behind this one may be forgotten: both are worth a word.
  package var remarks: [Notice] {
    var remarks: [Notice] = []
    if reader.missing > 0, let format = reader.format {
      let seconds = Double(reader.missing / format.frameSize) / Double(format.rate)
      remarks.append(
        Notice(
          "shorter-than-said",
          "it ends \(ByteCount(reader.missing)) of sound, \(fixedText(seconds, digits: 2)) s, before its header says it does; all that is there was used",
          severity: .warning, details: [("seconds", JSONValue(seconds, digits: 3))]))
    }
    let rest = reader.rest
    if rest.isWAV || rest.strayBytes > Self.strayLimit {
      let what = rest.isWAV ? "another WAV file" : "something that belongs to no WAV file"
      remarks.append(
        Notice(
          "unread", "behind its audio is \(what), \(ByteCount(rest.strayBytes)) of it, which was not read",
          severity: .warning, details: [("bytes", JSONValue(rest.strayBytes))]))
    }
    return remarks
  }

  /// Bytes behind the audio that may be padding.
  private static let strayLimit = 4096

  package mutating func seek(to start: Duration, in bytes: any SeekableBytes) throws -> Bool {
    let fresh = self
    var buffer = ByteBuffer(capacity: 1 << 16)
    var offset = 0
    while format == nil {
      let piece = try bytes.bytes(at: offset, count: buffer.free)
      offset += piece.count
      buffer.append(piece)
      guard try readHeader(&buffer, isLast: piece.isEmpty), format != nil else {
        if !piece.isEmpty && buffer.free > 0 { continue }
        self = fresh
        return false
      }
    }
    guard let header = reader.format, let format else { return false }
    let frames = min(format.frames(in: start), max(0, bytes.length - header.dataOffset) / header.frameSize)
    reader.skipSamples(frames * header.frameSize)
    try bytes.goOn(at: header.dataOffset + frames * header.frameSize)
    return true
  }

  /// How long a file is, as its header and its size say.
  static func length(_ bytes: any SeekableBytes) throws -> SoundLength? {
    var reader = WAVReader()
    var none: [Float] = []
    var offset = 0
    while offset < WAVReader.headerLimit {
      let piece = try bytes.bytes(at: offset, count: headerStep)
      if piece.isEmpty { return nil }
      var room = none.mutableSpan
      guard let taken = try? reader.read(piece.span.bytes, into: &room) else { return nil }
      // With no room for samples, reading stops where they begin.
      if let format = reader.format, format.dataOffset > 0 {
        let there = max(0, bytes.length - format.dataOffset) / format.frameSize
        return SoundLength(
          seconds: Double(min(format.frames ?? there, there)) / Double(format.rate), channels: format.channels
        )
      }
      offset += taken.consumed
    }
    return nil
  }

  /// More than any header before the samples but those with pictures in them.
  private static let headerStep = 1 << 20

  /// Reads up to the first sample; false when more bytes are needed for it.
  private mutating func readHeader(_ bytes: inout ByteBuffer, isLast: Bool) throws -> Bool {
    var none: [Float] = []
    var consumed = 0
    try check { () throws(WAVError) in
      var room = none.mutableSpan
      consumed = try reader.read(bytes.bytes, into: &room).consumed
    }
    bytes.removeFirst(consumed)
    guard let header = reader.format, header.dataOffset > 0 else {
      if isLast { try check { () throws(WAVError) in try reader.finish() } }
      return false
    }
    guard AudioFormat.supportedRates.contains(header.rate), header.channels <= AudioFormat.maximumChannels
    else {
      throw StageError(
        .badInput, "it has \(header.channels) channels at \(header.rate) Hz, which is beyond what is handled")
    }
    format = AudioFormat(sample(header), rate: header.rate, channels: header.channels)
    return true
  }

  /// Other samples than floating-point ones only where nothing behind has to compute with them.
  private func sample(_ header: WAVFormat) -> SampleFormat {
    let fits =
      (wanted.rate ?? header.rate) == header.rate && (wanted.channels ?? header.channels) == header.channels
    switch wanted.sample {
    case .s16le where fits: return .s16le
    case .mulaw where fits && header.encoding == .muLaw: return .mulaw
    case .alaw where fits && header.encoding == .aLaw: return .alaw
    default: return .f32le
    }
  }

  private mutating func readSamples(_ bytes: borrowing ByteBuffer, into audio: inout AudioBuffer) throws
    -> Int
  {
    let channels = audio.format.channels
    let sample = audio.format.sample
    var consumed = 0
    try check { () throws(WAVError) in
      try audio.append { (room: UnsafeMutableRawBufferPointer) throws(WAVError) in
        if sample == .mulaw || sample == .alaw {
          var samples = MutableSpan<UInt8>(_unsafeElements: whole(room.bindMemory(to: UInt8.self), channels))
          let result = try reader.read(bytes.bytes, copying: &samples)
          consumed = result.consumed
          return result.frames
        }
        if sample == .f32le {
          var samples = MutableSpan<Float>(_unsafeElements: whole(room.bindMemory(to: Float.self), channels))
          let result = try reader.read(bytes.bytes, into: &samples)
          consumed = result.consumed
          return result.frames
        }
        var samples = MutableSpan<Int16>(_unsafeElements: whole(room.bindMemory(to: Int16.self), channels))
        let result = try reader.read(bytes.bytes, into: &samples)
        consumed = result.consumed
        return result.frames
      }
    }
    return consumed
  }

  private func whole<Sample>(
    _ room: UnsafeMutableBufferPointer<Sample>, _ channels: Int
  ) -> UnsafeMutableBufferPointer<Sample> {
    UnsafeMutableBufferPointer(rebasing: room[..<(room.count / channels * channels)])
  }

  private func check(_ body: () throws(WAVError) -> Void) throws(StageError) {
    do throws(WAVError) {
      try body()
    } catch {
      throw StageError(
        .badInput, String("\(error)".dropLast()),
        help: error.foreignName == nil ? nil : SoundFormat.otherProgram)
    }
  }
}
