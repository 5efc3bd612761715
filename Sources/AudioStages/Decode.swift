internal import AudioCodecs
package import FluxGraph

/// The stage `decode`: turns bytes into samples, by what the bytes are.
package struct Decode: AudioDecoder {
  package static let description = StageDescription<Decode>(
    "decode", "Decodes WAV and Ogg Opus, told apart by their content, or raw samples.",
    details: """
      A length that its writer could not know, as in WAV from a pipe, is no promise: all audio there is is used, and a notice tells \
      where it is less than was said (`shorter-than-said`). Ogg needs no mark of its end, and what goes on behind one is audio. A \
      tag, or rubbish of up to 64 KiB, in front of the sound is passed over (`passed-over`); what stands behind it and belongs to \
      it no more, such as another file, is told (`unread`). Of fields of a header that follow from others only those are believed. \
      Audio that is lost within, by a cut in the middle of a page or damage, is an error, behind all that could be decoded.
      """,
    role: .decode,
    examples: [
      "file talk.wav | decode | flux | stdout", "stdin | decode raw=pcm(s16le, 16k, mono) | flux | stdout",
    ]
  ) {
    Option("raw", \Decode.raw, "The format of samples without a header, such as `pcm(s16le, 16k, mono)`.")
  }

  package var raw: AudioFormat?
  private var wanted = AudioRequirement.any
  private var context: StageContext?
  private var format: (any FormatDecoder)?
  private var hasLookedAtChannels = false

  package init() {}

  package var output: AudioStreamType {
    raw.map { AudioStreamType($0, liveness: .finite) } ?? AudioStreamType(liveness: .finite)
  }

  package mutating func prepare(wanted: AudioRequirement, _ context: StageContext) throws {
    self.wanted = wanted
    self.context = context
    if let raw { format = RawDecoder(raw) }
  }

  package mutating func decode(
    _ bytes: inout ByteBuffer, isLast: Bool, into audio: inout AudioBuffer
  ) throws -> DecodeProgress {
    if format == nil {
      guard let found = try sniff(&bytes, isLast: isLast) else { return .needsBytes }
      format = found
    }
    let progress = try format?.decode(&bytes, isLast: isLast, into: &audio) ?? .finished
    if !hasLookedAtChannels, let channels = format?.channels { tellMix(of: channels) }
    if case .finished = progress { for remark in format?.remarks ?? [] { context?.notice(remark) } }
    return progress
  }

  package mutating func seek(to start: Duration, in bytes: any SeekableBytes) throws -> Bool {
    if format == nil {
      // What it is, is told with the same words when it comes to decoding.
      let head = try bytes.bytes(at: 0, count: Sniffer.enough)
      let found = head.withUnsafeBytes { Sniffer.find($0, isWhole: head.count < Sniffer.enough) }
      switch found?.offset == 0 ? found?.kind : nil {
      case .wav: format = WAVDecoder(wanted: wanted)
      case .oggOpus: format = OggOpusStageDecoder(wanted: wanted)
      default: return false
      }
    }
    if try format?.seek(to: start, in: bytes) == true { return true }
    if raw == nil { format = nil }
    return false
  }

  private func sniff(_ bytes: inout ByteBuffer, isLast: Bool) throws -> (any FormatDecoder)? {
    if bytes.isEmpty && isLast { throw StageError(.badInput, "it is empty") }
    guard let found = bytes.withBytes({ Sniffer.find($0, isWhole: isLast) }) else { return nil }
    if found.offset > 0, [.wav, .oggOpus].contains(found.kind) {
      bytes.removeFirst(found.offset)
      context?.notice(
        Notice(
          "passed-over", "\(ByteCount(found.offset)) stand in front of the sound, and were passed over",
          severity: .warning, details: [("bytes", JSONValue(found.offset))]))
    }
    switch found.kind {
    case .wav: return WAVDecoder(wanted: wanted)
    case .oggOpus: return OggOpusStageDecoder(wanted: wanted)
    case .text: throw StageError(.badInput, "it is text, not sound")
    case .unknown:
      throw StageError(
        .badInput, "it is neither WAV nor Ogg Opus, nor any other format known here",
        help: "If it holds bare samples, say which: `decode raw=pcm(s16le, 16k, mono)`.")
    case .playlist(let entry): throw Self.playlist(entry)
    default: throw Self.foreign(found.kind)
    }
  }

  /// Two people on two channels are one garbled speaker on one.
  private mutating func tellMix(of channels: Int) {
    hasLookedAtChannels = true
    guard channels == 2, context?.resource(UnaskedMix.self) != nil else { return }
    context?.notice(
      Notice(
        "stereo-mixed",
        "it has two channels, which are mixed into one; where each has a speaker of its own, `flux channels=split` hears both, "
          + "and bills each"))
  }

  private static func playlist(_ entry: String?) -> StageError {
    let address = entry.flatMap { $0.utf8.allSatisfy { 0x20 < $0 && $0 < 0x7F && $0 != 0x22 } ? $0 : nil }
    return StageError(
      .badInput, "it is a list of addresses, and no sound itself",
      help: address.map {
        WebURL($0) == nil
          ? "Write what it names: `file \"\($0)\"`." : "Write what it names: `http \"\($0)\"`."
      } ?? "Write the address in it: `http URL`.")
  }

  /// Formats others decode better: the answer names the line that does it.
  private static func foreign(_ kind: Sniffer.Kind) -> StageError {
    let name =
      switch kind {
      case .ogg(let codec): codec.map { "Ogg with \($0)" } ?? "Ogg with an unknown codec"
      case .mp3: "MP3"
      case .aac: "AAC"
      case .flac: "FLAC"
      case .matroska: "WebM or Matroska"
      case .mp4: "MP4"
      case .amr: "AMR"
      case .caf: "CAF"
      case .aiff: "AIFF"
      case .tagged: "sound behind a long ID3 tag"
      case .au: "AU"
      case .wave64: "Wave64"
      case .windowsMedia: "Windows Media"
      case .transportStream: "an MPEG transport stream"
      case .wav, .oggOpus, .text, .playlist, .unknown: "this format"
      }
    return StageError(.badInput, "it holds \(name), which is not decoded here", help: otherProgram)
  }

  /// What can be done about sound that is not decoded here.
  static let otherProgram =
    #"ffmpeg can; write this in the place of the source: exec ["ffmpeg", "-v", "error", "-i", "FILE", "-f", "wav", "-"]"#
}

/// A decoder of one format, found by `Decode`.
protocol FormatDecoder {
  mutating func decode(_ bytes: inout ByteBuffer, isLast: Bool, into audio: inout AudioBuffer) throws
    -> DecodeProgress
  /// What the user should know of what was decoded. At the end.
  var remarks: [Notice] { get }
  /// The channels of what is decoded; nil as long as they are not known.
  var channels: Int? { get }
  /// As `AudioDecoder.seek`; without a change when it returns false.
  mutating func seek(to start: Duration, in bytes: any SeekableBytes) throws -> Bool
}

extension FormatDecoder {
  var remarks: [Notice] { [] }
}

/// Samples without a header.
private struct RawDecoder: FormatDecoder {
  private let format: AudioFormat
  private var hasBegun = false
  var channels: Int? { format.channels }

  init(_ format: AudioFormat) {
    self.format = format
  }

  mutating func decode(
    _ bytes: inout ByteBuffer, isLast: Bool, into audio: inout AudioBuffer
  ) throws -> DecodeProgress {
    if !hasBegun {
      audio.reset(format: format, capacity: 4096)
      hasBegun = true
    }
    let frames = min(bytes.count / format.bytesPerFrame, audio.freeFrames)
    // Less than a frame at the end is no sample.
    guard frames > 0 else { return isLast ? .finished : .needsBytes }
    let count = frames * format.bytesPerFrame
    bytes.withBytes { source in
      audio.append { room in
        room.copyMemory(from: UnsafeRawBufferPointer(rebasing: source[..<count]))
        return frames
      }
    }
    bytes.removeFirst(count)
    return .produced
  }

  mutating func seek(to start: Duration, in bytes: any SeekableBytes) throws -> Bool {
    try bytes.goOn(
      at: min(format.frames(in: start), bytes.length / format.bytesPerFrame) * format.bytesPerFrame)
    return true
  }
}
