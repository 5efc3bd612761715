internal import FluxGraph

/// Decodes Ogg Opus, straight to the rate and channels wanted where Opus can do that.
struct OggOpusSoundDecoder: SoundDecoder {
  /// A first page has one header, of 276 bytes at the most (255 channels), and its own.
  private static let longestHead = 1024
  private let wanted: AudioRequirement
  private var decoder: (any SampleDecoding)?
  private var format: AudioFormat?
  private var hasBegun = false
  private(set) var channels: Int?

  init(wanted: AudioRequirement) {
    self.wanted = wanted
  }

  mutating func decode(
    _ bytes: inout ByteBuffer, isLast: Bool, into audio: inout AudioBuffer
  ) throws -> DecodeProgress {
    if decoder == nil {
      // What it is, is known some bytes before its channels are.
      let isEnough = isLast || bytes.count >= Self.longestHead
      guard let channels = bytes.withBytes({ streamChannels($0) }) ?? (isEnough ? 2 : nil) else {
        return .needsBytes
      }
      begin(channels)
    }
    if let format, !hasBegun {
      audio.reset(format: format, capacity: format.rate * OpusPacketDecoder.longestPacket / 1000)
      hasBegun = true
    }
    do {
      return try decoder?.decode(&bytes, isLast: isLast, into: &audio) ?? .finished
    } catch let error as OggOpusError {
      throw failure(error)
    }
  }

  var remarks: [Notice] {
    var remarks: [Notice] = []
    if let bytes = decoder?.damage.strayBytes, bytes > 0 {
      remarks.append(
        Notice(
          "unread",
          "behind its last page are \(ByteCount(bytes)) that belong to no page, which were not read",
          severity: .warning, details: [("bytes", JSONValue(bytes))]))
    }
    if let codec = decoder?.damage.followedBy {
      remarks.append(
        Notice(
          "unread", "behind it is a stream of another codec (\(codec)), which was not read",
          severity: .warning,
          details: [("codec", .string(codec))]))
    }
    return remarks
  }

  mutating func seek(to start: Duration, in bytes: any SeekableBytes) throws -> Bool {
    var seeker = OggOpusSeeker<any Error>(length: bytes.length) { offset, count in
      try bytes.bytes(at: offset, count: count)
    }
    let samples = Int((start.seconds * 48_000).rounded())
    guard let point = try seeker.point(for: samples) else { return false }
    let header = try bytes.bytes(at: 0, count: point.headerLength)
    begin(header.withUnsafeBytes { streamChannels($0) } ?? 2)
    guard let format, let decoder else { return false }
    do {
      try decoder.resume(after: header, at: format.frames(in: start), origin: point.origin)
    } catch let error as OggOpusError {
      throw failure(error)
    }
    try bytes.goOn(at: point.offset)
    return true
  }

  /// How long a stream is, as the granule positions of its ends say.
  static func length(_ bytes: any SeekableBytes) throws -> SoundLength? {
    var seeker = OggOpusSeeker<any Error>(length: bytes.length) { offset, count in
      try bytes.bytes(at: offset, count: count)
    }
    guard let total = try seeker.total() else { return nil }
    return SoundLength(seconds: Double(total.samples) / 48_000, channels: total.channels)
  }

  private func failure(_ error: OggOpusError) -> StageError {
    var help: String?
    if case .unsupportedMapping = error { help = SoundFormat.otherProgram }
    return StageError(.badInput, String("\(error)".dropLast()), help: help)
  }

  /// Makes the decoder for a stream of so many channels.
  private mutating func begin(_ channels: Int) {
    self.channels = channels
    let format = outputFormat(streamChannels: channels)
    self.format = format
    decoder = format.sample == .s16le ? OggOpusSamples<Int16>(format) : OggOpusSamples<Float>(format)
  }

  /// All that is wanted, when Opus can give all of it; else floating-point samples as they were coded.
  private func outputFormat(streamChannels: Int) -> AudioFormat {
    let rate = wanted.rate ?? 48_000
    // libopus makes one channel of two and two of one; what has more is mixed by a stage of its own, which wants all it can get.
    let channels = streamChannels > 2 ? streamChannels : wanted.channels ?? streamChannels
    let isAsWanted = channels == wanted.channels ?? channels
    if isAsWanted, OpusPacketDecoder.rates.contains(rate), channels == streamChannels || channels <= 2,
      [nil, .s16le, .f32le].contains(wanted.sample)
    {
      return AudioFormat(wanted.sample == .s16le ? .s16le : .f32le, rate: rate, channels: channels)
    }
    return AudioFormat(.f32le, rate: 48_000, channels: streamChannels)
  }

  /// The channel count in the identification header (RFC 7845 §5.1), which stands in the stream's first page; nil when it is not
  /// there.
  private func streamChannels(_ bytes: UnsafeRawBufferPointer) -> Int? {
    let magic = Array("OpusHead".utf8)
    for start in 0..<max(0, bytes.count - 10) where bytes[start] == magic[0] {
      if bytes[start..<(start + 8)].elementsEqual(magic) {
        return max(1, min(Int(bytes[start + 9]), OpusHead.mostChannels))
      }
    }
    return nil
  }
}

/// Decoding to one type of samples.
private protocol SampleDecoding: AnyObject {
  func decode(_ bytes: inout ByteBuffer, isLast: Bool, into audio: inout AudioBuffer) throws -> DecodeProgress
  func resume(after header: [UInt8], at frame: Int, origin: Int) throws
  /// What went wrong on the way.
  var damage: OggOpusReader.Damage { get }
}

/// The codec's decoder, which is not copied, in the place of one that is.
private final class OggOpusSamples<Sample: OpusSample>: SampleDecoding {
  private var decoder: OggOpusDecoder<Sample>
  private let channels: Int
  private var hasFinished = false

  init(_ format: AudioFormat) {
    channels = format.channels
    decoder = OggOpusDecoder(rate: format.rate, channels: format.channels)
  }

  func decode(_ bytes: inout ByteBuffer, isLast: Bool, into audio: inout AudioBuffer) throws -> DecodeProgress
  {
    while true {
      try read(into: &audio)
      if !audio.isEmpty { return .produced }
      if !bytes.isEmpty {
        let taken = decoder.push(bytes.bytes)
        bytes.removeFirst(taken)
        if taken > 0 { continue }
      }
      guard isLast else { return .needsBytes }
      if hasFinished { return try end() }
      decoder.finish()
      hasFinished = true
    }
  }

  var damage: OggOpusReader.Damage { decoder.damage }

  func resume(after header: [UInt8], at frame: Int, origin: Int) throws {
    var taken = 0
    while taken < header.count {
      taken += decoder.push(header.span.bytes.extracting(taken..<header.count))
      try decoder.readHeaders()
    }
    try decoder.resume(at: frame, origin: origin)
  }

  private func read(into audio: inout AudioBuffer) throws {
    try audio.append { room in
      let samples = room.bindMemory(to: Sample.self)
      let whole = UnsafeMutableBufferPointer(rebasing: samples[..<(samples.count / channels * channels)])
      var span = MutableSpan<Sample>(_unsafeElements: whole)
      return try decoder.read(into: &span)
    }
  }

  /// Says at the end what was wrong on the way: everything that could be decoded has been.
  private func end() throws -> DecodeProgress {
    let damage = decoder.damage
    var faults: [String] = []
    if damage.lostPages > 0 { faults.append("\(damage.lostPages) pages are missing") }
    if damage.skippedBytes > 0 { faults.append("\(damage.skippedBytes) bytes belong to no page") }
    if decoder.damagedPackets > 0 { faults.append("\(decoder.damagedPackets) packets cannot be decoded") }
    if damage.isTruncated { faults.append("it breaks off before its end") }
    guard faults.isEmpty else {
      throw StageError(
        .badInput,
        "the Ogg Opus stream is damaged: \(faults.joined(separator: ", ")); all that could be decoded was used"
      )
    }
    return .finished
  }
}
