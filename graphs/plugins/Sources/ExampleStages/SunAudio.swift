public import FluxGraph

/// The stage `au`: a decoder for Sun's .au files, which telephone prompts and old corpora still come in.
///
/// 24 bytes of header, numbers with the most significant byte first, then µ-law or 16-bit samples.
public struct SunAudio: AudioDecoder {
  public static let description = StageDescription<SunAudio>(
    "au", "Decodes Sun audio (.au), µ-law or 16-bit.",
    examples: ["file greeting.au | au | flux | stdout", "file greeting.au start=2s | au | wav greeting.wav"])

  private static let blockFrames = 4096
  private var header: SunAudioHeader?
  /// Bytes between the header and the first sample that are still to come.
  private var unread = 0
  private var hasBegun = false

  public init() {}

  /// Rate and channels are known only from the header. Whether it is live, the source says.
  public var output: AudioStreamType { AudioStreamType(sample: .f32le, liveness: .finite) }

  public mutating func prepare(wanted: AudioRequirement, _ context: StageContext) throws {}

  public mutating func decode(
    _ bytes: inout ByteBuffer, isLast: Bool, into audio: inout AudioBuffer
  ) throws -> DecodeProgress {
    if header == nil {
      guard bytes.count >= SunAudioHeader.length else {
        if isLast { throw StageError(.badInput, "it is too short for the header of a .au file") }
        return .needsBytes
      }
      let known = try bytes.withBytes { (start) throws(StageError) in try SunAudioHeader(start) }
      bytes.removeFirst(SunAudioHeader.length)
      unread = known.dataOffset - SunAudioHeader.length
      header = known
    }
    guard let header else { return .needsBytes }
    let skipped = min(unread, bytes.count)
    bytes.removeFirst(skipped)
    unread -= skipped
    let size = header.encoding.sampleSize * header.format.channels
    let frames = min(bytes.count / size, Self.blockFrames)
    guard unread == 0, frames > 0 else { return isLast ? .finished : .needsBytes }
    if !hasBegun {
      hasBegun = true
      audio.reset(format: header.format, capacity: Self.blockFrames)
    }
    let taken = min(frames, audio.freeFrames)
    bytes.withBytes { source in
      audio.append { room in
        let samples = room.bindMemory(to: Float.self)
        for index in 0..<(taken * header.format.channels) {
          samples[index] = header.encoding.sample(source, at: index)
        }
        return taken
      }
    }
    bytes.removeFirst(taken * size)
    return .produced
  }
}

/// The beginning of a .au file.
package struct SunAudioHeader: Equatable {
  static let length = 24

  package enum Encoding: UInt32 {
    case muLaw = 1
    case linear16 = 3

    var sampleSize: Int { self == .muLaw ? 1 : 2 }

    /// A sample between -1 and 1.
    func sample(_ bytes: UnsafeRawBufferPointer, at index: Int) -> Float {
      switch self {
      case .muLaw:
        // G.711: the bits inverted; sign, three bits of exponent, four of mantissa.
        let code = ~bytes[index]
        let magnitude = ((Int32(code & 0xF) << 3) + 0x84) << (Int32(code >> 4) & 7) - 0x84
        return Float(code & 0x80 == 0 ? magnitude : -magnitude) / 32_768
      case .linear16:
        return Float(Int16(bitPattern: UInt16(bytes[2 * index]) << 8 | UInt16(bytes[2 * index + 1]))) / 32_768
      }
    }
  }

  var encoding: Encoding
  var format: AudioFormat
  /// Where the samples begin.
  var dataOffset: Int

  /// - Parameter bytes: at least `length` of them.
  init(_ bytes: UnsafeRawBufferPointer) throws(StageError) {
    let fields = (0..<6).map { field in
      (0..<4).reduce(UInt32(0)) { $0 << 8 | UInt32(bytes[4 * field + $1]) }
    }
    guard fields[0] == 0x2E73_6E64 else {
      throw StageError(.badInput, "it is no .au file: `.snd` is not at its start")
    }
    guard let encoding = Encoding(rawValue: fields[3]) else {
      throw StageError(
        .badInput, "its samples are of kind \(fields[3]); µ-law (1) and 16-bit (3) are read here")
    }
    guard AudioFormat.supportedRates.contains(Int(fields[4])),
      (1...AudioFormat.maximumChannels).contains(Int(fields[5])),
      fields[1] >= Self.length
    else {
      throw StageError(
        .badInput, "its header is damaged: \(fields[5]) channels at \(fields[4]) Hz, samples at \(fields[1])")
    }
    self.encoding = encoding
    format = AudioFormat(.f32le, rate: Int(fields[4]), channels: Int(fields[5]))
    dataOffset = Int(fields[1])
  }
}
